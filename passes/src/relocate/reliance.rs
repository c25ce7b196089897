// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the code of a relocatable program relies on and has in it as numbers: sizes of structures that it has variables of or
//! copies whole, and the place of a structure's first member.

use std::collections::BTreeSet;

use gpufas_abi::manifest::Site;
use gpufas_abi::relocation::StructureSize;

use super::differences;
use super::notes::Note;
use super::table::place;
use super::{kernel_name, kernels_structure};
use crate::layout::{Candidate, Shape, TypeId, Types, Uses};
use crate::llvm::{Module, Opcode, Value, debug};

/// Deepest nesting of types that is followed.
pub(super) const MOST_DEPTH: usize = 64;

/// Functions that take a number of bytes as their last argument but for flags.
const BYTE_FUNCTIONS: &[&str] =
    &["memcpy", "memmove", "memset", "memcmp", "__memcpy", "__memmove", "__memset"];

/// Finds what a function, or a variable by being there, relies on.
pub fn collect<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    user: Value<'c>,
    uses: &Uses<'c>,
    found: &mut Vec<Note>,
) {
    let mut sizes = BTreeSet::new();
    variables(module, types, user, uses, &mut sizes);
    copies(module, types, uses, &mut sizes, found);
    for instruction in if user.is_function() { user.instructions() } else { Vec::new() } {
        differences::check(module, types, uses, instruction, &mut sizes, found);
        first_member(module, types, uses, instruction, found);
    }
    for id in sizes {
        let name = &types.get(id).name;
        if kernel_name(name) != name {
            let message = format!(
                "`{}` is another form of the kernel's `{}`, of which there are pointers only",
                types.text(id),
                kernel_name(name)
            );
            let function = if user.is_function() { user.name() } else { String::new() };
            found.push(Note::Refused(Site { function, ..Site::default() }, message));
        } else if let Some((keyword, name)) = kernels_structure(types, id) {
            let size = types.size(id);
            found.push(Note::Size(StructureSize { keyword, name: name.to_owned(), size }));
        }
    }
}

/// Structures of the kernel that variables are or hold, and those inside structures of the program's own.
fn variables<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    user: Value<'c>,
    uses: &Uses<'c>,
    sizes: &mut BTreeSet<TypeId>,
) {
    let of_function = if user.is_function() { user.instructions() } else { vec![user] };
    let is_variable = |value: &Value<'c>| value.is(Opcode::LLVMAlloca) || value.is_global_variable();
    for variable in of_function.into_iter().filter(is_variable) {
        match types.declared(variable) {
            Some(ty) => inside(types, ty, sizes, 0),
            // A temporary of the compiler's.
            None => {
                let ty = variable.allocated_type();
                for id in ty.map(|ty| types.of_llvm(module, ty)).unwrap_or_default() {
                    inside(types, id, sizes, 0);
                }
            }
        }
    }
    for &id in uses.touched.iter().filter(|id| kernels_structure(types, **id).is_none()) {
        inside(types, id, sizes, 0);
    }
}

/// The outermost structures of the kernel in a type.
pub(super) fn inside(types: &Types<'_>, id: TypeId, sizes: &mut BTreeSet<TypeId>, depth: usize) {
    let Some(id) = types.resolve(id).filter(|_| depth < MOST_DEPTH) else { return };
    match &types.get(id).shape {
        _ if kernels_structure(types, id).is_some() => {
            sizes.insert(id);
        }
        Shape::Record(record) => {
            record.members.iter().for_each(|member| inside(types, member.ty, sizes, depth + 1));
        }
        Shape::Array(element, _) => inside(types, *element, sizes, depth + 1),
        _ => {}
    }
}

/// Structures of the kernel that are copied, filled or compared with a constant size.
fn copies<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    uses: &Uses<'c>,
    sizes: &mut BTreeSet<TypeId>,
    found: &mut Vec<Note>,
) {
    for &(call, argument, id) in &uses.passed {
        let name = call.callee().map(|callee| callee.name()).unwrap_or_default();
        let is_bytes = name.starts_with("llvm.mem") || BYTE_FUNCTIONS.contains(&name.as_str());
        let arguments = call.arguments();
        if !is_bytes || !arguments.iter().take(2).any(|given| *given == argument) {
            continue;
        }
        if kernels_structure(types, id).is_none() {
            continue;
        }
        sizes.insert(id);
        let size = arguments.get(2).and_then(|size| size.as_unsigned());
        if size.is_some_and(|size| !size.is_multiple_of(types.size(id).max(1))) {
            let message = format!(
                "a part of `{}` is copied or filled by its size in bytes, which cannot be relocated",
                types.text(id)
            );
            found.push(Note::Refused(debug::site(module.context(), call), message));
        }
    }
}

/// `container_of()` of a structure's first member steps back by nothing, and names neither. So the first member must be the
/// first one.
fn first_member<'c>(
    module: &Module<'c>,
    types: &Types<'c>,
    uses: &Uses<'c>,
    instruction: Value<'c>,
    found: &mut Vec<Note>,
) {
    let is_zero = |index: &Value<'_>| index.as_unsigned() == Some(0);
    let steps_nowhere = instruction.is(Opcode::LLVMGetElementPtr)
        && instruction.gep_source_type().is_some_and(|ty| ty.bits() == 8)
        && instruction.operands()[1..].iter().all(is_zero);
    if !steps_nowhere {
        return;
    }
    let expected = became(module, types, instruction, 0);
    let all = || uses.touched.iter().copied().collect::<Vec<_>>();
    for id in expected.map_or_else(all, |id| vec![id]) {
        let Some(first) = first_of(types, id, id, 0) else { continue };
        let Some(place) = place(types, &[first]) else { continue };
        found.push(Note::Place(place));
    }
}

/// What an address without a type is used as: the structure whose member is taken, or that the variable points to in which it
/// is kept.
fn became<'c>(module: &Module<'c>, types: &Types<'c>, address: Value<'c>, depth: usize) -> Option<TypeId> {
    address.users().into_iter().filter(|_| depth < 4).find_map(|user| match user.opcode()? {
        Opcode::LLVMGetElementPtr => types.of_llvm(module, user.gep_source_type()?).first().copied(),
        Opcode::LLVMStore => {
            let variable = user.operand(1)?;
            match types.declared(variable) {
                Some(ty) => types.resolve(types.pointee(ty)?),
                // The result of a statement expression is kept in a variable without a name, and loaded again.
                None if variable.is(Opcode::LLVMAlloca) => variable
                    .users()
                    .into_iter()
                    .filter(|user| user.is(Opcode::LLVMLoad))
                    .find_map(|load| became(module, types, load, depth + 1)),
                None => None,
            }
        }
        _ => None,
    })
}

/// The first member of a structure that has a name.
fn first_of(types: &Types<'_>, root: TypeId, id: TypeId, depth: usize) -> Option<Candidate> {
    let (_, record) = types.record(id).filter(|_| depth < MOST_DEPTH)?;
    let member = record.members.iter().find(|member| member.bit_offset == 0 && member.bits.is_none())?;
    if member.name.is_empty() {
        return first_of(types, root, member.ty, depth + 1);
    }
    Some(Candidate {
        root: Some(root),
        path: member.name.clone(),
        ty: member.ty,
        bit_offset: 0,
        unit_offset: 0,
        bits: None,
        size: member.size,
    })
}
