// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each instruction does (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2).

use crate::llvm::{AtomicOp, Module, Opcode, Ordering, Predicate, Type, Value};

use super::constraint::Constraints;
use super::machine::{Flags, Machine, Refusal};
use super::segment;
use super::template::{Instruction, Operand};

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
    constraints: &Constraints,
    instruction: &Instruction,
) -> Result<(), Refusal> {
    if segment::execute(machine, module, instruction)? {
        return Ok(());
    }
    let operands = instruction.operands.as_slice();
    let (base, suffix) = split_suffix(&instruction.mnemonic);
    let width = |machine: &Machine<'_, 'c>| {
        suffix
            .or_else(|| operands.iter().rev().find_map(|operand| machine.width_of(operand)))
            .ok_or_else(|| Refusal::new("the width of an instruction is not clear"))
    };
    match (base, operands) {
        ("nop" | "pause" | "data16", _) => {}
        ("mfence", []) => {
            machine.builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
        }
        ("lfence" | "sfence", []) => {
            machine.builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, false);
        }
        // smp_mb() on x86-64: a locked operation on the stack (arch/x86/include/asm/barrier.h).
        ("add", [Operand::Immediate(0), Operand::Memory(_, stack)])
            if instruction.lock && **stack == Operand::Register("rsp".into()) =>
        {
            machine.builder.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent, false);
        }
        ("mov", [source, to]) => {
            let value = machine.read(source, width(machine)?)?;
            machine.write(to, value)?;
        }
        ("lea", [source, to]) => {
            let bits = width(machine)?;
            let address = machine.address(source).ok_or_else(|| unknown(instruction))?;
            let value = machine.builder.to_unsigned(address, bits);
            machine.write(to, value)?;
        }
        ("add" | "sub" | "and" | "or" | "xor" | "adc" | "sbb", [source, to]) => {
            let bits = width(machine)?;
            arithmetic(machine, base, source, to, bits, instruction.lock)?;
        }
        ("inc" | "dec", [to]) => {
            let bits = width(machine)?;
            // These leave the carry flag alone.
            let carry = machine.flags.carry;
            let operation = if base == "inc" { "add" } else { "sub" };
            arithmetic(machine, operation, &Operand::Immediate(1), to, bits, instruction.lock)?;
            machine.flags.carry = carry;
        }
        ("cmp" | "test", [source, to]) => {
            let bits = width(machine)?;
            let (left, right) = (machine.read(to, bits)?, machine.read(source, bits)?);
            let operation = if base == "cmp" { "sub" } else { "and" };
            let result = combine(machine, operation, left, right);
            set_arithmetic_flags(machine, operation, left, right, result);
        }
        ("neg" | "not", [to]) if !instruction.lock => {
            let value = machine.read(to, width(machine)?)?;
            if base == "not" {
                let result = machine.builder.not(value);
                machine.write(to, result)?;
            } else {
                let zero = value.ty().zero();
                let result = machine.builder.sub(zero, value);
                set_arithmetic_flags(machine, "sub", zero, value, result);
                machine.write(to, result)?;
            }
        }
        ("xchg", [one, other]) => exchange(machine, one, other, width(machine)?)?,
        ("xadd", [source, to]) => exchange_add(machine, source, to, width(machine)?, instruction.lock)?,
        ("cmpxchg", [source, to]) => {
            compare_exchange(machine, source, to, width(machine)?, instruction.lock)?;
        }
        ("bt" | "bts" | "btr" | "btc", [bit, to]) => {
            let bits = width(machine)?;
            bit_test(machine, base, bit, to, bits, instruction.lock)?;
        }
        ("bsf" | "bsr" | "tzcnt" | "lzcnt" | "popcnt", [source, to]) => {
            // `rep; bsf` is tzcnt on CPUs that have it; the kernel uses it where the source is not 0.
            let base = if instruction.repeat && base == "bsf" { "tzcnt" } else { base };
            scan(machine, module, base, source, to, width(machine)?)?;
        }
        ("bswap", [to]) => {
            let value = machine.read(to, width(machine)?)?;
            let result = intrinsic(machine, module, "llvm.bswap", &[value]);
            machine.write(to, result)?;
        }
        ("shl" | "sal" | "shr" | "sar" | "rol" | "ror", [count, to]) => {
            shift(machine, module, base, count, to, width(machine)?)?;
        }
        ("call", [Operand::Text(function)]) => software_weight(machine, module, constraints, function)?,
        _ if base.starts_with("set") && operands.len() == 1 => {
            let condition = machine.condition(&base[3..])?;
            let value = machine.builder.to_unsigned(condition, 8);
            machine.write(&operands[0], value)?;
        }
        _ if base.starts_with("cmov") && operands.len() == 2 => {
            let code = base[4..].trim_end_matches(['w', 'q']);
            let bits = operands.iter().rev().find_map(|operand| machine.width_of(operand)).unwrap_or(64);
            let (then, other) = (machine.read(&operands[0], bits)?, machine.read(&operands[1], bits)?);
            let value = machine.builder.select(machine.condition(code)?, then, other);
            machine.write(&operands[1], value)?;
        }
        _ if (base.starts_with("movz") || base.starts_with("movs")) && operands.len() == 2 => {
            extend(machine, base, operands).ok_or_else(|| unknown(instruction))??;
        }
        _ => return Err(unknown(instruction)),
    }
    Ok(())
}

