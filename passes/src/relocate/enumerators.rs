// SPDX-License-Identifier: MIT OR Apache-2.0

//! gpufas_enumerator() (runtime/include/gpufas/relocate.h): the value of a constant of an enumeration on the kernel that the program
//! meets.

use std::collections::HashMap;

use gpufas_abi::manifest::Keyword;
use gpufas_abi::relocation::{MemberKind, Place, RelocatedMember, Relocation, RelocationKind};

use super::notes::Note;
use super::table::Relocations;
use super::{ENUMERATOR_VALUE, answer, calls_of, kernel_name};
use crate::entry_points::text;
use crate::llvm::{Module, Value};

/// Replaces the calls; what is wrong with some is added to what `failed` has of their functions.
pub fn resolve<'c>(
    module: &Module<'c>,
    relocations: &mut Relocations<'_, 'c>,
    failed: &mut HashMap<Value<'c>, Vec<Note>>,
) {
    for call in calls_of(module, ENUMERATOR_VALUE) {
        let mistake = "gpufas_enumerator() takes an enumeration and one of its constants";
        answer(module, relocations, failed, call, relocation(call), mistake);
    }
}

/// What a call asks for: the names of the enumeration's type and of the constant, and the value that it has in the headers.
fn relocation(call: Value<'_>) -> Option<Relocation> {
    let [ty, name, compiled] = call.arguments()[..] else { return None };
    let ty = text(ty)?;
    // Of one that has only a typedef, or nothing, constants are found by their names alone.
    let enumeration = ty.strip_prefix("enum ").map_or("", |tag| kernel_name(tag.trim()));
    let constant = RelocatedMember {
        path: text(name)?,
        kind: MemberKind::Integer,
        bit_offset: 0,
        bits: 64,
        element_bits: 0,
        bits_into_word: 0,
    };
    let place = Place { keyword: Keyword::Enum, structure: enumeration.to_owned(), members: vec![constant] };
    let compiled = compiled.as_unsigned()?;
    Some(Relocation { kind: RelocationKind::Enumerator, place, compiled, guarded: false, sized: false })
}
