// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finding all uses of structures in a module.

use std::collections::{BTreeSet, HashSet};

use super::places::{Access, Places};
use super::types::{TypeId, Types};
use crate::llvm::{Module, Opcode, Value};
use crate::marker;

/// How names of our own headers begin, from their folder on.
const OWN_HEADERS: &str = "gpufas/";

/// All types of a module, and what its functions and variables do with structures.
#[derive(Debug)]
pub struct Collection<'c> {
    /// The types.
    pub types: Types<'c>,
    /// Each function that is defined and each variable that has an initial value, with what it uses.
    pub users: Vec<(Value<'c>, Uses<'c>)>,
}

/// What a function, or the initial value of a variable, does with structures.
#[derive(Debug, Default)]
pub struct Uses<'c> {
    /// Each use of a member of a structure with a name, whosever it is.
    pub accesses: Vec<Access<'c>>,
    /// Structures and unions with a name that are used at all, whosever they are: for a member, as a variable, to step over.
    pub touched: BTreeSet<TypeId>,
    /// Calls with the address of a structure or union among their arguments: the call, the argument and what it points to.
    pub passed: Vec<(Value<'c>, Value<'c>, TypeId)>,
    /// LLVM structure types that no debug information describes, each with an address that steps into one.
    pub unknown: Vec<(String, Value<'c>)>,
    /// Whether it is a function that uses memory and that no debug information describes.
    pub is_undescribed: bool,
}

/// Finds out what a module does with structures. It is not changed.
///
/// This is to be done before modules are linked: LLVM's linker makes one type of structures that look alike, whatever their
/// names (`struct list_head` and `struct hlist_node`).
pub fn collect<'c>(module: &Module<'c>) -> Collection<'c> {
    let types = types(module);
    let users = super::users(module).map(|user| (user, uses(module, &types, user))).collect();
    Collection { types, users }
}

/// The types of a module.
pub(super) fn types<'c>(module: &Module<'c>) -> Types<'c> {
    let folders: Vec<String> = module.text_metadata(marker::HEADERS_METADATA).into_iter().flatten().collect();
    Types::read(module, &|file| is_kernels(&folders, file))
}

/// Whether a file is the kernel's: it lies in one of the folders with headers, and is none of ours.
fn is_kernels(folders: &[String], file: &str) -> bool {
    let inside = |folder: &String| file.strip_prefix(folder.as_str());
    // A folder may lie in another one; the inner one counts.
    let innermost =
        folders.iter().filter(|folder| inside(folder).is_some()).max_by_key(|folder| folder.len());
    innermost.and_then(inside).is_some_and(|name| !name.starts_with(OWN_HEADERS))
}

/// What a function or variable does with structures.
fn uses<'c>(module: &Module<'c>, types: &Types<'c>, user: Value<'c>) -> Uses<'c> {
    let mut places = Places::new(module, types);
    let mut touched = BTreeSet::new();
    let mut passed = Vec::new();
    let mut is_undescribed = false;
    if user.is_function() {
        let instructions = user.instructions();
        for &instruction in &instructions {
            look_at(module, &mut places, (&mut touched, &mut passed), instruction);
        }
        let uses_memory = |instruction: &Value<'_>| {
            instruction.is_memory_access() || instruction.is(Opcode::LLVMGetElementPtr)
        };
        is_undescribed = types.declared(user).is_none() && instructions.iter().any(uses_memory);
    } else {
        touched.extend(types.declared(user).and_then(|ty| types.record(ty)).map(|(id, _)| id));
        for constant in constants(user.initializer()) {
            places.at(constant);
        }
    }
    let Places { accesses, stepped, unknown, .. } = places;
    touched.extend(stepped);
    touched.extend(accesses.iter().flat_map(|access| &access.members).filter_map(|member| member.root));
    touched.retain(|&id| !types.get(id).name.is_empty());
    Uses { accesses, touched, passed, unknown, is_undescribed }
}

fn look_at<'c>(
    module: &Module<'c>,
    places: &mut Places<'_, 'c>,
    (touched, passed): (&mut BTreeSet<TypeId>, &mut Vec<(Value<'c>, Value<'c>, TypeId)>),
    instruction: Value<'c>,
) {
    for operand in instruction.operands() {
        for constant in constants(Some(operand)) {
            places.at(constant);
        }
    }
    match instruction.opcode() {
        Some(Opcode::LLVMGetElementPtr) => {
            places.at(instruction);
        }
        Some(Opcode::LLVMAlloca) => {
            let whole = places.at(instruction).into_iter().flat_map(|place| place.candidates);
            touched.extend(whole.filter_map(|whole| places.types.record(whole.ty)).map(|(id, _)| id));
        }
        Some(Opcode::LLVMLoad) => {
            let size = instruction.ty().store_size(module);
            if let (Some(pointer), Some(size)) = (instruction.operand(0), size) {
                places.accessed(pointer, size);
            }
        }
        Some(Opcode::LLVMStore) => {
            let value = instruction.operand(0);
            let size = value.and_then(|value| value.ty().store_size(module));
            if let (Some(pointer), Some(size)) = (instruction.operand(1), size) {
                places.accessed(pointer, size);
            }
            if let (Some(value), Some(pointer)) = (value, instruction.operand(1)) {
                let expected =
                    places.at(pointer).and_then(|place| place.candidates.first().map(|first| first.ty));
                places.escaped(value, expected.and_then(|ty| places.types.pointee(ty)));
            }
        }
        Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => {
            let size = instruction.operand(1).and_then(|value| value.ty().store_size(module));
            if let (Some(pointer), Some(size)) = (instruction.operand(0), size) {
                places.accessed(pointer, size);
            }
        }
        _ => {
            let is_marker =
                instruction.callee().is_some_and(|callee| callee.name().starts_with("llvm.lifetime."));
            for (number, operand) in instruction.operands().into_iter().enumerate() {
                if is_marker || !operand.ty().is_pointer() {
                    continue;
                }
                // What is copied whole has the size that the program was compiled with.
                if let Some(place) = places.at(operand).filter(|_| instruction.is_call()) {
                    let types = places.types;
                    let records = place.candidates.iter().filter_map(|candidate| types.record(candidate.ty));
                    let records: Vec<_> = records.map(|(id, _)| id).collect();
                    passed.extend(records.iter().map(|&id| (instruction, operand, id)));
                    touched.extend(records);
                }
                let expected = instruction.callee().and_then(|callee| places.types.parameter(callee, number));
                places.escaped(operand, expected.and_then(|ty| places.types.pointee(ty)));
            }
        }
    }
}

/// The address constants in a constant, itself included.
fn constants(value: Option<Value<'_>>) -> Vec<Value<'_>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut pending: Vec<_> = value.into_iter().collect();
    while let Some(value) = pending.pop() {
        if !value.is_constant_expression() && !value.is_constant_aggregate() || !seen.insert(value) {
            continue;
        }
        if value.opcode() == Some(Opcode::LLVMGetElementPtr) {
            found.push(value);
        }
        pending.extend(value.operands());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_kernels_by_their_folder() {
        let folders = ["/usr/src/linux/", "/cache/", "/cache/include/"].map(str::to_owned);
        for (file, expected) in [
            ("/usr/src/linux/include/linux/sched.h", true),
            ("/usr/src/linux/kernel/sched/fair.c", true),
            ("/usr/src/linux-6/x.h", false),
            ("kill.c", false),
            ("", false),
            ("/cache/include/gpufas/gpufas.h", false),
        ] {
            assert_eq!(is_kernels(&folders, file), expected, "{file}");
        }
    }
}
