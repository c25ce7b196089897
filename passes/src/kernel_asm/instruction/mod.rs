// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each instruction does (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2), one file per family.

mod arithmetic;
mod bits;
mod exchange;
mod moves;
pub mod refused;
mod shift;

use crate::llvm::{Module, Ordering, Type, Value};

use super::machine::Machine;
use super::refusal::Refusal;
use super::segment;
use super::template::{Instruction, Operand, Repeat};

/// Mnemonics that take a size suffix, without it.
const SIZED: &[&str] = &[
    "adc", "add", "and", "bsf", "bsr", "bswap", "bt", "btc", "btr", "bts", "cmp", "cmpxchg", "dec", "imul",
    "inc", "lea", "lzcnt", "mov", "mul", "neg", "not", "or", "popcnt", "rol", "ror", "sal", "sar", "sbb",
    "shl", "shr", "sub", "test", "tzcnt", "xadd", "xchg", "xor",
];

/// A mnemonic without its suffix, and the width in bits that the suffix says.
fn split_suffix(mnemonic: &str) -> (&str, Option<u32>) {
    if SIZED.contains(&mnemonic) {
        return (mnemonic, None);
    }
    for (suffix, bits) in [("b", 8), ("w", 16), ("l", 32), ("q", 64)] {
        if let Some(base) = mnemonic.strip_suffix(suffix)
            && SIZED.contains(&base)
        {
            return (base, Some(bits));
        }
    }
    (mnemonic, None)
}

/// Executes one instruction.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    instruction: &Instruction,
) -> Result<(), Refusal> {
    segment::check(instruction)?;
    let operands = instruction.operands.as_slice();
    let lock = instruction.lock;
    let (base, suffix) = split_suffix(&instruction.mnemonic);
    let is_repeated = instruction.repeat != Repeat::No;
    if is_repeated && !matches!(base, "nop" | "bsf") {
        return Err(refused::refusal(instruction));
    }
    let width = |machine: &Machine<'_, 'c>| {
        suffix
            .or_else(|| operands.iter().rev().find_map(|operand| machine.width_of(operand)))
            .ok_or_else(|| Refusal::unknown("the width of an instruction is not clear"))
    };
    match (base, operands) {
        ("nop" | "pause", _) => {}
        // No interrupt of the failing system reaches a recovery program.
        ("cli" | "sti", []) => {}
        _ if base.starts_with("prefetch") => {}
        ("mfence", []) => {
            machine.builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
        }
        ("lfence" | "sfence", []) => {
            machine.builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, false);
        }
        // smp_mb() on x86-64: a locked operation on the stack (arch/x86/include/asm/barrier.h).
        ("add", [Operand::Immediate(0), Operand::Memory(_, stack)])
            if lock && **stack == Operand::Register("rsp".into()) =>
        {
            machine.builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
        }
        ("mov", [source, to]) => {
            let value = machine.read(source, width(machine)?)?;
            machine.write(to, value)?;
        }
        ("lea", [source, to]) => moves::load_address(machine, source, to, width(machine)?)?,
        ("add" | "sub" | "and" | "or" | "xor", [source, to]) => {
            arithmetic::operation(machine, base, source, to, width(machine)?, lock)?;
        }
        ("adc" | "sbb", [source, to]) => {
            arithmetic::with_carry(machine, base, source, to, width(machine)?, lock)?;
        }
        ("inc" | "dec", [to]) => arithmetic::step(machine, base, to, width(machine)?, lock)?,
        ("cmp" | "test", [source, to]) => arithmetic::compare(machine, base, source, to, width(machine)?)?,
        ("neg" | "not", [to]) if !lock => arithmetic::negate(machine, base, to, width(machine)?)?,
        ("xchg", [one, other]) => exchange::swap(machine, one, other, width(machine)?)?,
        ("xadd", [source, to]) => exchange::add(machine, source, to, width(machine)?, lock)?,
        ("cmpxchg", [source, to]) => exchange::compare(machine, source, to, width(machine)?, lock)?,
        ("bt" | "bts" | "btr" | "btc", [bit, to]) => {
            bits::test(machine, base, bit, to, width(machine)?, lock)?;
        }
        ("bsf" | "bsr" | "tzcnt" | "lzcnt" | "popcnt", [source, to]) => {
            // `rep; bsf` is tzcnt on CPUs that have it; the kernel uses it where the source is not 0.
            let base = if is_repeated { "tzcnt" } else { base };
            bits::scan(machine, module, base, source, to, width(machine)?)?;
        }
        ("bswap", [to]) => bits::swap_bytes(machine, module, to, width(machine)?)?,
        ("shl" | "sal" | "shr" | "sar" | "rol" | "ror", [count, to]) => {
            shift::execute(machine, module, base, count, to, width(machine)?)?;
        }
        ("shl" | "sal" | "shr" | "sar" | "rol" | "ror", [to]) => {
            shift::execute(machine, module, base, &Operand::Immediate(1), to, width(machine)?)?;
        }
        ("call", [Operand::Text(function)]) => bits::software_weight(machine, module, function)?,
        (_, [to]) if base.starts_with("set") => moves::set(machine, &base[3..], to)?,
        (_, [source, to]) if base.starts_with("cmov") => moves::conditional(machine, &base[4..], source, to)?,
        (_, [source, to]) if base.starts_with("movz") || base.starts_with("movs") => {
            moves::extend(machine, base, source, to).ok_or_else(|| refused::refusal(instruction))??;
        }
        _ => return Err(refused::refusal(instruction)),
    }
    Ok(())
}

/// A call of an LLVM intrinsic that is overloaded on its first argument's type.
fn intrinsic<'c>(
    machine: &Machine<'_, 'c>,
    module: &Module<'c>,
    name: &str,
    arguments: &[Value<'c>],
) -> Value<'c> {
    let ty = arguments[0].ty();
    let parameters: Vec<Type<'c>> = arguments.iter().map(|argument| argument.ty()).collect();
    let function_type = ty.function(&parameters);
    let function = module.declare_function(&format!("{name}.i{}", ty.bits()), function_type);
    machine.builder.call(function_type, function, arguments)
}
