// SPDX-License-Identifier: MIT OR Apache-2.0

//! Instructions that may fault, and what the kernel does where one did.

use crate::kernel_asm::exception::{Action, Entry, Target};
use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::instruction::{access, refused};
use crate::kernel_asm::machine::{Machine, Slot};
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::{Instruction, Operand};
use crate::llvm::{Block, Opcode, Predicate, Value};
use crate::marker;

use super::{Flow, Start};

impl<'c> Flow<'_, 'c> {
    /// Goes on as the exception table says if an access of the instruction would fault.
    pub(super) fn guard(
        &mut self,
        node: usize,
        entry: &Entry,
        slots: Vec<Slot<'c>>,
        flags: Flags<'c>,
    ) -> Result<(Vec<Slot<'c>>, Flags<'c>), Refusal> {
        let builder = self.builder;
        let context = self.module.context();
        let Some(instruction) = self.template.lines[entry.at].instruction() else {
            return Err(Refusal::unknown("its exception table names no instruction"));
        };
        if let Some(refusal) = refused::known(&instruction.mnemonic) {
            return Err(refusal);
        }
        let machine = self.outer.inside(builder, slots, flags);
        let accesses = access::of(&machine, instruction)?;
        if accesses.is_empty() {
            return Ok((machine.slots, machine.flags));
        }
        let mut possible = builder.integer(1).constant(1);
        for access in &accesses {
            let address = builder.to_unsigned(access.address, 64);
            if entry.is_user {
                // Those of user processes, which begin with 0, are never translated.
                let is_kernel = builder.compare(Predicate::LLVMIntSLT, address, builder.u64(0));
                possible = builder.and(possible, is_kernel);
            }
            let kind = builder.u32(access.kind as u32);
            let answer = self.marker(&[address, access.size, kind]);
            let answer = builder.compare(Predicate::LLVMIntNE, answer, builder.u32(0));
            possible = builder.and(possible, answer);
        }
        let [good, bad] = ["", "fault"].map(|name| Block::append(context, self.function, name));
        builder.conditional_branch(possible, good, bad);

        builder.position_at_end(bad);
        let mut faulted = self.outer.inside(builder, machine.slots.clone(), machine.flags);
        act(&mut faulted, entry, instruction, accesses[0].address)?;
        let target = match entry.target {
            Target::Line(line) => self.place(line)?,
            Target::Label(operand) => {
                let unknown = || Refusal::unknown("its exception table names what is no label");
                Start::Exit(self.exit(operand).ok_or_else(unknown)?)
            }
        };
        let Machine { slots, flags, .. } = self.noted(faulted);
        let block = self.end(node, &slots, flags, target)?;
        builder.branch(block);

        builder.position_at_end(good);
        Ok((machine.slots, machine.flags))
    }

    /// Asks whether an access would be possible.
    pub(super) fn marker(&self, arguments: &[Value<'c>]) -> Value<'c> {
        let parameters: Vec<_> = arguments.iter().map(|argument| argument.ty()).collect();
        let ty = self.builder.integer(32).function(&parameters);
        let function = self.module.declare_function(marker::ACCESSIBLE, ty);
        for attribute in ["nounwind", "willreturn"] {
            function.add_attribute(self.module.context(), attribute);
        }
        self.builder.call(ty, function, arguments)
    }
}

/// What the kernel does after a fault.
fn act<'c>(
    machine: &mut Machine<'_, 'c>,
    entry: &Entry,
    instruction: &Instruction,
    address: Value<'c>,
) -> Result<(), Refusal> {
    let register = |name: &str| Operand::Register(name.to_owned());
    let builder = machine.builder;
    match &entry.action {
        Action::None => {}
        Action::Set(to, number) => {
            let value = builder.integer(64).signed_constant(*number);
            machine.write(to, value)?;
        }
        Action::Remaining(base, scale) => {
            let count = machine.read(&register("rcx"), 64)?;
            let scaled = builder.binary(Opcode::LLVMMul, count, builder.integer(64).signed_constant(*scale));
            let base = machine.read(base, 64)?;
            machine.write(&register("rcx"), builder.add(base, scaled))?;
        }
        Action::ZeroPad => {
            let Some(to) = instruction.operands.last() else {
                return Err(Refusal::unknown("a load with padding that loads into nothing"));
            };
            let address = builder.to_unsigned(address, 64);
            let aligned = builder.to_pointer(builder.and(address, builder.u64(!7)));
            let load = builder.load(builder.integer(64), aligned, 8);
            load.set_volatile();
            let bytes = builder.and(address, builder.u64(7));
            let bits = builder.binary(Opcode::LLVMShl, bytes, builder.u64(3));
            machine.write(to, builder.binary(Opcode::LLVMLShr, load, bits))?;
        }
    }
    for (clears, name) in [(entry.clears_ax, "rax"), (entry.clears_dx, "rdx")] {
        if clears && machine.index(&register(name)).is_some() {
            machine.write(&register(name), builder.u64(0))?;
        }
    }
    Ok(())
}
