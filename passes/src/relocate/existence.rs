// SPDX-License-Identifier: MIT OR Apache-2.0

//! gpufas_field_exists() and gpufas_field_size() (runtime/include/gpufas/relocate.h): whether the kernel that the program meets has a
//! member, and how large it is.

use std::collections::HashMap;

use gpufas_abi::relocation::{Relocation, RelocationKind};

use super::notes::Note;
use super::table::{Relocations, place};
use super::{answer, calls_of};
use crate::layout::Collection;
use crate::llvm::{Module, Value};

/// `bool (const volatile void *member)`, called with the address of a member of [`ANY_OBJECT`].
const EXISTS: &str = "gpufas_member_exists";

/// `u64 (const volatile void *member)`, called with the same.
const SIZE: &str = "gpufas_member_size";

/// `void *(void)`: the address of an object of whatever type is needed, which is not used.
const ANY_OBJECT: &str = "gpufas_any_object";

/// Replaces the calls; returns what is wrong with some, by function.
pub fn resolve<'c>(
    module: &Module<'c>,
    collection: &Collection<'c>,
    relocations: &mut Relocations<'_, 'c>,
) -> HashMap<Value<'c>, Vec<Note>> {
    let mut failed: HashMap<Value<'c>, Vec<Note>> = HashMap::new();
    let questions = [EXISTS, SIZE]
        .into_iter()
        .flat_map(|name| calls_of(module, name).into_iter().map(move |call| (name, call)));
    for (question, call) in questions {
        let Some(&address) = call.arguments().first() else { continue };
        let mut accesses = collection.users.iter().flat_map(|(_, uses)| &uses.accesses);
        let members = accesses.find(|access| access.address == address).map(|access| &access.members);
        let relocation = members.and_then(|members| {
            let (kind, compiled) = match question {
                EXISTS => (RelocationKind::Exists, 1),
                _ => (RelocationKind::MemberSize, members.first()?.size),
            };
            let place = place(&collection.types, members)?;
            Some(Relocation { kind, place, compiled, guarded: false, sized: false })
        });
        let mistake =
            "gpufas_field_exists() and gpufas_field_size() ask for a member of a structure of the kernel's";
        answer(module, relocations, &mut failed, call, relocation, mistake);
    }
    for call in calls_of(module, ANY_OBJECT) {
        call.replace_all_uses_with(call.ty().poison());
        call.erase();
    }
    failed
}
