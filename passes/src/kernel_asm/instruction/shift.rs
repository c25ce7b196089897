// SPDX-License-Identifier: MIT OR Apache-2.0

//! Shifts and rotations. Their flags depend on the count and are used by nobody.

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;
use crate::llvm::{Module, Opcode};

use super::intrinsic;

/// `shl`, `sal`, `shr`, `sar`, `rol`, `ror`.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    base: &str,
    count: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let value = machine.read(to, bits)?;
    let builder = machine.builder;
    // The CPU takes the count modulo 32, or 64 for 64-bit operands. Narrow operands are shifted as 32 bits, since a count
    // beyond their width shifts all out, which LLVM leaves undefined.
    let wide = bits.max(32);
    let count = builder.to_unsigned(machine.read(count, 8)?, wide);
    let count = builder.and(count, builder.integer(wide).constant(u64::from(wide) - 1));
    let result = match base {
        "rol" | "ror" => {
            let name = if base == "rol" { "llvm.fshl" } else { "llvm.fshr" };
            intrinsic(machine, module, name, &[value, value, builder.to_unsigned(count, bits)])
        }
        "shr" => builder.binary(Opcode::LLVMLShr, builder.to_unsigned(value, wide), count),
        "sar" => builder.binary(Opcode::LLVMAShr, builder.to_signed(value, wide), count),
        _ => builder.binary(Opcode::LLVMShl, builder.to_unsigned(value, wide), count),
    };
    let result = builder.to_unsigned(result, bits);
    machine.flags = Flags::default();
    machine.write(to, result)
}

/// `shld` and `shrd`: `to` is shifted, and what comes in is of `source`. Of 16 bits more than those are undefined.
pub fn double<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    base: &str,
    [count, source, to]: [&Operand; 3],
    bits: u32,
) -> Result<(), Refusal> {
    if !matches!(bits, 32 | 64) {
        return Err(Refusal::unknown(format!("`{base}` of {bits} bits is not known to gpufas-cc")));
    }
    let builder = machine.builder;
    let count = builder.to_unsigned(machine.read(count, 8)?, bits);
    let (value, more) = (machine.read(to, bits)?, machine.read(source, bits)?);
    // Both take the count modulo the width, as the CPU does.
    let result = if base == "shld" {
        intrinsic(machine, module, "llvm.fshl", &[value, more, count])
    } else {
        intrinsic(machine, module, "llvm.fshr", &[more, value, count])
    };
    machine.flags = Flags::default();
    machine.write(to, result)
}
