// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which addresses are relocated, and what becomes of them: a number from the relocation table behind the address of a structure.

use std::collections::{HashMap, HashSet};

use gpufas_abi::relocation::{MemberKind, Place, RelocatedMember, Relocation, RelocationKind};

use super::notes::Note;
use super::rewrite::{self, Change};
use super::table::{Relocations, place};
use super::{kernel_name, kernels_structure};
use crate::layout::{Candidate, Shape, TypeId, Types, Uses};
use crate::llvm::{Module, Opcode, Type, Value, debug};

/// Most steps between a member and the structure that its path starts from.
const MOST_DEPTH: usize = 64;

/// Relocates all addresses in a function; what cannot be is noted.
pub fn relocate<'c>(
    types: &Types<'c>,
    function: Value<'c>,
    uses: &Uses<'c>,
    relocations: &mut Relocations<'_, 'c>,
    found: &mut Vec<Note>,
) {
    let module = relocations.module;
    let mut changes = members(module, types, uses, found);
    elements(module, types, function, &mut changes);
    for instruction in rewrite::rewrite(function, changes, relocations) {
        let message = "the address of a member is used in a constant that is not known to gpufas-cc";
        found.push(Note::Refused(debug::site(module.context(), instruction), message.into()));
    }
    forget_alignments(module, function);
}

/// Where a member lay said more of its alignment than its type does, which does not hold elsewhere.
fn forget_alignments<'c>(module: &Module<'c>, function: Value<'c>) {
    for instruction in function.instructions() {
        if !instruction.is_memory_access() {
            continue;
        }
        let ty = match instruction.opcode() {
            Some(Opcode::LLVMLoad) => Some(instruction.ty()),
            Some(Opcode::LLVMStore) => instruction.operand(0).map(|value| value.ty()),
            _ => instruction.operand(1).map(|value| value.ty()),
        };
        let size = ty.and_then(|ty| ty.store_size(module)).and_then(|size| u32::try_from(size).ok());
        let natural = size.unwrap_or(1).next_power_of_two();
        if instruction.alignment() > natural {
            instruction.set_alignment(natural);
        }
    }
}

/// The changes of members' addresses.
fn members<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    uses: &Uses<'c>,
    found: &mut Vec<Note>,
) -> HashMap<Value<'c>, Change<'c>> {
    // One address may be used for several members of a union.
    let mut accesses: Vec<(Value<'c>, Option<Value<'c>>, Vec<Candidate>)> = Vec::new();
    let mut known: HashMap<(Value<'c>, Option<Value<'c>>), usize> = HashMap::new();
    for access in &uses.accesses {
        let next = accesses.len();
        let number = *known.entry((access.address, access.base)).or_insert(next);
        match accesses.get_mut(number) {
            Some((.., members)) => members.extend(access.members.iter().cloned()),
            None => accesses.push((access.address, access.base, access.members.clone())),
        }
    }
    let bases: HashMap<Value<'c>, usize> =
        accesses.iter().fold(HashMap::new(), |mut count, (address, base, ..)| {
            // What is where its structure begins is not relocated.
            if *base != Some(*address) {
                *count.entry(*address).or_default() += 1;
            }
            count
        });
    let mut changes = HashMap::new();
    for (address, base, members) in accesses {
        let change = base
            .filter(|_| bases.get(&address) == Some(&1))
            .filter(|base| distance(module, address, *base) == Some(members[0].unit_offset / 8))
            .filter(|base| *base != address)
            .filter(|_| members.iter().all(|member| !member.path.contains('[')))
            .zip(place(types, &members));
        match change {
            Some((base, place)) => {
                let compiled = members[0].unit_offset / 8;
                // Another form of a structure is declared for kernels that have no such member.
                let guarded = members[0].root.is_some_and(|root| {
                    let name = &types.get(root).name;
                    kernel_name(name) != name
                });
                let relocation =
                    Relocation { kind: RelocationKind::Offset, place, compiled, guarded, sized: false };
                changes.insert(address, Change { base, index: None, relocation });
            }
            None => rely(types, &members, found),
        }
    }
    changes
}

/// Notes that members must be where they were.
fn rely(types: &Types<'_>, members: &[Candidate], found: &mut Vec<Note>) {
    for member in members {
        let Some(place) = place(types, std::slice::from_ref(member)) else { continue };
        // Elements of an array are as far apart as one is large.
        for (end, _) in member.path.match_indices("[0]").filter(|(at, _)| at + 3 < member.path.len()) {
            if let Some((offset, bits)) = element(types, member, &member.path[..end]) {
                let element = RelocatedMember {
                    path: format!("{}[0]", &member.path[..end]),
                    // Its size counts, as those of others but not those of structures do.
                    kind: MemberKind::Other,
                    bit_offset: offset,
                    bits,
                    element_bits: 0,
                    bits_into_word: 0,
                };
                found.push(Note::Place(Place { members: vec![element], ..place.clone() }));
            }
        }
        found.push(Note::Place(place));
    }
}

