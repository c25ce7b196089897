// SPDX-License-Identifier: MIT OR Apache-2.0

//! gpufas_field_exists() (runtime/include/gpufas/relocate.h): whether the kernel that the program meets has a member.

use std::collections::HashMap;

use gpufas_abi::relocation::{Relocation, RelocationKind};

use super::notes::Note;
use super::table::{Relocations, place};
use crate::layout::Collection;
use crate::llvm::{Builder, Module, Value, debug};

/// `bool (const volatile void *member)`, called with the address of a member of [`ANY_OBJECT`].
const EXISTS: &str = "gpufas_member_exists";

/// `void *(void)`: the address of an object of whatever type is needed, which is not used.
const ANY_OBJECT: &str = "gpufas_any_object";

/// Replaces the calls; returns what is wrong with some, by function.
pub fn resolve<'c>(
    module: &Module<'c>,
    collection: &Collection<'c>,
    relocations: &mut Relocations<'_, 'c>,
) -> HashMap<Value<'c>, Vec<Note>> {
    let mut failed: HashMap<Value<'c>, Vec<Note>> = HashMap::new();
    for call in calls_of(module, EXISTS) {
        let (Some(function), Some(&address)) = (call.function(), call.arguments().first()) else { continue };
        let mut accesses = collection.users.iter().flat_map(|(_, uses)| &uses.accesses);
        let access = accesses.find(|access| access.address == address);
        let value = match access.and_then(|access| place(&collection.types, &access.members)) {
            Some(place) => {
                let kind = RelocationKind::Exists;
                relocations.load(function, Relocation { kind, place, compiled: 1, guarded: false })
            }
            None => {
                let message = "gpufas_field_exists() asks for a member of a structure of the kernel's";
                let site = debug::site(module.context(), call);
                failed.entry(function).or_default().push(Note::Refused(site, message.into()));
                call.ty().zero()
            }
        };
        let builder = Builder::before(module.context(), call);
        call.replace_all_uses_with(builder.convert(value, call.ty()));
        call.erase();
    }
    for call in calls_of(module, ANY_OBJECT) {
        call.replace_all_uses_with(call.ty().poison());
        call.erase();
    }
    failed
}

fn calls_of<'c>(module: &Module<'c>, name: &str) -> Vec<Value<'c>> {
    let Some(function) = module.function(name) else { return Vec::new() };
    function.users().into_iter().filter(|user| user.callee() == Some(function)).collect()
}
