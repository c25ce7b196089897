// SPDX-License-Identifier: MIT OR Apache-2.0

//! retarget: triple, data layout, attributes, sections, names and calling conventions of the target.
//!
//! The C front end compiled for x86-64, whose structure layouts the target kernel has; the layouts of nvptx64 agree with
//! them. Everything else that is the CPU's is replaced here, before the device runtime is linked in.

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols;

use crate::llvm::{AtomicOp, Builder, Linkage, Module, Opcode, Ordering, Predicate, Value};

/// Name of the pass.
pub const NAME: &str = "retarget";

/// LLVM's calling convention of a kernel that the host launches (IR/CallingConv.h, `PTX_Kernel`).
const PTX_KERNEL: u32 = 71;

/// Attributes that say which CPU code was meant for.
const CPU_ATTRIBUTES: &[&str] = &[
    "target-cpu",
    "target-features",
    "tune-cpu",
    "frame-pointer",
    "stack-protector-buffer-size",
    "no-trapping-math",
    "patchable-function",
    "warn-stack-size",
    "fentry-call",
];

/// Attributes of LLVM's that only a CPU's code generator understands.
const CPU_ENUM_ATTRIBUTES: &[&str] =
    &["noredzone", "nocf_check", "uwtable", "fn_ret_thunk_extern", "ssp", "sspstrong"];

/// Runs the pass. `triple` and `data_layout` are those of the target machine.
pub fn run(module: &Module<'_>, target: Target, triple: &str, data_layout: &str) {
    module.set_triple(triple);
    module.set_data_layout(data_layout);
    remove_cpu_attributes(module);
    for function in module.functions() {
        if !function.is_declaration() {
            function.set_section("");
            if target == Target::Cuda {
                separate_atomics(module, function);
            }
            if function.name().starts_with(symbols::ENTRY_PREFIX) {
                if target == Target::Cuda {
                    function.set_calling_convention(PTX_KERNEL);
                }
            } else {
                function.set_linkage(Linkage::LLVMInternalLinkage);
            }
        }
        rename(target, function);
    }
    for global in module.globals() {
        if !global.is_declaration() {
            global.set_section("");
        }
        rename(target, global);
    }
}

/// Removes the attributes that tell functions for different CPUs apart, and keep them from being inlined into each other.
pub fn remove_cpu_attributes(module: &Module<'_>) {
    for function in module.functions() {
        for attribute in CPU_ATTRIBUTES {
            function.remove_text_attribute(attribute);
        }
        for attribute in CPU_ENUM_ATTRIBUTES {
            function.remove_attribute(attribute);
        }
    }
}

/// PTX identifiers have letters, digits, `_`, `$` and `%` only (PTX ISA, "Identifiers"), and `WARP_SZ` is taken.
fn rename(target: Target, global: Value<'_>) {
    let name = global.name();
    if target != Target::Cuda || name.starts_with("llvm.") || name.is_empty() {
        return;
    }
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
    if name == "WARP_SZ" || !name.chars().all(valid) {
        let name: String = name.chars().map(|letter| if valid(letter) { letter } else { '_' }).collect();
        global.set_name(&format!("{name}_"));
    }
}

/// On a GPU an atomic operation on host memory is not atomic against the CPU (it was measured: GPU and CPU increments of
/// one word got lost), and LLVM would widen those of a byte or of 16 bits to 32 bits. So they become a load, the operation
/// and a store of exactly the width that the kernel's code has, between fences over the whole system.
fn separate_atomics<'c>(module: &Module<'c>, function: Value<'c>) {
    for operation in function.instructions() {
        match operation.opcode() {
            Some(Opcode::LLVMAtomicRMW) => separate_update(module, operation),
            Some(Opcode::LLVMAtomicCmpXchg) => separate_exchange(module, operation),
            _ => {}
        }
    }
}

fn separate_update<'c>(module: &Module<'c>, operation: Value<'c>) {
    let (Some(pointer), Some(value)) = (operation.operand(0), operation.operand(1)) else { return };
    let builder = Builder::before(module.context(), operation);
    let bytes = value.ty().bits() / 8;
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let old = builder.load(value.ty(), pointer, bytes);
    old.set_volatile();
    let new = match operation.atomic_operation() {
        AtomicOp::LLVMAtomicRMWBinOpXchg => value,
        AtomicOp::LLVMAtomicRMWBinOpAdd => builder.add(old, value),
        AtomicOp::LLVMAtomicRMWBinOpSub => builder.sub(old, value),
        AtomicOp::LLVMAtomicRMWBinOpAnd => builder.and(old, value),
        AtomicOp::LLVMAtomicRMWBinOpOr => builder.or(old, value),
        AtomicOp::LLVMAtomicRMWBinOpXor => builder.xor(old, value),
        AtomicOp::LLVMAtomicRMWBinOpNand => builder.not(builder.and(old, value)),
        AtomicOp::LLVMAtomicRMWBinOpMax => {
            builder.select(builder.compare(Predicate::LLVMIntSGT, old, value), old, value)
        }
        AtomicOp::LLVMAtomicRMWBinOpMin => {
            builder.select(builder.compare(Predicate::LLVMIntSLT, old, value), old, value)
        }
        AtomicOp::LLVMAtomicRMWBinOpUMax => {
            builder.select(builder.compare(Predicate::LLVMIntUGT, old, value), old, value)
        }
        AtomicOp::LLVMAtomicRMWBinOpUMin => {
            builder.select(builder.compare(Predicate::LLVMIntULT, old, value), old, value)
        }
        // The rest (floating point, wrapping increments) is in no kernel code; LLVM may lower it.
        _ => return,
    };
    builder.store(new, pointer, bytes).set_volatile();
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    operation.replace_all_uses_with(old);
    operation.erase();
}

fn separate_exchange<'c>(module: &Module<'c>, operation: Value<'c>) {
    let (Some(pointer), Some(expected), Some(new)) =
        (operation.operand(0), operation.operand(1), operation.operand(2))
    else {
        return;
    };
    let builder = Builder::before(module.context(), operation);
    let bytes = new.ty().bits() / 8;
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let old = builder.load(new.ty(), pointer, bytes);
    old.set_volatile();
    let equal = builder.compare(Predicate::LLVMIntEQ, old, expected);
    // As the CPU does, the word is written in either case: with its own value if the comparison fails.
    builder.store(builder.select(equal, new, old), pointer, bytes).set_volatile();
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let pair = builder.insert(builder.insert(operation.ty().poison(), old, 0), equal, 1);
    operation.replace_all_uses_with(pair);
    operation.erase();
}