/// What instructions of the CPU's own business do, for messages.
fn unknown(instruction: &Instruction) -> Refusal {
    let mnemonic = instruction.mnemonic.as_str();
    let what = match mnemonic {
        "cli" | "sti" | "pushf" | "popf" | "pushfq" | "popfq" => {
            "interrupts of the failing system cannot be masked from outside"
        }
        "wrmsr" | "rdmsr" | "rdpmc" | "rdtsc" | "rdtscp" | "cpuid" | "swapgs" | "hlt" | "monitor"
        | "mwait" | "wbinvd" | "invlpg" | "invpcid" | "clts" | "lgdt" | "lidt" | "ltr" | "rdfsbase"
        | "rdgsbase" | "wrfsbase" | "wrgsbase" => {
            "it concerns the CPU that executes it, and a recovery program runs on none of the failing system"
        }
        "inb" | "inw" | "inl" | "outb" | "outw" | "outl" | "insb" | "outsb" => {
            "ports and devices of the failing system cannot be reached"
        }
        "ud2" => "it stops the CPU",
        "call" | "jmp" => "it leaves the program",
        _ => return Refusal::new(format!("instruction `{mnemonic}` is not known to gpufas-cc")),
    };
    Refusal::new(format!("instruction `{mnemonic}`: {what}"))
}

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

fn set_arithmetic_flags<'c>(
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

fn arithmetic<'c>(
    machine: &mut Machine<'_, 'c>,
    operation: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    if matches!(operation, "adc" | "sbb") {
        return with_carry(machine, operation, source, to, bits, lock);
    }
    let right = machine.read(source, bits)?;
    let (left, result) = match machine.address(to).filter(|_| lock) {
        Some(address) => {
            let atomic = match operation {
                "add" => AtomicOp::LLVMAtomicRMWBinOpAdd,
                "sub" => AtomicOp::LLVMAtomicRMWBinOpSub,
                "and" => AtomicOp::LLVMAtomicRMWBinOpAnd,
                "or" => AtomicOp::LLVMAtomicRMWBinOpOr,
                _ => AtomicOp::LLVMAtomicRMWBinOpXor,
            };
            let left = machine.builder.atomic(atomic, address, right);
            (left, combine(machine, operation, left, right))
        }
        None => {
            let left = machine.read(to, bits)?;
            let result = combine(machine, operation, left, right);
            machine.write(to, result)?;
            (left, result)
        }
    };
    set_arithmetic_flags(machine, operation, left, right, result);
    Ok(())
}

/// `adc` and `sbb`; the carry out of the two steps is either's.
fn with_carry<'c>(
    machine: &mut Machine<'_, 'c>,
    operation: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    if lock {
        return Err(Refusal::new(format!("a locked `{operation}` is not known to gpufas-cc")));
    }
    let carry = machine.condition("c")?;
    let carry = machine.builder.to_unsigned(carry, bits);
    let step = if operation == "adc" { "add" } else { "sub" };
    // `sbb %0,%0` is how the kernel spreads the carry over a register: what was in it does not matter.
    let itself = machine.index(source).is_some() && machine.index(source) == machine.index(to);
    let (left, right) = if itself && operation == "sbb" {
        let zero = machine.builder.integer(bits).zero();
        (zero, zero)
    } else {
        (machine.read(to, bits)?, machine.read(source, bits)?)
    };
    let middle = combine(machine, step, left, right);
    set_arithmetic_flags(machine, step, left, right, middle);
    let first = machine.condition("c")?;
    let result = combine(machine, step, middle, carry);
    set_arithmetic_flags(machine, step, middle, carry, result);
    let second = machine.condition("c")?;
    machine.flags.carry = Some(machine.builder.or(first, second));
    machine.flags.overflow = None;
    machine.write(to, result)
}

