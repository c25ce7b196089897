// SPDX-License-Identifier: MIT OR Apache-2.0

//! Arithmetic and logic, and the flags that they set.

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;
use crate::llvm::{AtomicOp, Opcode, Predicate, Value};

fn combine<'c>(machine: &Machine<'_, 'c>, operation: &str, left: Value<'c>, right: Value<'c>) -> Value<'c> {
    let opcode = match operation {
        "add" => Opcode::LLVMAdd,
        "sub" => Opcode::LLVMSub,
        "and" => Opcode::LLVMAnd,
        "or" => Opcode::LLVMOr,
        _ => Opcode::LLVMXor,
    };
    machine.builder.binary(opcode, left, right)
}

/// Sets the flags as `operation` does, whose result is known.
pub fn set_flags<'c>(
    machine: &mut Machine<'_, 'c>,
    operation: &str,
    left: Value<'c>,
    right: Value<'c>,
    result: Value<'c>,
) {
    let builder = machine.builder;
    let negative = |value: Value<'c>| builder.compare(Predicate::LLVMIntSLT, value, value.ty().zero());
    let (carry, overflow) = match operation {
        "add" => (
            builder.compare(Predicate::LLVMIntULT, result, left),
            negative(builder.and(builder.xor(left, result), builder.xor(right, result))),
        ),
        "sub" => (
            builder.compare(Predicate::LLVMIntULT, left, right),
            negative(builder.and(builder.xor(left, right), builder.xor(left, result))),
        ),
        _ => (builder.integer(1).zero(), builder.integer(1).zero()),
    };
    machine.flags = Flags { carry: Some(carry), overflow: Some(overflow), zero: None, sign: None };
    machine.set_result_flags(result);
}

/// Both operands, as `to` and `source`. What `xor %0,%0`, `sub %0,%0` and `sbb %0,%0` find in the register does not matter.
fn operands<'c>(
    machine: &Machine<'_, 'c>,
    operation: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(Value<'c>, Value<'c>), Refusal> {
    if matches!(operation, "xor" | "sub") && machine.is_same_register(source, to) {
        let zero = machine.builder.integer(bits).zero();
        return Ok((zero, zero));
    }
    Ok((machine.read(to, bits)?, machine.read(source, bits)?))
}

/// `add`, `sub`, `and`, `or`, `xor`.
pub fn operation<'c>(
    machine: &mut Machine<'_, 'c>,
    operation: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let (left, right, result) = match machine.one_step(to, lock) {
        Some((address, ordering)) => {
            let atomic = match operation {
                "add" => AtomicOp::LLVMAtomicRMWBinOpAdd,
                "sub" => AtomicOp::LLVMAtomicRMWBinOpSub,
                "and" => AtomicOp::LLVMAtomicRMWBinOpAnd,
                "or" => AtomicOp::LLVMAtomicRMWBinOpOr,
                _ => AtomicOp::LLVMAtomicRMWBinOpXor,
            };
            let right = machine.read(source, bits)?;
            let left = machine.builder.atomic_ordered(atomic, address, right, ordering);
            (left, right, combine(machine, operation, left, right))
        }
        None => {
            let (left, right) = operands(machine, operation, source, to, bits)?;
            let result = combine(machine, operation, left, right);
            machine.write(to, result)?;
            (left, right, result)
        }
    };
    set_flags(machine, operation, left, right, result);
    Ok(())
}

/// `inc` and `dec`, which leave the carry flag alone.
pub fn step(
    machine: &mut Machine<'_, '_>,
    base: &str,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let carry = machine.flags.carry;
    let name = if base == "inc" { "add" } else { "sub" };
    operation(machine, name, &Operand::Immediate(1), to, bits, lock)?;
    machine.flags.carry = carry;
    Ok(())
}

/// `cmp` and `test`.
pub fn compare(
    machine: &mut Machine<'_, '_>,
    base: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let (left, right) = (machine.read(to, bits)?, machine.read(source, bits)?);
    let operation = if base == "cmp" { "sub" } else { "and" };
    let result = combine(machine, operation, left, right);
    set_flags(machine, operation, left, right, result);
    Ok(())
}

/// `neg` and `not`; `not` leaves the flags alone.
pub fn negate(machine: &mut Machine<'_, '_>, base: &str, to: &Operand, bits: u32) -> Result<(), Refusal> {
    let value = machine.read(to, bits)?;
    if base == "not" {
        let result = machine.builder.not(value);
        return machine.write(to, result);
    }
    let zero = value.ty().zero();
    let result = machine.builder.sub(zero, value);
    set_flags(machine, "sub", zero, value, result);
    machine.write(to, result)
}

/// `adc` and `sbb`; the carry out of the two steps is either's.
pub fn with_carry(
    machine: &mut Machine<'_, '_>,
    base: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    if lock {
        return Err(Refusal::unknown(format!("a locked `{base}` is not known to gpufas-cc")));
    }
    let carry = machine.condition("c")?;
    let carry = machine.builder.to_unsigned(carry, bits);
    let step = if base == "adc" { "add" } else { "sub" };
    let (left, right) = operands(machine, step, source, to, bits)?;
    let middle = combine(machine, step, left, right);
    set_flags(machine, step, left, right, middle);
    let first = machine.condition("c")?;
    let result = combine(machine, step, middle, carry);
    set_flags(machine, step, middle, carry, result);
    let second = machine.condition("c")?;
    machine.flags.carry = Some(machine.builder.or(first, second));
    machine.flags.overflow = None;
    machine.write(to, result)
}
