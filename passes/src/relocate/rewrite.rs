// SPDX-License-Identifier: MIT OR Apache-2.0

//! Putting relocated addresses in the place of those that clang wrote, in instructions and in constants.

use std::collections::HashMap;

use gpufas_abi::relocation::Relocation;

use super::table::{Relocations, at_start};
use crate::llvm::{Builder, Module, Opcode, Value};

/// Deepest constant that is taken apart.
const MOST_DEPTH: usize = 64;

/// What an address becomes.
#[derive(Clone)]
pub struct Change<'c> {
    /// The address that it begins with: a structure's, or that of an array of structures.
    pub base: Value<'c>,
    /// The number of the element; none for a member.
    pub index: Option<Value<'c>>,
    /// The offset of the member or the size of the element.
    pub relocation: Relocation,
}

/// Changes addresses in a function; returns the instructions with a constant that cannot be taken apart.
pub fn rewrite<'c>(
    function: Value<'c>,
    changes: HashMap<Value<'c>, Change<'c>>,
    relocations: &mut Relocations<'_, 'c>,
) -> Vec<Value<'c>> {
    let module = relocations.module;
    let mut rewriter = Rewriter {
        module,
        relocations,
        changes,
        rewritten: HashMap::new(),
        constants: HashMap::new(),
        failed: Vec::new(),
    };
    rewriter.function(function);
    // All uses are replaced, but that of one by another.
    for address in rewriter.rewritten.keys() {
        address.replace_all_uses_with(address.ty().poison());
    }
    for address in rewriter.rewritten.keys() {
        address.erase();
    }
    rewriter.failed
}

struct Rewriter<'a, 'b, 'c> {
    module: &'a Module<'c>,
    relocations: &'a mut Relocations<'b, 'c>,
    changes: HashMap<Value<'c>, Change<'c>>,
    /// What instructions have become.
    rewritten: HashMap<Value<'c>, Value<'c>>,
    /// What constants have become, in each function.
    constants: HashMap<(Value<'c>, Value<'c>), Value<'c>>,
    /// Instructions with a constant that cannot be taken apart.
    failed: Vec<Value<'c>>,
}

impl<'c> Rewriter<'_, '_, 'c> {
    fn function(&mut self, function: Value<'c>) {
        let instructions = function.instructions();
        for &instruction in &instructions {
            if self.changes.contains_key(&instruction) {
                self.instruction(function, instruction);
            }
        }
        for instruction in instructions {
            let callee = instruction.is_call().then(|| instruction.operand_count() - 1);
            for index in (0..instruction.operand_count()).filter(|index| Some(*index) != callee) {
                let Some(operand) = instruction.operand(index) else { continue };
                let changed = match self.rewritten.get(&operand) {
                    Some(changed) => Some(*changed),
                    None if self.is_relocated(operand, 0) => {
                        let made = self.constant(function, operand, 0);
                        if made.is_none() {
                            self.failed.push(instruction);
                        }
                        made
                    }
                    None => None,
                };
                if let Some(changed) = changed.filter(|changed| *changed != operand) {
                    instruction.set_operand(index, changed);
                }
            }
        }
    }

    /// Whether a constant has a relocated address in it.
    fn is_relocated(&self, constant: Value<'c>, depth: usize) -> bool {
        depth < MOST_DEPTH
            && (constant.is_constant_expression() || constant.is_constant_aggregate())
            && (self.changes.contains_key(&constant)
                || constant.operands().into_iter().any(|operand| self.is_relocated(operand, depth + 1)))
    }

    /// What an address becomes that is an instruction.
    fn instruction(&mut self, function: Value<'c>, address: Value<'c>) -> Value<'c> {
        if let Some(&done) = self.rewritten.get(&address) {
            return done;
        }
        let Some(Change { base, index, relocation }) = self.changes.get(&address).cloned() else {
            return address;
        };
        let base = match self.changes.contains_key(&base) && base.is_instruction() {
            true => self.instruction(function, base),
            false => self.constant(function, base, 0).unwrap_or(base),
        };
        let number = self.relocations.load(function, relocation);
        let builder = Builder::before(self.module.context(), address);
        let made = change_of(&builder, base, index, number);
        self.rewritten.insert(address, made);
        made
    }

    /// What a constant becomes in a function, if it has a relocated address in it: instructions at the function's start.
    fn constant(&mut self, function: Value<'c>, constant: Value<'c>, depth: usize) -> Option<Value<'c>> {
        if !constant.is_constant_expression() || depth > MOST_DEPTH {
            return None;
        }
        if let Some(&known) = self.constants.get(&(function, constant)) {
            return (known != constant).then_some(known);
        }
        let made = match self.changes.get(&constant) {
            Some(change) => {
                let Change { base, index, relocation } = change.clone();
                let base = self.constant(function, base, depth + 1).unwrap_or(base);
                let number = self.relocations.load(function, relocation);
                change_of(&self.after(function, &[base, number]), base, index, number)
            }
            None => {
                let operands = constant.operands();
                let changed: Vec<_> =
                    operands.iter().map(|operand| self.constant(function, *operand, depth + 1)).collect();
                if changed.iter().all(Option::is_none) {
                    self.constants.insert((function, constant), constant);
                    return None;
                }
                let operands: Vec<_> = changed
                    .into_iter()
                    .zip(operands)
                    .map(|(changed, operand)| changed.unwrap_or(operand))
                    .collect();
                self.after(function, &operands).rebuilt(constant, &operands)?
            }
        };
        self.constants.insert((function, constant), made);
        Some(made)
    }

    /// Builds right behind the last of these values that is an instruction, all of which are at the function's start.
    fn after(&self, function: Value<'c>, values: &[Value<'c>]) -> Builder<'c> {
        let mut last = None;
        let entry = function.blocks().first().map(|block| block.instructions()).unwrap_or_default();
        for (place, instruction) in entry.iter().enumerate() {
            if values.contains(instruction) {
                last = entry.get(place + 1).copied();
            }
        }
        match last {
            Some(next) => Builder::before(self.module.context(), next),
            None => at_start(self.module, function),
        }
    }
}

fn change_of<'c>(
    builder: &Builder<'c>,
    base: Value<'c>,
    index: Option<Value<'c>>,
    number: Value<'c>,
) -> Value<'c> {
    match index {
        None => builder.offset(base, number),
        Some(index) => {
            let index = builder.to_signed(index, 64);
            builder.offset(base, builder.binary(Opcode::LLVMMul, index, number))
        }
    }
}
