// SPDX-License-Identifier: MIT OR Apache-2.0

//! Exchanges.

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;
use crate::llvm::{AtomicOp, Opcode, Predicate, Value};

use super::arithmetic::set_flags;

/// `xchg`; with memory it is locked with or without the prefix.
pub fn swap(machine: &mut Machine<'_, '_>, one: &Operand, other: &Operand, bits: u32) -> Result<(), Refusal> {
    let (register, memory) = if machine.is_memory(one) { (other, one) } else { (one, other) };
    let value = machine.read(register, bits)?;
    let old = match machine.address(memory) {
        Some(address) => machine.builder.atomic(AtomicOp::LLVMAtomicRMWBinOpXchg, address, value),
        None => {
            let old = machine.read(memory, bits)?;
            machine.write(memory, value)?;
            old
        }
    };
    machine.write(register, old)
}

/// `xadd`.
pub fn add(
    machine: &mut Machine<'_, '_>,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let addend = machine.read(source, bits)?;
    let old = match machine.one_step(to, lock) {
        Some((address, ordering)) => {
            let old =
                machine.builder.atomic_ordered(AtomicOp::LLVMAtomicRMWBinOpAdd, address, addend, ordering);
            machine.write(source, old)?;
            old
        }
        // The sum is written last, should both be one register.
        None => {
            let old = machine.read(to, bits)?;
            machine.write(source, old)?;
            let sum = machine.builder.add(old, addend);
            machine.write(to, sum)?;
            old
        }
    };
    let sum = machine.builder.add(old, addend);
    set_flags(machine, "add", old, addend, sum);
    Ok(())
}

/// `cmpxchg`. Of its flags only "zero" is used.
pub fn compare(
    machine: &mut Machine<'_, '_>,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let accumulator = Operand::Register("rax".into());
    let expected = machine.read(&accumulator, bits)?;
    let new = machine.read(source, bits)?;
    if !machine.is_memory(to) {
        return Err(Refusal::unknown("`cmpxchg` without memory"));
    }
    let (old, equal) = if let Some((address, ordering)) = machine.one_step(to, lock) {
        let pair = machine.builder.compare_exchange_ordered(address, expected, new, ordering);
        (machine.builder.extract(pair, 0), machine.builder.extract(pair, 1))
    } else {
        let old = machine.read(to, bits)?;
        let equal = machine.builder.compare(Predicate::LLVMIntEQ, old, expected);
        // As the CPU does: the destination is written in either case.
        let stored = machine.builder.select(equal, new, old);
        machine.write(to, stored)?;
        (old, equal)
    };
    machine.flags = Flags { zero: Some(equal), ..Flags::default() };
    write_unless(machine, equal, &accumulator, old)
}

/// Writes to a register only where a condition does not hold: where it does, not even its upper half changes.
fn write_unless<'c>(
    machine: &mut Machine<'_, 'c>,
    condition: Value<'c>,
    to: &Operand,
    value: Value<'c>,
) -> Result<(), Refusal> {
    if value.ty().bits() != 32 || machine.held_bits(to) <= 32 {
        return machine.write(to, value);
    }
    let builder = machine.builder;
    let whole = builder.select(condition, machine.read(to, 64)?, builder.to_unsigned(value, 64));
    machine.write(to, whole)
}

/// `cmpxchg8b` and `cmpxchg16b`: the same with two registers of `half` bits for each value.
pub fn compare_double<'c>(
    machine: &mut Machine<'_, 'c>,
    to: &Operand,
    half: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let builder = machine.builder;
    let [high, low] = ["rdx", "rax"].map(|name| Operand::Register(name.into()));
    let [new_high, new_low] = ["rcx", "rbx"].map(|name| Operand::Register(name.into()));
    let whole = builder.integer(2 * half);
    let join = |machine: &Machine<'_, 'c>, high: &Operand, low: &Operand| {
        let high = builder.to_unsigned(machine.read(high, half)?, 2 * half);
        let high = builder.binary(Opcode::LLVMShl, high, whole.constant(u64::from(half)));
        Ok(builder.or(high, builder.to_unsigned(machine.read(low, half)?, 2 * half)))
    };
    let expected = join(machine, &high, &low)?;
    let new = join(machine, &new_high, &new_low)?;
    let address = machine.address(to).ok_or_else(|| Refusal::unknown("`cmpxchg` without memory"))?;
    let (old, equal) = if lock {
        let pair = builder.compare_exchange(address, expected, new);
        (builder.extract(pair, 0), builder.extract(pair, 1))
    } else {
        let old = machine.read(to, 2 * half)?;
        let equal = builder.compare(Predicate::LLVMIntEQ, old, expected);
        machine.write(to, builder.select(equal, new, old))?;
        (old, equal)
    };
    // The registers are written only if the values differ.
    let old_high = builder.binary(Opcode::LLVMLShr, old, whole.constant(u64::from(half)));
    write_unless(machine, equal, &high, builder.to_unsigned(old_high, half))?;
    write_unless(machine, equal, &low, builder.to_unsigned(old, half))?;
    machine.flags.zero = Some(equal);
    Ok(())
}
