// SPDX-License-Identifier: MIT OR Apache-2.0

//! Templates with a control flow of their own: jumps to labels inside, accesses that may fault, repeated instructions.
//!
//! Such a template becomes a function that is inlined in its place, with a block from each place that something jumps to.
//! Registers and flags are variables there, which the optimiser turns into values again. Where an instruction may fault, the
//! runtime is asked before it whether it would.

mod blocks;
mod defined;
mod fault;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::llvm::{Block, Builder, Linkage, Module, Predicate, Type, Value};

use crate::kernel_asm::Outcome;
use crate::kernel_asm::exception::{Entry, Target};
use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::instruction::string;
use crate::kernel_asm::machine::{Machine, Slot};
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::{FIXUP, Instruction, Operand, Repeat, Template};

/// What functions that templates become are called.
const NAME: &str = "gpufas.asm";

/// Whether a template has a control flow of its own.
pub fn is_needed(template: &Template, entries: &[Entry]) -> bool {
    let instructions = template.effective();
    let is_jump = |instruction: &Instruction| {
        jump(instruction).is_some_and(|(_, target)| matches!(target, Operand::Text(_)))
    };
    let last = instructions.len().saturating_sub(1);
    // After a jump only jumps may follow otherwise.
    let goes_on = instructions[..last].iter().zip(&instructions[last.min(1)..]);
    let goes_on = goes_on.into_iter().any(|(one, next)| jump(one).is_some() && jump(next).is_none());
    !entries.is_empty()
        || goes_on
        || instructions.iter().any(|instruction| {
            is_jump(instruction)
                || instruction.repeat != Repeat::No && string::operation(instruction).is_some()
        })
}

/// The condition and target of a jump.
pub fn jump(instruction: &Instruction) -> Option<(&str, &Operand)> {
    match (instruction.mnemonic.strip_prefix('j'), instruction.operands.as_slice()) {
        (Some(code), [target @ (Operand::Text(_) | Operand::Argument(..))]) => Some((code, target)),
        _ => None,
    }
}

/// Where a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Start {
    /// At the instruction at a line of the template.
    Line(usize),
    /// Behind the template: at its end, or at a label of `asm goto` plus 1.
    Exit(usize),
}

/// What is known of a variable where control leaves a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As at the block's beginning.
    Kept,
    /// Set in the block.
    Set,
    /// Undefined.
    Undefined,
}

/// A register or flag.
struct Variable<'c> {
    /// The slot of a register.
    slot: Option<usize>,
    place: Value<'c>,
    ty: Type<'c>,
}

struct Node<'c> {
    start: Start,
    block: Block<'c>,
    /// What each variable holds at the beginning.
    loads: Vec<Value<'c>>,
}

struct Edge {
    /// None at the template's beginning.
    from: Option<usize>,
    to: usize,
    states: Vec<State>,
}

struct Flow<'a, 'c> {
    module: &'a Module<'c>,
    template: &'a Template,
    entries: &'a [Entry],
    builder: &'a Builder<'c>,
    outer: &'a Machine<'a, 'c>,
    function: Value<'c>,
    /// The slots with the function's parameters in the place of values.
    slots: Vec<Slot<'c>>,
    results: Vec<Type<'c>>,
    variables: Vec<Variable<'c>>,
    /// Lines that something jumps to or that may fault.
    leaders: BTreeSet<usize>,
    nodes: Vec<Node<'c>>,
    numbers: BTreeMap<Start, usize>,
    edges: Vec<Edge>,
    /// What registers kept beside a part that was written, which is no use of what was in them.
    kept: HashSet<Value<'c>>,
}

/// Executes a template on the operands of `machine`.
///
/// # Errors
///
/// Where the template has no meaning.
pub fn execute<'c>(
    module: &Module<'c>,
    machine: &Machine<'_, 'c>,
    template: &Template,
    entries: &[Entry],
) -> Result<Outcome<'c>, Refusal> {
    let context = module.context();
    let mut arguments = Vec::new();
    for slot in &machine.slots {
        if let Slot::Register(Some(value), _) | Slot::Memory(value) | Slot::ThisCpu(value) = slot {
            arguments.push(*value);
        }
    }
    arguments.extend(machine.variables.iter().map(|(_, pointer)| *pointer));
    // A constant stays one, which may decide what an instruction means.
    arguments.retain(|argument| !argument.is_constant());
    let parameters: Vec<_> = arguments.iter().map(|argument| argument.ty()).collect();
    let mut results = machine.output_types();
    results.push(Type::integer(context, 32));
    let ty = Type::structure(context, &results).function(&parameters);
    let function = module.add_function(NAME, ty);
    function.set_linkage(Linkage::LLVMInternalLinkage);
    for attribute in ["alwaysinline", "nounwind"] {
        function.add_attribute(context, attribute);
    }
    if let Err(refusal) = build(module, machine, template, entries, function, &arguments, results) {
        function.delete_function();
        return Err(refusal);
    }
    let builder = machine.builder;
    let whole = builder.call(ty, function, &arguments);
    let count = machine.output_types().len();
    let outputs = (0_u32..).zip(machine.stack_pointers()).map(|(index, kept)| {
        // It is written back as it was read; see `stack_pointer`.
        kept.unwrap_or_else(|| builder.extract(whole, index))
    });
    let outputs = outputs.collect();
    let exit = builder.extract(whole, count as u32);
    let labels = machine.slots.iter().filter(|slot| matches!(slot, Slot::Label)).count();
    let jumps = (0..labels).map(|label| {
        let number = exit.ty().constant(label as u64 + 1);
        (builder.compare(Predicate::LLVMIntEQ, exit, number), label)
    });
    Ok(Outcome { outputs, jumps: jumps.collect() })
}

