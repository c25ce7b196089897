// SPDX-License-Identifier: MIT OR Apache-2.0

//! The relocations of a program, and the table that they become.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use gpufas_abi::relocation::{MemberKind, Place, RelocatedMember, Relocation, RelocationKind};
use gpufas_abi::symbols;

use super::kernels_structure;
use crate::layout::{Candidate, Shape, TypeId, Types};
use crate::llvm::{Builder, Linkage, Module, Type, Value};
use crate::marker;
use crate::program::Program;

/// Named metadata with the relocations of a module, each as JSON; it is there if the module was relocated.
const METADATA: &str = "gpufas.relocations";

/// Whether the accesses of a module, or of one that was linked into it, were relocated.
pub fn is_marked(module: &Module<'_>) -> bool {
    !module.text_metadata(METADATA).is_empty()
}

/// The relocations of all modules that were linked into this one.
pub fn read(module: &Module<'_>) -> Vec<Relocation> {
    let mut found: Vec<Relocation> = Vec::new();
    for words in module.text_metadata(METADATA) {
        for relocation in words.iter().filter_map(|text| serde_json::from_str(text).ok()) {
            if !found.contains(&relocation) {
                found.push(relocation);
            }
        }
    }
    found
}

/// Relocations as they are made.
pub struct Relocations<'a, 'c> {
    pub module: &'a Module<'c>,
    made: Vec<Relocation>,
    numbers: HashMap<Relocation, usize>,
    /// The load of a relocation in a function.
    loads: HashMap<(Value<'c>, usize), Value<'c>>,
}

impl<'a, 'c> Relocations<'a, 'c> {
    pub fn new(module: &'a Module<'c>) -> Self {
        Self { module, made: Vec::new(), numbers: HashMap::new(), loads: HashMap::new() }
    }