/// `xchg` with memory is locked with or without the prefix.
fn exchange<'c>(
    machine: &mut Machine<'_, 'c>,
    one: &Operand,
    other: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let (register, memory) = if machine.address(one).is_some() { (other, one) } else { (one, other) };
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

fn exchange_add<'c>(
    machine: &mut Machine<'_, 'c>,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let addend = machine.read(source, bits)?;
    let old = match machine.address(to).filter(|_| lock) {
        Some(address) => machine.builder.atomic(AtomicOp::LLVMAtomicRMWBinOpAdd, address, addend),
        None => {
            let old = machine.read(to, bits)?;
            let sum = machine.builder.add(old, addend);
            machine.write(to, sum)?;
            old
        }
    };
    let sum = machine.builder.add(old, addend);
    set_arithmetic_flags(machine, "add", old, addend, sum);
    machine.write(source, old)
}

fn compare_exchange<'c>(
    machine: &mut Machine<'_, 'c>,
    source: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let accumulator = Operand::Register("rax".into());
    let expected = machine.read(&accumulator, bits)?;
    let new = machine.read(source, bits)?;
    let address = machine.address(to).ok_or_else(|| Refusal::new("`cmpxchg` without memory"))?;
    let (old, equal) = if lock {
        let pair = machine.builder.compare_exchange(address, expected, new);
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
    machine.write(&accumulator, old)
}

/// `bt`, `bts`, `btr`, `btc`. On memory a bit number from a register reaches beyond the word, so the byte
/// that holds the bit is addressed: the narrowest access that does it.
fn bit_test<'c>(
    machine: &mut Machine<'_, 'c>,
    base: &str,
    bit: &Operand,
    to: &Operand,
    bits: u32,
    lock: bool,
) -> Result<(), Refusal> {
    let number = machine.read(bit, bits)?;
    let builder = machine.builder;
    let Some(address) = machine.address(to) else {
        let value = machine.read(to, bits)?;
        let number = builder.and(number, builder.integer(bits).constant(u64::from(bits) - 1));
        let mask = builder.binary(Opcode::LLVMShl, builder.integer(bits).constant(1), number);
        let found = builder.compare(Predicate::LLVMIntNE, builder.and(value, mask), value.ty().zero());
        if let Some(changed) = changed_bit(machine, base, value, mask) {
            machine.write(to, changed)?;
        }
        machine.flags = Flags { carry: Some(found), ..Flags::default() };
        return Ok(());
    };
    let immediate = matches!(bit, Operand::Immediate(_)) || number.is_constant();
    // An immediate stays inside the operand; a register counts, signed, from its start.
    let number = if immediate {
        builder.and(number, builder.integer(bits).constant(u64::from(bits) - 1))
    } else {
        number
    };
    let number = builder.to_signed(number, 64);
    let byte = builder.binary(Opcode::LLVMAShr, number, builder.u64(3));
    let address = builder.offset(address, byte);
    let shift = builder.to_unsigned(builder.and(number, builder.u64(7)), 8);
    let mask = builder.binary(Opcode::LLVMShl, builder.integer(8).constant(1), shift);
    let old = if base == "bt" {
        let load = builder.load(builder.integer(8), address, 1);
        load.set_volatile();
        load
    } else if lock {
        let (operation, operand) = match base {
            "bts" => (AtomicOp::LLVMAtomicRMWBinOpOr, mask),
            "btr" => (AtomicOp::LLVMAtomicRMWBinOpAnd, builder.not(mask)),
            _ => (AtomicOp::LLVMAtomicRMWBinOpXor, mask),
        };
        builder.atomic(operation, address, operand)
    } else {
        let old = builder.load(builder.integer(8), address, 1);
        old.set_volatile();
        if let Some(changed) = changed_bit(machine, base, old, mask) {
            builder.store(changed, address, 1).set_volatile();
        }
        old
    };
    let found = builder.compare(Predicate::LLVMIntNE, builder.and(old, mask), builder.integer(8).zero());
    machine.flags = Flags { carry: Some(found), ..Flags::default() };
    Ok(())
}

