// SPDX-License-Identifier: MIT OR Apache-2.0

//! Moves of addresses and conditions, and moves that change the width.

use crate::kernel_asm::flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;

/// `lea`. The address of the instruction itself (`_THIS_IP_`, for lock debugging) is no address that means something in a
/// recovery program, and is 0.
pub fn load_address(
    machine: &mut Machine<'_, '_>,
    source: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let here = Operand::Memory(0, Box::new(Operand::Register("rip".into())));
    let value = if *source == here {
        machine.builder.integer(bits).zero()
    } else {
        let address = machine
            .address(source)
            .ok_or_else(|| Refusal::unknown("`lea` of what is no known memory operand"))?;
        machine.builder.to_unsigned(address, bits)
    };
    machine.write(to, value)
}

/// `setCC`.
pub fn set(machine: &mut Machine<'_, '_>, code: &str, to: &Operand) -> Result<(), Refusal> {
    let condition = machine.condition(code)?;
    let value = machine.builder.to_unsigned(condition, 8);
    machine.write(to, value)
}

/// `cmovCC`.
pub fn conditional(
    machine: &mut Machine<'_, '_>,
    code: &str,
    source: &Operand,
    to: &Operand,
) -> Result<(), Refusal> {
    // `cmovl` moves if less, `cmovll` moves 32 bits if less.
    let (code, suffix) = match code.char_indices().last() {
        Some((end, letter)) if !flags::is_condition(code) => (&code[..end], suffix_bits(letter)),
        _ => (code, None),
    };
    let bits = suffix
        .or_else(|| machine.width_of(to))
        .ok_or_else(|| Refusal::unknown("the width of a conditional move is not clear"))?;
    let (then, other) = (machine.read(source, bits)?, machine.read(to, bits)?);
    let value = machine.builder.select(machine.condition(code)?, then, other);
    machine.write(to, value)
}

/// `movzbl`, `movslq` and so on: extension from one width to another. `None` for another mnemonic.
pub fn extend(
    machine: &mut Machine<'_, '_>,
    base: &str,
    source: &Operand,
    to: &Operand,
) -> Option<Result<(), Refusal>> {
    let (from, wide) = extended(base)?;
    let signed = base.starts_with("movs");
    Some((|| {
        let value = machine.read(source, from)?;
        let value = if signed {
            machine.builder.to_signed(value, wide)
        } else {
            machine.builder.to_unsigned(value, wide)
        };
        machine.write(to, value)
    })())
}

/// The widths in bits from and to which `movzbl` and its like extend.
pub fn extended(base: &str) -> Option<(u32, u32)> {
    let mut letters = base.strip_prefix("movz").or_else(|| base.strip_prefix("movs"))?.chars();
    let (from, wide) = (suffix_bits(letters.next()?)?, suffix_bits(letters.next()?)?);
    (letters.next().is_none() && from < wide).then_some((from, wide))
}

/// The width in bits that a suffix says.
fn suffix_bits(letter: char) -> Option<u32> {
    match letter {
        'b' => Some(8),
        'w' => Some(16),
        'l' => Some(32),
        'q' => Some(64),
        _ => None,
    }
}
