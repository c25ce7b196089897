// SPDX-License-Identifier: MIT OR Apache-2.0

//! Atomic operations of a GPU on the memory of a running system.

use crate::atomic;
use crate::diagnostic::{Diagnostic, Remark};
use crate::llvm::{AtomicOp, Block, Builder, Module, Opcode, Ordering, Predicate, Value, debug};
use crate::program::Program;

use super::NAME;

/// The operations that kernel code has. The rest (floating point, wrapping increments) is refused: LLVM makes atomic operations
/// of them that order nothing.
const SEPARABLE: &[AtomicOp] = &[
    AtomicOp::LLVMAtomicRMWBinOpXchg,
    AtomicOp::LLVMAtomicRMWBinOpAdd,
    AtomicOp::LLVMAtomicRMWBinOpSub,
    AtomicOp::LLVMAtomicRMWBinOpAnd,
    AtomicOp::LLVMAtomicRMWBinOpOr,
    AtomicOp::LLVMAtomicRMWBinOpXor,
    AtomicOp::LLVMAtomicRMWBinOpNand,
    AtomicOp::LLVMAtomicRMWBinOpMax,
    AtomicOp::LLVMAtomicRMWBinOpMin,
    AtomicOp::LLVMAtomicRMWBinOpUMax,
    AtomicOp::LLVMAtomicRMWBinOpUMin,
];

/// On a GPU an atomic operation on host memory is not atomic against the CPU (it was measured: GPU and CPU increments of
/// one word got lost), and LLVM would widen those of a byte or of 16 bits to 32 bits. So they become a load, the operation
/// and a store of exactly the width that the kernel's code has, between fences over the whole system.
pub fn separate<'c>(module: &Module<'c>, program: &mut Program, function: Value<'c>) {
    for operation in function.instructions() {
        if matches!(operation.opcode(), Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg)) {
            program.remark(Remark::Passed, NAME, || {
                let remark =
                    "the atomic operation becomes a load and a store: the system's CPUs may come between";
                (debug::site(module.context(), operation), remark.to_owned())
            });
        }
        match operation.opcode() {
            Some(Opcode::LLVMAtomicRMW) => {
                let is_separate = separate_update(module, operation).is_some();
                if is_separate {
                    continue;
                }
                let message =
                    "an atomic operation on this type, or of this kind, has no ordered form on a GPU";
                let site = debug::site(module.context(), operation);
                program.diagnostics.push(Diagnostic::error(NAME, site, message));
            }
            Some(Opcode::LLVMAtomicCmpXchg) => separate_exchange(module, operation),
            Some(Opcode::LLVMFence) => {
                // A fence of one thread orders what the compiler does, and on x86 that is the order of memory too; LLVM
                // has none for GPUs.
                Builder::before(module.context(), operation).fence(operation.ordering(), false);
                operation.erase();
            }
            _ => {}
        }
    }
}

/// `None` if it is not known how.
fn separate_update<'c>(module: &Module<'c>, operation: Value<'c>) -> Option<()> {
    let (pointer, value) = (operation.operand(0)?, operation.operand(1)?);
    if !SEPARABLE.contains(&operation.atomic_operation()) || value.ty().bits() == 0 {
        return None;
    }
    let builder = Builder::before(module.context(), operation);
    let bytes = operation.alignment();
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let old = builder.load(value.ty(), pointer, bytes);
    old.set_volatile();
    let new = atomic::updated(&builder, operation, old)?;
    builder.store(new, pointer, bytes).set_volatile();
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    operation.replace_all_uses_with(old);
    operation.erase();
    Some(())
}

fn separate_exchange<'c>(module: &Module<'c>, operation: Value<'c>) {
    let (Some(pointer), Some(expected), Some(new)) =
        (operation.operand(0), operation.operand(1), operation.operand(2))
    else {
        return;
    };
    let context = module.context();
    let bytes = operation.alignment();
    let (before, behind) = Block::split_before(context, operation);
    let exchange = Block::insert_before(context, behind, "exchange");
    let builder = Builder::at_end_for(context, before, operation);
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let old = builder.load(new.ty(), pointer, bytes);
    old.set_volatile();
    let equal = builder.compare(Predicate::LLVMIntEQ, old, expected);
    builder.conditional_branch(equal, exchange, behind);
    // A CPU writes in either case, what it found if the comparison fails; but what was found here may be another's old value by now.
    let builder = Builder::at_end_for(context, exchange, operation);
    builder.store(new, pointer, bytes).set_volatile();
    builder.branch(behind);
    let builder = Builder::before(context, operation);
    builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
    let pair = builder.insert(builder.insert(operation.ty().poison(), old, 0), equal, 1);
    operation.replace_all_uses_with(pair);
    operation.erase();
}
