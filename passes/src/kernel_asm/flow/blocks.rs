// SPDX-License-Identifier: MIT OR Apache-2.0

//! The blocks of a template, one after the other.

use crate::kernel_asm::flags::{self, Flags};
use crate::kernel_asm::instruction;
use crate::kernel_asm::machine::{Machine, Slot};
use crate::kernel_asm::refusal::Refusal;
use crate::llvm::{Block, Type, Value};

use super::{Edge, Flow, Node, Start, State, Variable, jump};

impl<'a, 'c> Flow<'a, 'c> {
    /// Makes room for registers and flags; says which have a value from the beginning.
    pub(super) fn make_variables(&mut self) -> Vec<State> {
        let mut states = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let Slot::Register(value, ty) = slot else { continue };
            if !self.outer.is_written(index) {
                continue;
            }
            // All 64 bits are there, whatever the C operand's type.
            let held = value.map_or(*ty, Value::ty);
            let ty = if held.is_pointer() { held } else { self.builder.integer(64) };
            let place = self.builder.alloca(ty);
            place.set_alignment(8);
            let start = value.map_or_else(|| ty.zero(), |value| self.builder.convert(value, ty));
            self.builder.store(start, place, 8);
            self.variables.push(Variable { slot: Some(index), place, ty });
            states.push(if value.is_some() { State::Set } else { State::Undefined });
        }
        for _ in 0..flags::COUNT {
            let ty = self.builder.integer(1);
            let place = self.builder.alloca(ty);
            self.builder.store(ty.zero(), place, 1);
            self.variables.push(Variable { slot: None, place, ty });
            states.push(State::Undefined);
        }
        states
    }

    /// The number of the block that begins there.
    pub(super) fn node(&mut self, start: Start) -> usize {
        let number = *self.numbers.entry(start).or_insert(self.nodes.len());
        if number == self.nodes.len() {
            let block = Block::append(self.module.context(), self.function, "");
            self.nodes.push(Node { start, block, loads: Vec::new() });
        }
        number
    }

    /// The machine as it is at the beginning of a block.
    pub(super) fn begin(&mut self, node: usize) -> Machine<'a, 'c> {
        self.builder.position_at_end(self.nodes[node].block);
        let mut slots = self.slots.clone();
        let mut flags = Flags::default();
        let mut flag_loads = Vec::new();
        for variable in &self.variables {
            let alignment = if variable.slot.is_some() { 8 } else { 1 };
            let load = self.builder.load(variable.ty, variable.place, alignment);
            self.nodes[node].loads.push(load);
            match variable.slot.map(|slot| &mut slots[slot]) {
                Some(Slot::Register(value, _)) => *value = Some(load),
                Some(_) => {}
                None => flag_loads.push(load),
            }
        }
        for (flag, load) in flags.all().into_iter().zip(flag_loads) {
            *flag = Some(load);
        }
        self.outer.inside(self.builder, slots, flags)
    }

    /// Stores what has changed since the beginning of a block, and goes to another from there.
    pub(super) fn end(
        &mut self,
        node: usize,
        slots: &[Slot<'c>],
        mut flags: Flags<'c>,
        to: Start,
    ) -> Result<Block<'c>, Refusal> {
        for (index, (old, new)) in self.slots.iter().zip(slots).enumerate() {
            if let (Slot::Register(old, _), Slot::Register(new, _)) = (old, new)
                && old != new
                && !self.outer.is_written(index)
            {
                return Err(Refusal::unknown("it writes to an operand that is no output"));
            }
        }
        let mut states = Vec::new();
        let mut flags = IntoIterator::into_iter(flags.all());
        for (variable, load) in self.variables.iter().zip(&self.nodes[node].loads) {
            let value = match variable.slot.map(|slot| &slots[slot]) {
                Some(Slot::Register(value, _)) => *value,
                Some(_) => None,
                None => flags.next().and_then(|flag| *flag),
            };
            states.push(match value {
                Some(value) if value == *load => State::Kept,
                Some(value) => {
                    let alignment = if variable.slot.is_some() { 8 } else { 1 };
                    self.builder.store(self.builder.convert(value, variable.ty), variable.place, alignment);
                    State::Set
                }
                None => State::Undefined,
            });
        }
        let to = self.node(to);
        self.edges.push(Edge { from: Some(node), to, states });
        Ok(self.nodes[to].block)
    }

    pub(super) fn build_block(&mut self, node: usize, start: usize) -> Result<(), Refusal> {
        let module = self.module;
        let builder = self.builder;
        let template = self.template;
        let Machine { mut slots, mut flags, .. } = self.begin(node);
        if let Some(entry) = self.entries.iter().find(|entry| entry.at == start) {
            (slots, flags) = self.guard(node, entry, slots, flags)?;
        }
        let mut line = start;
        while let Some(instruction) = template.lines[line].instruction() {
            let following = self.place_after(line);
            if let Some((code, target)) = jump(instruction) {
                let target = self.target(line, target)?;
                if code == "mp" {
                    let block = self.end(node, &slots, flags, target)?;
                    builder.branch(block);
                } else {
                    let condition = flags.condition(builder, code)?;
                    let taken = self.end(node, &slots, flags, target)?;
                    let not_taken = self.end(node, &slots, flags, following?)?;
                    builder.conditional_branch(condition, taken, not_taken);
                }
                return Ok(());
            }
            let mut machine = self.outer.inside(builder, slots, flags);
            machine.is_unaligned = line == start && self.entries.iter().any(|entry| entry.at == start);
            instruction::execute(&mut machine, module, instruction)?;
            Machine { slots, flags, .. } = self.noted(machine);
            match following? {
                Start::Line(next) if !self.leaders.contains(&next) => line = next,
                next => {
                    let block = self.end(node, &slots, flags, next)?;
                    builder.branch(block);
                    return Ok(());
                }
            }
        }
        Err(Refusal::unknown("it goes on where there is no instruction"))
    }

    /// A machine that has executed an instruction, with what registers only kept in it noted.
    pub(super) fn noted<'b>(&mut self, mut machine: Machine<'b, 'c>) -> Machine<'b, 'c> {
        self.kept.extend(machine.kept.drain(..));
        machine
    }

    /// What follows an instruction.
    pub(super) fn place_after(&self, line: usize) -> Result<Start, Refusal> {
        let section = self.template.lines[line].section;
        let next = (line + 1..self.template.lines.len()).find(|&next| {
            self.template.lines[next].section == section && self.template.lines[next].instruction().is_some()
        });
        match next {
            Some(next) => Ok(Start::Line(next)),
            None if section == 0 => Ok(Start::Exit(0)),
            None => Err(Refusal::unknown("what it does after a fault does not end")),
        }
    }

    pub(super) fn build_exit(&mut self, node: usize, exit: usize) -> Result<(), Refusal> {
        let builder = self.builder;
        let result = Type::structure(self.module.context(), &self.results);
        let Machine { slots, mut flags, .. } = self.begin(node);
        if exit != 0 {
            // What outputs hold at a label that is reached by a fault is undefined.
            let no = builder.integer(1).zero();
            flags = Flags { carry: Some(no), zero: Some(no), sign: Some(no), overflow: Some(no) };
        }
        let machine = self.outer.inside(builder, slots, flags);
        machine.store_variables()?;
        let mut values = machine.outputs()?;
        values.push(builder.u32(exit as u32));
        let whole = values
            .into_iter()
            .zip(0..)
            .fold(result.poison(), |whole, (value, index)| builder.insert(whole, value, index));
        builder.return_value(whole);
        Ok(())
    }
}
