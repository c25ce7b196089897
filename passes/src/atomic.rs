// SPDX-License-Identifier: MIT OR Apache-2.0

//! What atomic operations make of the values that they find.

use crate::llvm::{AtomicOp, Builder, Opcode, Predicate, Value};

/// What an update stores where it finds `old`. None of those that kernel code does not have: floating point, wrapping
/// increments.
pub fn updated<'c>(builder: &Builder<'c>, operation: Value<'c>, old: Value<'c>) -> Option<Value<'c>> {
    let value = operation.operand(1)?;
    let choice =
        |predicate, other: Value<'c>| builder.select(builder.compare(predicate, old, other), old, other);
    Some(match operation.atomic_operation() {
        AtomicOp::LLVMAtomicRMWBinOpXchg => value,
        AtomicOp::LLVMAtomicRMWBinOpAdd => builder.add(old, value),
        AtomicOp::LLVMAtomicRMWBinOpSub => builder.sub(old, value),
        AtomicOp::LLVMAtomicRMWBinOpAnd => builder.and(old, value),
        AtomicOp::LLVMAtomicRMWBinOpOr => builder.or(old, value),
        AtomicOp::LLVMAtomicRMWBinOpXor => builder.xor(old, value),
        AtomicOp::LLVMAtomicRMWBinOpNand => builder.not(builder.and(old, value)),
        AtomicOp::LLVMAtomicRMWBinOpMax => choice(Predicate::LLVMIntSGT, value),
        AtomicOp::LLVMAtomicRMWBinOpMin => choice(Predicate::LLVMIntSLT, value),
        AtomicOp::LLVMAtomicRMWBinOpUMax => choice(Predicate::LLVMIntUGT, value),
        AtomicOp::LLVMAtomicRMWBinOpUMin => choice(Predicate::LLVMIntULT, value),
        _ => return None,
    })
}

/// What an operation has found and left, the same if it has changed nothing: who reads its word afterwards may find what somebody
/// else has left there. None as [`updated`].
pub fn exchanged<'c>(builder: &Builder<'c>, operation: Value<'c>) -> Option<(Value<'c>, Value<'c>)> {
    if operation.is(Opcode::LLVMAtomicCmpXchg) {
        let old = builder.extract(operation, 0);
        return Some((old, builder.select(builder.extract(operation, 1), operation.operand(2)?, old)));
    }
    Some((operation, updated(builder, operation, operation)?))
}
