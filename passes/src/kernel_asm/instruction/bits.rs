// SPDX-License-Identifier: MIT OR Apache-2.0

//! Single bits, searches for bits, and bytes in reverse.

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;
use crate::llvm::{AtomicOp, Module, Opcode, Predicate, Value};

use super::intrinsic;

/// `bt`, `bts`, `btr`, `btc`. On memory a bit number from a register reaches beyond the word, so the byte
/// that holds the bit is addressed: the narrowest access that does it.
pub fn test(
    machine: &mut Machine<'_, '_>,
    base: &str,
    bit: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let number = machine.read(bit, bits)?;
    let builder = machine.builder;
    let inside = builder.and(number, builder.integer(bits).constant(u64::from(bits) - 1));
    let Some(address) = machine.address(to) else {
        let value = machine.read(to, bits)?;
        let mask = builder.binary(Opcode::LLVMShl, builder.integer(bits).constant(1), inside);
        let found = builder.compare(Predicate::LLVMIntNE, builder.and(value, mask), value.ty().zero());
        if let Some(changed) = changed(machine, base, value, mask) {
            machine.write(to, changed)?;
        }
        machine.flags = Flags { carry: Some(found), ..Flags::default() };
        return Ok(());
    };
    // A number in the text stays inside the operand; one in a register counts, signed, from its start.
    let number = if machine.is_immediate(bit) {
        builder.to_unsigned(inside, 64)
    } else {
        builder.to_signed(number, 64)
    };
    let byte = builder.binary(Opcode::LLVMAShr, number, builder.u64(3));
    let address = builder.offset(address, byte);
    let shift = builder.to_unsigned(builder.and(number, builder.u64(7)), 8);
    let mask = builder.binary(Opcode::LLVMShl, builder.integer(8).constant(1), shift);
    let ordering = machine.one_step(to, lock).map(|(_, ordering)| ordering);
    let in_one_step =
        |operation, mask| ordering.map(|ordering| builder.atomic_ordered(operation, address, mask, ordering));
    let old = match base {
        "bts" => in_one_step(AtomicOp::LLVMAtomicRMWBinOpOr, mask),
        "btr" => in_one_step(AtomicOp::LLVMAtomicRMWBinOpAnd, builder.not(mask)),
        "btc" => in_one_step(AtomicOp::LLVMAtomicRMWBinOpXor, mask),
        _ => None,
    };
    let old = match old {
        Some(old) => old,
        None => {
            let old = builder.load(builder.integer(8), address, 1);
            old.set_volatile();
            if let Some(changed) = changed(machine, base, old, mask) {
                builder.store(changed, address, 1).set_volatile();
            }
            old
        }
    };
    let found = builder.compare(Predicate::LLVMIntNE, builder.and(old, mask), builder.integer(8).zero());
    machine.flags = Flags { carry: Some(found), ..Flags::default() };
    Ok(())
}

fn changed<'c>(machine: &Machine<'_, 'c>, base: &str, old: Value<'c>, mask: Value<'c>) -> Option<Value<'c>> {
    let builder = machine.builder;
    match base {
        "bts" => Some(builder.or(old, mask)),
        "btr" => Some(builder.and(old, builder.not(mask))),
        "btc" => Some(builder.xor(old, mask)),
        _ => None,
    }
}

/// `bsf`, `bsr`, `tzcnt`, `lzcnt`, `popcnt`.
pub fn scan<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    base: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let value = machine.read(source, bits)?;
    let builder = machine.builder;
    let no = builder.integer(1).zero();
    let is_zero = builder.compare(Predicate::LLVMIntEQ, value, value.ty().zero());
    let result = match base {
        "popcnt" => intrinsic(machine, module, "llvm.ctpop", &[value]),
        "lzcnt" => intrinsic(machine, module, "llvm.ctlz", &[value, no]),
        "tzcnt" => intrinsic(machine, module, "llvm.cttz", &[value, no]),
        _ => {
            // Of 0 the destination keeps its value; kernel code relies on it (arch/x86/include/asm/bitops.h, ffs()).
            let found = if base == "bsr" {
                let leading = intrinsic(machine, module, "llvm.ctlz", &[value, no]);
                builder.sub(builder.integer(bits).constant(u64::from(bits) - 1), leading)
            } else {
                intrinsic(machine, module, "llvm.cttz", &[value, no])
            };
            // Not even its upper half changes.
            let bits = if bits == 32 && machine.held_bits(to) > 32 { 64 } else { bits };
            let old = machine.read(to, bits).unwrap_or_else(|_| builder.integer(bits).zero());
            machine.flags = Flags { zero: Some(is_zero), ..Flags::default() };
            return machine.write(to, builder.select(is_zero, old, builder.to_unsigned(found, bits)));
        }
    };
    machine.flags = if base == "popcnt" {
        Flags { carry: Some(no), zero: Some(is_zero), sign: Some(no), overflow: Some(no) }
    } else {
        let zero = builder.compare(Predicate::LLVMIntEQ, result, value.ty().zero());
        Flags { carry: Some(is_zero), zero: Some(zero), ..Flags::default() }
    };
    machine.write(to, result)
}

/// `bswap`; of 16 bits the result is undefined.
pub fn swap_bytes<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    if !matches!(bits, 32 | 64) {
        return Err(Refusal::unknown(format!("`bswap` of {bits} bits is undefined")));
    }
    let value = machine.read(to, bits)?;
    let result = intrinsic(machine, module, "llvm.bswap", &[value]);
    machine.write(to, result)
}
