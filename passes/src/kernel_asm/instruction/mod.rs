// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each instruction does (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2), one file per family.

pub mod access;
mod arithmetic;
mod bits;
pub mod calls;
mod exchange;
mod moves;
mod product;
pub mod refused;
mod shift;
pub mod string;

use crate::llvm::{Module, Ordering, Type, Value};

use super::machine::Machine;
use super::refusal::Refusal;
use super::segment;
use super::template::{Instruction, Operand, Repeat};

/// Mnemonics that take a size suffix, without it.
const SIZED: &[&str] = &[
    "adc", "add", "and", "bsf", "bsr", "bswap", "bt", "btc", "btr", "bts", "cmp", "cmpxchg", "dec", "div",
    "imul", "inc", "lea", "lzcnt", "mov", "movnti", "mul", "neg", "not", "or", "popcnt", "rol", "ror", "sal",
    "sar", "sbb", "shl", "shld", "shr", "shrd", "sub", "test", "tzcnt", "xadd", "xchg", "xor",
];

/// Instructions that mean nothing to memory and registers: hints, what concerns caches, and what allows the kernel to access
/// the memory of user processes.
const WITHOUT_MEANING: &[&str] = &[
    "nop",
    "nopw",
    "nopl",
    "pause",
    "clflush",
    "clflushopt",
    "clwb",
    "cldemote",
    "clac",
    "stac",
    "cld",
    "endbr64",
    "endbr32",
];

/// Whether an instruction means nothing to memory and registers.
pub fn is_without_meaning(mnemonic: &str) -> bool {
    WITHOUT_MEANING.contains(&mnemonic) || mnemonic.starts_with("prefetch")
}

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

/// The width in bits of an instruction: what its suffix says, or its operands.
///
/// # Errors
///
/// If neither does.
pub fn width(machine: &Machine<'_, '_>, instruction: &Instruction) -> Result<u32, Refusal> {
    let (_, suffix) = split_suffix(&instruction.mnemonic);
    suffix
        .or_else(|| instruction.operands.iter().rev().find_map(|operand| machine.width_of(operand)))
        .ok_or_else(|| Refusal::unknown("the width of an instruction is not clear"))
}

/// Executes one instruction. A repeated one is built in blocks of its own.
///
/// # Errors
///
/// If it has no meaning.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    instruction: &Instruction,
) -> Result<(), Refusal> {
    segment::check(machine, instruction)?;
    let operands = instruction.operands.as_slice();
    if operands.iter().filter(|operand| machine.is_memory(operand)).count() > 1 {
        return Err(Refusal::unknown("no instruction has two operands in memory"));
    }
    let lock = instruction.lock;
    if let Some(operation) = string::operation(instruction) {
        return operation.execute(machine, module);
    }
    let (base, _) = split_suffix(&instruction.mnemonic);
    let is_repeated = instruction.repeat != Repeat::No;
    if is_repeated && !matches!(base, "nop" | "bsf") {
        return Err(refused::refusal(instruction));
    }
    let width = |machine: &Machine<'_, 'c>| width(machine, instruction);
    match (base, operands) {
        // No interrupt of the failing system reaches a recovery program.
        ("cli" | "sti", []) => {}
        _ if is_without_meaning(base) => {}
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
        ("mov" | "movnti", [source, to]) => {
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
        ("mul" | "imul", [by]) => product::multiply(machine, base, by, width(machine)?)?,
        ("imul", [source, to]) => product::multiply_register(machine, source, to, to, width(machine)?)?,
        ("imul", [number, source, to]) => {
            product::multiply_register(machine, number, source, to, width(machine)?)?;
        }
        ("div", [by]) => product::divide(machine, module, by, width(machine)?)?,
        ("shld" | "shrd", [count, source, to]) => {
            shift::double(machine, module, base, [count, source, to], width(machine)?)?;
        }
        ("cmpxchg8b", [to]) => exchange::compare_double(machine, to, 32, lock)?,
        ("cmpxchg16b", [to]) => exchange::compare_double(machine, to, 64, lock)?,
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
        ("call", [function]) => calls::execute(machine, module, function)?,
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
