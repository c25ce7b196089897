// SPDX-License-Identifier: MIT OR Apache-2.0

//! Differences of pointers, which rely on the size of what these point to: clang divides by it.
//!
//! Pointers have no types in IR. What one points to follows from where it comes from: a variable or member that it is loaded from,
//! a function that returns it, an element that it was made the address of. Where it was cast, nothing is left but the types that
//! casts name.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::kernels_structure;
use super::notes::Note;
use super::reliance::{MOST_DEPTH, inside};
use crate::layout::{Shape, TypeId, Types, Uses};
use crate::llvm::{Module, Opcode, Value, debug};

/// Sizes in bytes of integers and pointers.
const BASIC: [u64; 4] = [1, 2, 4, 8];

/// Finds what an instruction relies on, if it is the difference of two pointers.
pub fn check<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    uses: &Uses<'c>,
    instruction: Value<'c>,
    sizes: &mut BTreeSet<TypeId>,
    found: &mut Vec<Note>,
) {
    if !instruction.is(Opcode::LLVMSub) {
        return;
    }
    let pointers: Vec<_> = instruction
        .operands()
        .into_iter()
        .filter(|operand| operand.opcode() == Some(Opcode::LLVMPtrToInt))
        .filter_map(|operand| operand.operand(0))
        .collect();
    if pointers.is_empty() {
        return;
    }
    let division = instruction
        .users()
        .into_iter()
        .find(|user| user.is(Opcode::LLVMSDiv) && user.operand(0) == Some(instruction) && user.is_exact());
    // A size of 1 leaves nothing to divide by.
    let size = match division {
        Some(division) => division.operand(1).and_then(|size| size.as_unsigned()),
        None => Some(1),
    };
    let Some(size) = size else { return };
    let search = Search { module, types, uses, known: RefCell::default() };
    let targets: Vec<_> = pointers.iter().map(|pointer| search.at(*pointer, 0)).collect();
    let mut fitting = targets.iter().flatten().flatten().filter(|id| types.size(**id) == size).peekable();
    if fitting.peek().is_some() {
        fitting.for_each(|target| inside(types, *target, sizes, 0));
        return;
    }
    if !BASIC.contains(&size) {
        let message =
            format!("the difference of two pointers to something of {size} bytes cannot be relocated");
        found.push(Note::Refused(debug::site(module.context(), instruction), message));
        return;
    }
    // They were cast, or nothing is known of them: whatever of that size may be meant must keep it.
    let is_unknown = size != 1 && targets.iter().any(Option::is_none);
    let all = types.all().map(|(id, _)| id).filter(|_| is_unknown);
    let pointed_to = all.chain(types.retained().iter().copied()).filter_map(|id| types.pointee(id));
    for target in pointed_to.filter_map(|target| types.resolve(target)) {
        if kernels_structure(types, target).is_some() && types.size(target) == size {
            sizes.insert(target);
        }
    }
}

struct Search<'a, 'c> {
    module: &'a Module<'c>,
    types: &'a Types<'c>,
    uses: &'a Uses<'c>,
    /// What was found before: phis lead to one another, and the ways between them double with each.
    known: RefCell<HashMap<Value<'c>, Option<Vec<TypeId>>>>,
}

impl<'c> Search<'_, 'c> {
    /// The types that what lies at an address may have; none if nothing is known of it.
    fn at(&self, address: Value<'c>, depth: usize) -> Option<Vec<TypeId>> {
        if let Some(known) = self.known.borrow().get(&address) {
            return known.clone();
        }
        if depth > MOST_DEPTH {
            return None;
        }
        // Of what leads back to itself nothing is known yet.
        self.known.borrow_mut().insert(address, None);
        let found = self.look(address, depth);
        self.known.borrow_mut().insert(address, found.clone());
        found
    }

    fn look(&self, address: Value<'c>, depth: usize) -> Option<Vec<TypeId>> {
        let types = self.types;
        if let Some(declared) = types.declared(address).filter(|_| !address.is_function()) {
            return Some(vec![declared]);
        }
        let members = self.uses.accesses.iter().filter(|access| access.address == address);
        let members: Vec<_> = members.flat_map(|access| &access.members).map(|member| member.ty).collect();
        if !members.is_empty() {
            return Some(members);
        }
        let pointees = |ids: Vec<TypeId>| ids.into_iter().filter_map(|id| types.pointee(id)).collect();
        match address.opcode()? {
            Opcode::LLVMLoad => {
                let from = address.operand(0)?;
                match self.at(from, depth + 1) {
                    // The value of a statement expression is kept in a variable without a name.
                    None if from.is(Opcode::LLVMAlloca) => {
                        let stores = from.users().into_iter().filter(|user| user.is(Opcode::LLVMStore));
                        self.any(stores.filter_map(|store| store.operand(0)), depth)
                    }
                    found => found.map(pointees),
                }
            }
            Opcode::LLVMCall => {
                let callee = address.callee()?;
                let function = match types.declared(callee) {
                    Some(function) if callee.is_function() => vec![function],
                    _ => self.at(callee, depth + 1)?,
                };
                let results: Vec<_> = function.into_iter().filter_map(|id| types.result(id)).collect();
                (!results.is_empty()).then(|| pointees(results))
            }
            Opcode::LLVMPHI => {
                let values = address.incoming().into_iter().map(|(value, _)| value);
                self.any(values, depth)
            }
            Opcode::LLVMSelect => self.any(address.operands().into_iter().skip(1), depth),
            Opcode::LLVMGetElementPtr => self.element(address, depth),
            _ => None,
        }
    }

    /// What any of several values points to, if it is known of all.
    fn any(&self, values: impl Iterator<Item = Value<'c>>, depth: usize) -> Option<Vec<TypeId>> {
        let mut all = Vec::new();
        for value in values.filter(|value| !value.is_null()) {
            all.extend(self.at(value, depth + 1)?);
        }
        (!all.is_empty()).then_some(all)
    }

    /// The element that a step leads to.
    fn element(&self, step: Value<'c>, depth: usize) -> Option<Vec<TypeId>> {
        let source = step.gep_source_type()?;
        let named = |ty| Some(self.types.of_llvm(self.module, ty)).filter(|found| !found.is_empty());
        if source.is_structure() {
            return named(source).filter(|_| step.operand_count() == 2);
        }
        // Bytes are stepped over by whoever casts.
        if source.bits() == 8 {
            return None;
        }
        let base = self.at(step.operand(0)?, depth + 1);
        if !source.is_sequence() || step.operand_count() == 2 {
            return base;
        }
        let elements =
            base.into_iter().flatten().filter_map(|id| match self.types.get(self.types.resolve(id)?).shape {
                Shape::Array(element, _) => Some(element),
                _ => None,
            });
        let elements: Vec<_> = elements.collect();
        if elements.is_empty() { named(source.element()?) } else { Some(elements) }
    }
}
