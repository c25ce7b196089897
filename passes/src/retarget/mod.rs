// SPDX-License-Identifier: MIT OR Apache-2.0

//! retarget: triple, data layout, attributes, sections, names and calling conventions of the target.
//!
//! The C front end compiled for x86-64, whose structure layouts the target kernel has; the layouts of nvptx64 agree with
//! them. Everything else that is the CPU's is replaced here, before the device runtime is linked in.

mod atomics;
mod host_memory;
mod initial_values;
mod initialisers;
mod loads;

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols::{self, runtime};

use crate::llvm::{Linkage, Module, Value};
use crate::program::{Linking, Program};

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
    "patchable-function-entry",
    "patchable-function-prefix",
    "warn-stack-size",
    "zero-call-used-regs",
    "fentry-call",
];

/// Attributes of LLVM's that only a CPU's code generator understands.
const CPU_ENUM_ATTRIBUTES: &[&str] =
    &["noredzone", "nocf_check", "uwtable", "fn_ret_thunk_extern", "ssp", "sspreq", "sspstrong"];

/// Runs the pass. `triple` and `data_layout` are those of the target machine.
pub fn run(module: &Module<'_>, program: &mut Program, target: Target, triple: &str, data_layout: &str) {
    let linking = program.linking;
    module.set_triple(triple);
    module.set_data_layout(data_layout);
    remove_cpu_attributes(module);
    if target == Target::Cuda {
        initial_values::widen(module);
        initial_values::assign(module);
    }
    initialisers::call(module, linking);
    for function in module.functions() {
        if !function.is_declaration() {
            function.set_section("");
            // No call of a C library's function may be made from loops and comparisons any more: there is none.
            function.add_text_attribute(module.context(), "no-builtins");
            forget_library(module, function);
            if target == Target::Cuda {
                atomics::separate(module, program, function);
                loads::relax(module, function);
            }
            if function.name().starts_with(symbols::ENTRY_PREFIX) {
                if target == Target::Cuda {
                    function.set_calling_convention(PTX_KERNEL);
                }
            } else if linking == Linking::Whole {
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
    if target == Target::Host {
        host_memory::define(module, linking);
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

/// Says of a function that has the name of one of C's, as the kernel's own `memcmp()` does, that it is none: code generators make
/// loads of calls of that one, whatever the attributes of the caller say, and no load is translated any more.
fn forget_library<'c>(module: &Module<'c>, function: Value<'c>) {
    if runtime::LIBRARY.contains(&function.name().as_str()) {
        for call in function.calls() {
            call.add_call_attribute(module.context(), "nobuiltin");
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
