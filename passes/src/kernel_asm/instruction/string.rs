// SPDX-License-Identifier: MIT OR Apache-2.0

//! `movs`, `stos`, `lods`, `scas` and `cmps`, alone and repeated. The direction flag is clear, as everywhere in the kernel.

use gpufas_abi::Access as Kind;

use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::{Instruction, Operand, Repeat};
use crate::llvm::{Block, Module, Opcode, Predicate, Type, Value};

use super::access::Access;
use super::arithmetic::set_flags;

/// One of these instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    what: What,
    /// Bytes of an element: 1, 2, 4 or 8.
    size: u64,
    repeat: Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Move,
    Store,
    Load,
    Scan,
    Compare,
}

/// The operation that an instruction is, if it is one of these.
pub fn operation(instruction: &Instruction) -> Option<Operation> {
    let Instruction { mnemonic, operands, repeat, lock } = instruction;
    let base = mnemonic.get(..4)?;
    let what = match base {
        "movs" => What::Move,
        "stos" => What::Store,
        "lods" => What::Load,
        "scas" => What::Scan,
        "cmps" => What::Compare,
        _ => return None,
    };
    let size = match &mnemonic[4..] {
        "b" => 1,
        "w" => 2,
        "l" => 4,
        "q" => 8,
        _ => return None,
    };
    (operands.is_empty() && !lock).then_some(Operation { what, size, repeat: *repeat })
}

fn register(name: &str) -> Operand {
    Operand::Register(name.to_owned())
}

/// Fills memory with zeros.
pub fn clear<'c>(machine: &Machine<'_, 'c>, module: &Module<'c>, start: Value<'c>, size: Value<'c>) {
    fill(machine, module, start, machine.builder.integer(8).zero(), size);
}

fn fill<'c>(
    machine: &Machine<'_, 'c>,
    module: &Module<'c>,
    start: Value<'c>,
    byte: Value<'c>,
    size: Value<'c>,
) {
    let builder = machine.builder;
    let arguments = [builder.to_pointer(start), byte, size, builder.integer(1).zero()];
    let parameters: Vec<_> = arguments.iter().map(|argument| argument.ty()).collect();
    let ty = Type::void(module.context()).function(&parameters);
    builder.call(ty, module.declare_function("llvm.memset.p0.i64", ty), &arguments);
}

fn copy<'c>(machine: &Machine<'_, 'c>, module: &Module<'c>, to: Value<'c>, from: Value<'c>, size: Value<'c>) {
    let builder = machine.builder;
    let arguments = [builder.to_pointer(to), builder.to_pointer(from), size, builder.integer(1).zero()];
    let parameters: Vec<_> = arguments.iter().map(|argument| argument.ty()).collect();
    let ty = Type::void(module.context()).function(&parameters);
    builder.call(ty, module.declare_function("llvm.memmove.p0.p0.i64", ty), &arguments);
}

impl Operation {
    fn bits(self) -> u32 {
        self.size as u32 * 8
    }