/// Where the first element of the array at a path begins, and its size, both in bits.
fn element(types: &Types<'_>, member: &Candidate, array: &str) -> Option<(u64, u64)> {
    let mut id = member.root?;
    let mut offset = 0;
    for step in array.split('.') {
        let name = step.trim_end_matches("[0]");
        let (start, mut ty) = find(types, id, name, 0)?;
        for _ in 0..(step.len() - name.len()) / 3 {
            ty = element_type(types, ty)?;
        }
        offset += start;
        id = types.resolve(ty)?;
    }
    Some((offset, types.size(element_type(types, id)?) * 8))
}

fn element_type(types: &Types<'_>, id: TypeId) -> Option<TypeId> {
    match types.get(types.resolve(id)?).shape {
        Shape::Array(element, _) => Some(element),
        _ => None,
    }
}

/// A member by name, in structures without a name too.
fn find(types: &Types<'_>, id: TypeId, name: &str, depth: usize) -> Option<(u64, TypeId)> {
    let (_, record) = types.record(id).filter(|_| depth < MOST_DEPTH)?;
    record.members.iter().find_map(|member| match member.name.as_str() {
        "" => find(types, member.ty, name, depth + 1).map(|(offset, ty)| (member.bit_offset + offset, ty)),
        found => (found == name).then_some((member.bit_offset, member.ty)),
    })
}

/// Bytes from `base` to `address`, if the steps between are constant.
fn distance<'c>(module: &Module<'c>, address: Value<'c>, base: Value<'c>) -> Option<u64> {
    let (mut at, mut total) = (address, 0_u64);
    for _ in 0..MOST_DEPTH {
        if at == base {
            return Some(total);
        }
        total = total.checked_add(step(module, at)?)?;
        at = at.operand(0)?;
    }
    None
}

/// Bytes that a `getelementptr` steps, if they are known.
fn step<'c>(module: &Module<'c>, address: Value<'c>) -> Option<u64> {
    let mut ty = address.gep_source_type()?;
    let operands = address.operands();
    let (first, rest) = operands.get(1..)?.split_first()?;
    let mut total = first.as_unsigned()?.checked_mul(ty.allocation_size(module)?)?;
    for index in rest {
        let number = index.as_unsigned()?;
        let more = if ty.is_structure() {
            let field = u32::try_from(number).ok()?;
            let offset = ty.field_offset(module, field)?;
            ty = *ty.fields().get(field as usize)?;
            offset
        } else {
            ty = ty.element()?;
            number.checked_mul(ty.allocation_size(module)?)?
        };
        total = total.checked_add(more)?;
    }
    Some(total)
}

/// The changes of addresses of elements of arrays of structures of the kernel's.
fn elements<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    function: Value<'c>,
    changes: &mut HashMap<Value<'c>, Change<'c>>,
) {
    for address in steps(function) {
        let Some((ty, index)) = element_step(address) else { continue };
        if changes.contains_key(&address) || index.as_unsigned() == Some(0) {
            continue;
        }
        let Some(base) = address.operand(0) else { continue };
        if let Some(relocation) = size_of(module, types, ty) {
            changes.insert(address, Change { base, index: Some(index), relocation });
        }
    }
}

/// All address computations in a function.
fn steps(function: Value<'_>) -> Vec<Value<'_>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut pending = function.instructions();
    while let Some(value) = pending.pop() {
        if value.opcode() == Some(Opcode::LLVMGetElementPtr) && seen.insert(value) {
            found.push(value);
        }
        pending.extend(value.operands().into_iter().filter(|operand| operand.is_constant_expression()));
    }
    found
}

/// The type and number of the element, if an address computation does nothing but step to one.
fn element_step<'c>(address: Value<'c>) -> Option<(Type<'c>, Value<'c>)> {
    let source = address.gep_source_type()?;
    match address.operands()[1..] {
        [index] => Some((source, index)),
        [zero, index] if zero.as_unsigned() == Some(0) && source.is_sequence() => {
            Some((source.element()?, index))
        }
        _ => None,
    }
}

/// The relocation of the size of an LLVM type, if it is a structure of the kernel's.
fn size_of<'c>(module: &Module<'c>, types: &Types<'c>, ty: Type<'c>) -> Option<Relocation> {
    let id = *types.of_llvm(module, ty).first()?;
    let (keyword, structure) = kernels_structure(types, id)?;
    let place = Place { keyword, structure: structure.to_owned(), members: Vec::new() };
    let compiled = types.size(id);
    Some(Relocation { kind: RelocationKind::Size, place, compiled, guarded: false, sized: false })
}