fn build<'c>(
    module: &Module<'c>,
    machine: &Machine<'_, 'c>,
    template: &Template,
    entries: &[Entry],
    function: Value<'c>,
    arguments: &[Value<'c>],
    results: Vec<Type<'c>>,
) -> Result<(), Refusal> {
    let context = module.context();
    let parameters = function.parameters();
    let inside = |value: Value<'c>| match arguments.iter().position(|argument| *argument == value) {
        Some(index) => parameters[index],
        None => value,
    };
    let slots = machine.slots.iter().map(|slot| match slot {
        Slot::Register(Some(value), ty) => Slot::Register(Some(inside(*value)), *ty),
        Slot::Memory(pointer) => Slot::Memory(inside(*pointer)),
        Slot::ThisCpu(pointer) => Slot::ThisCpu(inside(*pointer)),
        slot => slot.clone(),
    });
    let slots: Vec<Slot<'c>> = slots.collect();
    let entry = Block::append(context, function, "entry");
    let builder = Builder::at_end(context, entry);
    let targets = machine.variables.iter().map(|(slot, pointer)| (*slot, inside(*pointer))).collect();
    let mut outer = machine.inside(&builder, slots.clone(), Flags::default());
    outer.variables = targets;
    let mut flow = Flow {
        module,
        template,
        entries,
        builder: &builder,
        outer: &outer,
        function,
        slots,
        results,
        variables: Vec::new(),
        leaders: BTreeSet::new(),
        nodes: Vec::new(),
        numbers: BTreeMap::new(),
        edges: Vec::new(),
        kept: HashSet::new(),
    };
    flow.find_leaders()?;
    let states = flow.make_variables();
    let start = flow.template.lines.iter().position(|line| line.section == 0 && line.instruction().is_some());
    let first = flow.node(start.map_or(Start::Exit(0), Start::Line));
    flow.edges.push(Edge { from: None, to: first, states });
    flow.builder.branch(flow.nodes[first].block);
    let mut done = 0;
    while done < flow.nodes.len() {
        match flow.nodes[done].start {
            Start::Line(line) => flow.build_block(done, line)?,
            Start::Exit(exit) => flow.build_exit(done, exit)?,
        }
        done += 1;
    }
    flow.check()
}

impl<'a, 'c> Flow<'a, 'c> {
    fn find_leaders(&mut self) -> Result<(), Refusal> {
        for entry in self.entries {
            self.leaders.insert(entry.at);
            if let Target::Line(line) = entry.target {
                self.leaders.extend(self.template.instruction_from(line));
            }
        }
        for (line, instruction) in self.code() {
            if let Some((_, target)) = jump(instruction)
                && let Start::Line(target) = self.target(line, target)?
            {
                self.leaders.insert(target);
            }
        }
        Ok(())
    }

    /// The instructions that the program's own control flow can reach, each with its line.
    fn code(&self) -> Vec<(usize, &'a Instruction)> {
        let template = self.template;
        let lines = template.lines.iter().enumerate();
        lines
            .filter(|(_, line)| line.section == 0 || template.sections[line.section] == FIXUP)
            .filter_map(|(number, line)| Some((number, line.instruction()?)))
            .collect()
    }

    /// Where a jump at a line leads.
    fn target(&self, line: usize, target: &Operand) -> Result<Start, Refusal> {
        let unknown = || Refusal::unknown("it jumps to what is no label");
        match target {
            Operand::Text(name) => self.place(self.template.label(name, line).ok_or_else(unknown)?),
            Operand::Argument(index, _) => Ok(Start::Exit(self.exit(*index).ok_or_else(unknown)?)),
            _ => Err(unknown()),
        }
    }

    /// The number of the exit to a label of `asm goto`.
    fn exit(&self, operand: usize) -> Option<usize> {
        let is_label = |slot: &&Slot<'c>| matches!(slot, Slot::Label);
        self.slots.get(operand).filter(is_label)?;
        Some(self.slots[..=operand].iter().filter(is_label).count())
    }

    /// What is executed from a line on.
    fn place(&self, line: usize) -> Result<Start, Refusal> {
        match self.template.instruction_from(line) {
            Some(line) => Ok(Start::Line(line)),
            None if self.template.lines[line].section == 0 => Ok(Start::Exit(0)),
            None => Err(Refusal::unknown("what it does after a fault does not end")),
        }
    }
}