    /// How many elements, and how many bytes.
    fn extent<'c>(self, machine: &Machine<'_, 'c>) -> Result<(Value<'c>, Value<'c>), Refusal> {
        let builder = machine.builder;
        let count = match self.repeat {
            Repeat::No => builder.u64(1),
            _ => machine.read(&register("rcx"), 64)?,
        };
        let bytes = builder.binary(Opcode::LLVMMul, count, builder.u64(self.size));
        if self.size == 1 || count.is_constant() {
            return Ok((count, bytes));
        }
        // More than there are addresses is nothing that memory has, whatever the product is modulo 2^64.
        let most = builder.u64(u64::MAX / self.size);
        let is_too_much = builder.compare(Predicate::LLVMIntUGT, count, most);
        Ok((count, builder.select(is_too_much, builder.u64(u64::MAX), bytes)))
    }

    /// What it accesses, all repetitions together.
    ///
    /// # Errors
    ///
    /// If a register is not set.
    pub fn accesses<'c>(self, machine: &Machine<'_, 'c>) -> Result<Vec<Access<'c>>, Refusal> {
        let (_, size) = self.extent(machine)?;
        let sides: &[_] = match self.what {
            What::Move => &[("rdi", Kind::Store), ("rsi", Kind::Load)],
            What::Store => &[("rdi", Kind::Store)],
            What::Load => &[("rsi", Kind::Load)],
            What::Scan => &[("rdi", Kind::Load)],
            What::Compare => &[("rsi", Kind::Load), ("rdi", Kind::Load)],
        };
        sides
            .iter()
            .map(|&(name, kind)| Ok(Access { address: machine.read(&register(name), 64)?, size, kind }))
            .collect()
    }

    /// Executes it. Repeated, it is built in blocks of its own.
    ///
    /// # Errors
    ///
    /// If a register is not set or not an output.
    pub fn execute<'c>(self, machine: &mut Machine<'_, 'c>, module: &Module<'c>) -> Result<(), Refusal> {
        match (self.what, self.repeat) {
            (What::Scan | What::Compare, Repeat::No) => {
                self.compare_once(machine)?;
                self.advance(machine, &["rsi", "rdi"][if self.what == What::Scan { 1 } else { 0 }..])
            }
            (What::Scan | What::Compare, _) => self.compare(machine, module),
            (What::Load, Repeat::No) => {
                let from = machine.builder.to_pointer(machine.read(&register("rsi"), 64)?);
                let value = self.load(machine, from);
                machine.write(&register("rax"), value)?;
                self.advance(machine, &["rsi"])
            }
            (What::Load, _) => Err(Refusal::unknown("a repeated `lods` is not known to gpufas-cc")),
            (What::Move, Repeat::No) => {
                let from = machine.builder.to_pointer(machine.read(&register("rsi"), 64)?);
                let value = self.load(machine, from);
                self.store(machine, machine.read(&register("rdi"), 64)?, value);
                self.advance(machine, &["rsi", "rdi"])
            }
            (What::Store, Repeat::No) => {
                let value = machine.read(&register("rax"), self.bits())?;
                self.store(machine, machine.read(&register("rdi"), 64)?, value);
                self.advance(machine, &["rdi"])
            }
            (What::Move, _) => self.move_all(machine, module),
            (What::Store, _) => self.store_all(machine, module),
        }
    }

    fn load<'c>(self, machine: &Machine<'_, 'c>, from: Value<'c>) -> Value<'c> {
        let bytes = if machine.is_unaligned { 1 } else { self.size as u32 };
        let load = machine.builder.load(machine.builder.integer(self.bits()), from, bytes);
        load.set_volatile();
        load
    }

    fn store<'c>(self, machine: &Machine<'_, 'c>, to: Value<'c>, value: Value<'c>) {
        let bytes = if machine.is_unaligned { 1 } else { self.size as u32 };
        machine.builder.store(value, machine.builder.to_pointer(to), bytes).set_volatile();
    }

    /// Moves pointers on by one element.
    fn advance(self, machine: &mut Machine<'_, '_>, names: &[&str]) -> Result<(), Refusal> {
        for name in names {
            let pointer = machine.read(&register(name), 64)?;
            let next = machine.builder.add(pointer, machine.builder.u64(self.size));
            machine.write(&register(name), next)?;
        }
        Ok(())
    }

    fn move_all<'c>(self, machine: &mut Machine<'_, 'c>, module: &Module<'c>) -> Result<(), Refusal> {
        let builder = machine.builder;
        let (count, bytes) = self.extent(machine)?;
        let (to, from) = (machine.read(&register("rdi"), 64)?, machine.read(&register("rsi"), 64)?);
        // Forward, each element sees what was stored before it. That is not what memmove() does where the destination
        // begins inside the source.
        let distance = builder.sub(to, from);
        let inside = builder.compare(Predicate::LLVMIntULT, distance, bytes);
        let elsewhere = builder.compare(Predicate::LLVMIntNE, distance, builder.u64(0));
        let [one_by_one, at_once, end] = blocks(machine, module);
        builder.conditional_branch(builder.and(inside, elsewhere), one_by_one, at_once);

        builder.position_at_end(at_once);
        copy(machine, module, to, from, bytes);
        builder.branch(end);

        builder.position_at_end(one_by_one);
        let index = Loop::begin(machine, module, count, end);
        let offset = builder.binary(Opcode::LLVMMul, index.number, builder.u64(self.size));
        let value = self.load(machine, builder.to_pointer(builder.add(from, offset)));
        self.store(machine, builder.add(to, offset), value);
        index.end(machine);

        builder.position_at_end(end);
        machine.write(&register("rsi"), builder.add(from, bytes))?;
        machine.write(&register("rdi"), builder.add(to, bytes))?;
        machine.write(&register("rcx"), builder.u64(0))
    }

    fn store_all<'c>(self, machine: &mut Machine<'_, 'c>, module: &Module<'c>) -> Result<(), Refusal> {
        let builder = machine.builder;
        let (count, bytes) = self.extent(machine)?;
        let to = machine.read(&register("rdi"), 64)?;
        let value = machine.read(&register("rax"), self.bits())?;
        let byte = builder.to_unsigned(value, 8);
        if self.size == 1 {
            fill(machine, module, to, byte, bytes);
        } else {
            // Mostly all bytes are the same, which is one call of the runtime instead of one for each element.
            let ones = value.ty().constant(0x0101_0101_0101_0101);
            let same = builder.binary(Opcode::LLVMMul, builder.to_unsigned(byte, self.bits()), ones);
            let [one_by_one, at_once, end] = blocks(machine, module);
            let is_same = builder.compare(Predicate::LLVMIntEQ, same, value);
            builder.conditional_branch(is_same, at_once, one_by_one);

            builder.position_at_end(at_once);
            fill(machine, module, to, byte, bytes);
            builder.branch(end);

            builder.position_at_end(one_by_one);
            let index = Loop::begin(machine, module, count, end);
            let offset = builder.binary(Opcode::LLVMMul, index.number, builder.u64(self.size));
            self.store(machine, builder.add(to, offset), value);
            index.end(machine);
            builder.position_at_end(end);
        }
        machine.write(&register("rdi"), builder.add(to, bytes))?;
        machine.write(&register("rcx"), builder.u64(0))
    }

    /// Compares one element and sets the flags.
    fn compare_once(self, machine: &mut Machine<'_, '_>) -> Result<(), Refusal> {
        let builder = machine.builder;
        let other = builder.to_pointer(machine.read(&register("rdi"), 64)?);
        let left = match self.what {
            What::Scan => machine.read(&register("rax"), self.bits())?,
            _ => {
                let from = builder.to_pointer(machine.read(&register("rsi"), 64)?);
                self.load(machine, from)
            }
        };
        let right = self.load(machine, other);
        set_flags(machine, "sub", left, right, builder.sub(left, right));
        Ok(())
    }

    /// `repe` and `repne`: ends behind the first element that is different, or equal. With a count of 0 the flags stay; what
    /// was undefined before is "no" here.
    fn compare<'c>(self, machine: &mut Machine<'_, 'c>, module: &Module<'c>) -> Result<(), Refusal> {
        let builder = machine.builder;
        let word = builder.integer(64);
        let names: &[&str] = if self.what == What::Scan { &["rcx", "rdi"] } else { &["rcx", "rdi", "rsi"] };
        let before = builder.block();
        let [head, body, end] = blocks(machine, module);
        let mut starts = Vec::new();
        for name in names {
            starts.push(machine.read(&register(name), 64)?);
        }
        let no = builder.integer(1).zero();
        let mut old = machine.flags;
        let old = old.all().map(|flag| flag.unwrap_or(no));
        builder.branch(head);

        builder.position_at_end(head);
        let registers: Vec<_> = names.iter().map(|_| builder.phi(word)).collect();
        let flags = old.map(|flag| builder.phi(flag.ty()));
        let is_over = builder.compare(Predicate::LLVMIntEQ, registers[0], builder.u64(0));
        builder.conditional_branch(is_over, end, body);

        builder.position_at_end(body);
        for (name, value) in names.iter().zip(&registers) {
            machine.write(&register(name), *value)?;
        }
        self.compare_once(machine)?;
        self.advance(machine, &names[1..])?;
        let left = builder.sub(registers[0], builder.u64(1));
        machine.write(&register("rcx"), left)?;
        let mut after = Vec::new();
        for name in names {
            after.push(machine.read(&register(name), 64)?);
        }
        let new = machine.flags.all().map(|flag| flag.unwrap_or(no));
        let equal = machine.condition("e")?;
        let stops = if self.repeat == Repeat::WhileDifferent { equal } else { builder.not(equal) };
        let body = builder.block();
        builder.conditional_branch(stops, end, head);
        for ((phi, start), next) in registers.iter().zip(starts).zip(&after) {
            phi.add_incoming(&[(start, before), (*next, body)]);
        }
        for ((phi, old), new) in flags.into_iter().zip(old).zip(new) {
            phi.add_incoming(&[(old, before), (new, body)]);
        }

        builder.position_at_end(end);
        let join = |at_head: Value<'c>, in_body: Value<'c>| {
            let phi = builder.phi(at_head.ty());
            phi.add_incoming(&[(at_head, head), (in_body, body)]);
            phi
        };
        let last: Vec<_> = registers.iter().zip(after).map(|(head, body)| join(*head, body)).collect();
        let [carry, zero, sign, overflow] = [0, 1, 2, 3].map(|index| Some(join(flags[index], new[index])));
        machine.flags = Flags { carry, zero, sign, overflow };
        for (name, value) in names.iter().zip(last) {
            machine.write(&register(name), value)?;
        }
        Ok(())
    }
}