fn changed_bit<'c>(
    machine: &Machine<'_, 'c>,
    base: &str,
    old: Value<'c>,
    mask: Value<'c>,
) -> Option<Value<'c>> {
    let builder = machine.builder;
    match base {
        "bts" => Some(builder.or(old, mask)),
        "btr" => Some(builder.and(old, builder.not(mask))),
        "btc" => Some(builder.xor(old, mask)),
        _ => None,
    }
}

fn scan<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    base: &str,
    source: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let value = machine.read(source, bits)?;
    let builder = machine.builder;
    let defined_at_zero = builder.integer(1).zero();
    let is_zero = builder.compare(Predicate::LLVMIntEQ, value, value.ty().zero());
    let result = match base {
        "popcnt" => intrinsic(machine, module, "llvm.ctpop", &[value]),
        "lzcnt" => intrinsic(machine, module, "llvm.ctlz", &[value, defined_at_zero]),
        "bsr" => {
            let leading = intrinsic(machine, module, "llvm.ctlz", &[value, defined_at_zero]);
            builder.sub(builder.integer(bits).constant(u64::from(bits) - 1), leading)
        }
        _ => intrinsic(machine, module, "llvm.cttz", &[value, defined_at_zero]),
    };
    let result = if matches!(base, "bsf" | "bsr") {
        // Of 0 the destination keeps its value; kernel code relies on it (arch/x86/include/asm/bitops.h, ffs()).
        let old = machine.read(to, bits).unwrap_or_else(|_| builder.integer(bits).zero());
        machine.flags = Flags { zero: Some(is_zero), ..Flags::default() };
        builder.select(is_zero, old, result)
    } else {
        machine.flags = Flags { carry: Some(is_zero), ..Flags::default() };
        machine.set_result_flags(result);
        result
    };
    machine.write(to, result)
}

fn shift<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    base: &str,
    count: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let value = machine.read(to, bits)?;
    let builder = machine.builder;
    let count = builder.to_unsigned(machine.read(count, 8)?, bits);
    // The CPU takes the count modulo 32, or 64 for 64-bit operands; beyond the width of a narrow one all
    // bits are shifted out, which LLVM leaves undefined.
    let mask = if bits == 64 { 63 } else { 31 };
    let count = builder.and(count, builder.integer(bits).constant(mask));
    let result = match base {
        "rol" => intrinsic(machine, module, "llvm.fshl", &[value, value, count]),
        "ror" => intrinsic(machine, module, "llvm.fshr", &[value, value, count]),
        _ if bits < 32 => {
            return Err(Refusal::new(format!("`{base}` of {bits} bits is not known to gpufas-cc")));
        }
        "shr" => builder.binary(Opcode::LLVMLShr, value, count),
        "sar" => builder.binary(Opcode::LLVMAShr, value, count),
        _ => builder.binary(Opcode::LLVMShl, value, count),
    };
    machine.flags = Flags::default();
    machine.write(to, result)
}

/// `call __sw_hweight64` and `__sw_hweight32`: population count, in the registers that
/// arch/x86/include/asm/arch_hweight.h names.
fn software_weight<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    constraints: &Constraints,
    function: &str,
) -> Result<(), Refusal> {
    let bits = match function {
        "__sw_hweight32" => 32,
        "__sw_hweight64" => 64,
        _ => {
            return Err(Refusal::new(format!(
                "it calls `{function}` in the running kernel, and no code of it can run in a recovery program"
            )));
        }
    };
    debug_assert!(constraints.operands.len() >= 2);
    let value = machine.read(&Operand::Register("rdi".into()), bits)?;
    let result = intrinsic(machine, module, "llvm.ctpop", &[value]);
    machine.write(&Operand::Register("rax".into()), result)
}

/// `movzbl`, `movslq` and so on: extension from one width to another.
fn extend<'c>(
    machine: &mut Machine<'_, 'c>,
    base: &str,
    operands: &[Operand],
) -> Option<Result<(), Refusal>> {
    let bits = |letter: char| match letter {
        'b' => Some(8),
        'w' => Some(16),
        'l' => Some(32),
        'q' => Some(64),
        _ => None,
    };
    let mut letters = base[4..].chars();
    let (from, to) = (bits(letters.next()?)?, bits(letters.next()?)?);
    let signed = base.starts_with("movs");
    Some((|| {
        let value = machine.read(&operands[0], from)?;
        let wide = if signed {
            machine.builder.to_signed(value, to)
        } else {
            machine.builder.to_unsigned(value, to)
        };
        machine.write(&operands[1], wide)
    })())
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