    /// The value of a relocation in a function, as a 64-bit integer that is loaded at the function's start: from there it
    /// reaches all uses.
    pub fn load(&mut self, function: Value<'c>, relocation: Relocation) -> Value<'c> {
        let next = self.made.len();
        let number = *self.numbers.entry(relocation.clone()).or_insert(next);
        if number == next {
            self.made.push(relocation);
        }
        *self.loads.entry((function, number)).or_insert_with(|| {
            let builder = at_start(self.module, function);
            let entry = self.module.declare_global(&name(&self.made[number]), builder.integer(64));
            let load = builder.load(builder.integer(64), entry, 8);
            load.set_empty_metadata(self.module.context(), "invariant.load");
            load
        })
    }

    /// Writes them into the module.
    pub fn write(self) {
        // Plain data, which cannot fail to be written.
        let texts: Vec<String> =
            self.made.iter().filter_map(|relocation| serde_json::to_string(relocation).ok()).collect();
        self.module.add_text_metadata(METADATA, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Builds at a function's start, behind its variables.
pub fn at_start<'c>(module: &Module<'c>, function: Value<'c>) -> Builder<'c> {
    let first = function.blocks().first().and_then(|block| block.first_non_phi());
    // A function with a body has a block, and each block an instruction.
    Builder::before(module.context(), first.unwrap_or(function))
}

/// The name of the variable that stands for an entry of the table: for the linker it says which one, for those who read the IR
/// what it is.
fn name(relocation: &Relocation) -> String {
    let Place { structure, members, .. } = &relocation.place;
    let what = match (relocation.kind, members.first()) {
        (RelocationKind::Size, _) | (_, None) => format!("size.{structure}"),
        (RelocationKind::Offset, Some(member)) => format!("offset.{structure}.{}", member.path),
        (RelocationKind::Enumerator, Some(member)) => format!("enumerator.{structure}.{}", member.path),
        (RelocationKind::MemberSize, Some(member)) => format!("size.{structure}.{}", member.path),
        (RelocationKind::Exists, Some(member)) => format!("exists.{structure}.{}", member.path),
    };
    let mut hasher = DefaultHasher::new();
    relocation.hash(&mut hasher);
    format!("{}{:08x}.{what}", marker::RELOCATION_PREFIX, hasher.finish() as u32)
}

/// The place that candidates of an access are, if they are all of one structure of the kernel's.
pub fn place(types: &Types<'_>, candidates: &[Candidate]) -> Option<Place> {
    let root = candidates.first()?.root?;
    if candidates.iter().any(|candidate| candidate.root != Some(root)) {
        return None;
    }
    let (keyword, structure) = kernels_structure(types, root)?;
    let mut members: Vec<RelocatedMember> = Vec::new();
    for candidate in candidates {
        let member = member(types, candidate);
        if !members.contains(&member) {
            members.push(member);
        }
    }
    Some(Place { keyword, structure: structure.to_owned(), members })
}

fn member(types: &Types<'_>, candidate: &Candidate) -> RelocatedMember {
    let kind = if candidate.bits.is_some() { MemberKind::BitField } else { kind(types, candidate.ty) };
    let element = types.resolve(candidate.ty).and_then(|id| match types.get(id).shape {
        Shape::Array(element, _) if types.record(element).is_none() => Some(types.size(element) * 8),
        _ => None,
    });
    RelocatedMember {
        path: candidate.path.clone(),
        kind,
        element_bits: element.unwrap_or(0),
        bit_offset: candidate.bit_offset,
        bits: candidate.bits.unwrap_or(candidate.size * 8),
        bits_into_word: candidate.bit_offset.saturating_sub(candidate.unit_offset),
    }
}

fn kind(types: &Types<'_>, ty: TypeId) -> MemberKind {
    match types.resolve(ty).map(|id| &types.get(id).shape) {
        Some(Shape::Integer | Shape::Enumeration(_)) => MemberKind::Integer,
        Some(Shape::Pointer(_)) => MemberKind::Pointer,
        Some(Shape::Record(_)) => MemberKind::Structure,
        Some(Shape::Array(..)) => MemberKind::Array,
        _ => MemberKind::Other,
    }
}

/// Numbers the relocations that are still needed after optimisation, and defines the table.
pub fn define_table(module: &Module<'_>, program: &mut Program) {
    let Some(relocatable) = &mut program.relocatable else { return };
    let made = std::mem::take(&mut relocatable.table);
    let asked_for = |kind| -> HashSet<_> {
        let questions = made.iter().filter(|relocation| relocation.kind == kind);
        questions.flat_map(|relocation| members_of(&relocation.place)).collect()
    };
    let (tested, measured) = (asked_for(RelocationKind::Exists), asked_for(RelocationKind::MemberSize));
    let mut needed = Vec::new();
    for relocation in &made {
        let Some(global) = module.global(&name(relocation)) else { continue };
        if global.is_used() {
            // A member that the program asks for is taken to be used only where it is.
            let is_one_of = |asked: &HashSet<_>| {
                relocation.kind == RelocationKind::Offset
                    && members_of(&relocation.place).any(|member| asked.contains(&member))
            };
            let guarded = relocation.guarded || is_one_of(&tested);
            // Or only where it is as large.
            let sized = is_one_of(&measured);
            needed.push((Relocation { guarded, sized, ..relocation.clone() }, global));
        } else {
            global.delete_global();
        }
    }
    let word = Type::integer(module.context(), 64);
    let ty = word.array(needed.len() as u64);
    let table = module.add_global(symbols::RELOCATION_TABLE, ty);
    // The host writes it, so it is no constant, and external so that nothing is concluded from what is in it before.
    let values: Vec<_> = needed.iter().map(|(relocation, _)| word.constant(relocation.compiled)).collect();
    table.set_initializer(word.constant_array(&values));
    table.set_linkage(Linkage::LLVMExternalLinkage);
    table.set_alignment(8);
    for (index, (relocation, global)) in needed.into_iter().enumerate() {
        global.replace_all_uses_with(table.constant_element(index as u64));
        global.delete_global();
        relocatable.table.push(relocation);
    }
}

/// Structure and path of each member of a place.
fn members_of(place: &Place) -> impl Iterator<Item = (&str, &str)> {
    place.members.iter().map(|member| (place.structure.as_str(), member.path.as_str()))
}
