// SPDX-License-Identifier: MIT OR Apache-2.0

//! Multiplication and division, in which one side is twice as wide.

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::idiom;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::Operand;
use crate::llvm::{Block, Builder, Linkage, Module, Opcode, Predicate, Type, Value};

/// What precedes the width in the names of internal functions `fn(low, high, divisor) -> {quotient, remainder}`.
const DIVIDE: &str = "gpufas.divide.i";

/// The halves of a wide value: high and low.
fn halves() -> [Operand; 2] {
    ["rdx", "rax"].map(|name| Operand::Register(name.into()))
}

/// `mul` and `imul` with one operand: the accumulator times it, into two registers.
pub fn multiply(machine: &mut Machine<'_, '_>, base: &str, by: &Operand, bits: u32) -> Result<(), Refusal> {
    let builder = machine.builder;
    let [high, low] = halves();
    let is_signed = base == "imul";
    let widen = |value| {
        if is_signed { builder.to_signed(value, 2 * bits) } else { builder.to_unsigned(value, 2 * bits) }
    };
    let product =
        builder.binary(Opcode::LLVMMul, widen(machine.read(&low, bits)?), widen(machine.read(by, bits)?));
    let lower = builder.to_unsigned(product, bits);
    // Carry and overflow say whether the high half holds anything.
    let is_wide = builder.compare(Predicate::LLVMIntNE, widen(lower), product);
    machine.flags = Flags { carry: Some(is_wide), overflow: Some(is_wide), ..Flags::default() };
    if bits == 8 {
        return machine.write(&low, product);
    }
    let width = product.ty().constant(u64::from(bits));
    let upper = builder.to_unsigned(builder.binary(Opcode::LLVMLShr, product, width), bits);
    machine.write(&low, lower)?;
    machine.write(&high, upper)
}

/// `imul` into a register, which drops the high half.
pub fn multiply_register(
    machine: &mut Machine<'_, '_>,
    one: &Operand,
    other: &Operand,
    to: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    let builder = machine.builder;
    let one = builder.to_signed(machine.read(one, bits)?, 2 * bits);
    let other = builder.to_signed(machine.read(other, bits)?, 2 * bits);
    let product = builder.binary(Opcode::LLVMMul, one, other);
    let lower = builder.to_unsigned(product, bits);
    let is_wide = builder.compare(Predicate::LLVMIntNE, builder.to_signed(lower, 2 * bits), product);
    machine.flags = Flags { carry: Some(is_wide), overflow: Some(is_wide), ..Flags::default() };
    machine.write(to, lower)
}

/// `div`: two registers divided by an operand. A quotient that is too large, as a division by zero, ends the program: the
/// kernel would not survive it either.
pub fn divide<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    by: &Operand,
    bits: u32,
) -> Result<(), Refusal> {
    if !matches!(bits, 16 | 32 | 64) {
        return Err(Refusal::unknown(format!("`div` of {bits} bits is not known to gpufas-cc")));
    }
    let [high, low] = halves();
    let arguments = [machine.read(&low, bits)?, machine.read(&high, bits)?, machine.read(by, bits)?];
    let function = division(module, bits);
    let pair = machine.builder.call(function.value_type(), function, &arguments);
    let (quotient, remainder) = (machine.builder.extract(pair, 0), machine.builder.extract(pair, 1));
    machine.flags = Flags::default();
    machine.write(&low, quotient)?;
    machine.write(&high, remainder)
}

/// The function that divides numbers of twice `bits` bits. Neither target has an instruction for 128 bits, or a library.
fn division<'c>(module: &Module<'c>, bits: u32) -> Value<'c> {
    let context = module.context();
    let name = format!("{DIVIDE}{bits}");
    if let Some(function) = module.function(&name) {
        return function;
    }
    let word = Type::integer(context, bits);
    let pair = Type::structure(context, &[word, word]);
    let function = module.add_function(&name, pair.function(&[word, word, word]));
    function.set_linkage(Linkage::LLVMInternalLinkage);
    for attribute in ["alwaysinline", "nounwind"] {
        function.add_attribute(context, attribute);
    }
    let parameters = function.parameters();
    let [low, high, divisor] = parameters.as_slice() else { return function };
    let [entry, bad, good, short, long] =
        ["entry", "bad", "good", "short", "long"].map(|name| Block::append(context, function, name));
    let builder = Builder::at_end(context, entry);
    let does_not_fit = builder.compare(Predicate::LLVMIntUGE, *high, *divisor);
    builder.conditional_branch(does_not_fit, bad, good);

    builder.position_at_end(bad);
    idiom::call_bug(module, &builder);
    builder.unreachable();

    builder.position_at_end(good);
    let fits = builder.compare(Predicate::LLVMIntEQ, *high, word.zero());
    builder.conditional_branch(fits, short, long);

    builder.position_at_end(short);
    let quotient = builder.binary(Opcode::LLVMUDiv, *low, *divisor);
    let remainder = builder.binary(Opcode::LLVMURem, *low, *divisor);
    return_pair(&builder, pair, quotient, remainder);

    long_division(module, function, &builder, long, pair, [*low, *high, *divisor]);
    function
}

/// Divides bit by bit, as on paper: the remainder stays below the divisor.
fn long_division<'c>(
    module: &Module<'c>,
    function: Value<'c>,
    builder: &Builder<'c>,
    before: Block<'c>,
    pair: Type<'c>,
    [low, high, divisor]: [Value<'c>; 3],
) {
    let word = low.ty();
    let one = word.constant(1);
    let top = word.constant(u64::from(word.bits()) - 1);
    let [body, end] = ["bit", "end"].map(|name| Block::append(module.context(), function, name));
    builder.position_at_end(before);
    builder.branch(body);

    builder.position_at_end(body);
    let (count, quotient, remainder) = (builder.phi(word), builder.phi(word), builder.phi(word));
    // The next bit of the dividend comes from the top of what becomes the quotient.
    let carried = builder.binary(Opcode::LLVMLShr, remainder, top);
    let bit = builder.binary(Opcode::LLVMLShr, quotient, top);
    let shifted = builder.or(builder.binary(Opcode::LLVMShl, remainder, one), bit);
    let is_above = builder.compare(Predicate::LLVMIntUGE, shifted, divisor);
    let goes_in = builder.or(is_above, builder.compare(Predicate::LLVMIntNE, carried, word.zero()));
    let rest = builder.select(goes_in, builder.sub(shifted, divisor), shifted);
    let doubled = builder.binary(Opcode::LLVMShl, quotient, one);
    let found = builder.or(doubled, builder.to_unsigned(goes_in, word.bits()));
    let left = builder.sub(count, one);
    let is_last = builder.compare(Predicate::LLVMIntEQ, left, word.zero());
    builder.conditional_branch(is_last, end, body);
    count.add_incoming(&[(word.constant(u64::from(word.bits())), before), (left, body)]);
    quotient.add_incoming(&[(low, before), (found, body)]);
    remainder.add_incoming(&[(high, before), (rest, body)]);

    builder.position_at_end(end);
    return_pair(builder, pair, found, rest);
}

fn return_pair<'c>(builder: &Builder<'c>, pair: Type<'c>, quotient: Value<'c>, remainder: Value<'c>) {
    let value = builder.insert(builder.insert(pair.poison(), quotient, 0), remainder, 1);
    builder.return_value(value);
}