/// Blocks at the end of the function that is built.
fn blocks<'c, const N: usize>(machine: &Machine<'_, 'c>, module: &Module<'c>) -> [Block<'c>; N] {
    let function = machine.builder.block().function();
    std::array::from_fn(|_| Block::append(module.context(), function, ""))
}

/// A loop that counts up from 0.
struct Loop<'c> {
    number: Value<'c>,
    head: Block<'c>,
}

impl<'c> Loop<'c> {
    /// Goes into a loop of `count` rounds, which ends at `end`.
    fn begin(machine: &Machine<'_, 'c>, module: &Module<'c>, count: Value<'c>, end: Block<'c>) -> Self {
        let builder = machine.builder;
        let before = builder.block();
        let [head, body] = blocks(machine, module);
        builder.branch(head);
        builder.position_at_end(head);
        let number = builder.phi(builder.integer(64));
        number.add_incoming(&[(builder.u64(0), before)]);
        let is_over = builder.compare(Predicate::LLVMIntEQ, number, count);
        builder.conditional_branch(is_over, end, body);
        builder.position_at_end(body);
        Self { number, head }
    }

    /// Ends the body.
    fn end(self, machine: &Machine<'_, 'c>) {
        let builder = machine.builder;
        let next = builder.add(self.number, builder.u64(1));
        self.number.add_incoming(&[(next, builder.block())]);
        builder.branch(self.head);
    }
}
