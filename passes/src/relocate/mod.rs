// SPDX-License-Identifier: MIT OR Apache-2.0

//! relocate: offsets of members and sizes of structures of the kernel become loads from the relocation table, which the host
//! fills from the type information of the kernel that it meets, as BPF's CO-RE does.
//!
//! [`mark`] works on IR as clang emits it, where each access names its structure and member ([`crate::layout`]), and on each
//! module before modules are linked. After it, an address is the structure's own and a number from the table. What cannot be
//! written so (an element of an array of structures without a name, a local variable of the kernel's type, a copy of a whole
//! structure) stays as it is, and is noted with the function as something that must be on the target as it was when the
//! program was compiled ([`gpufas_abi::relocation::Relocatable`]), or as an error: nothing that depends on a layout is left out.
//!
//! [`run`] puts together what the functions note that the program's entry points reach; [`define_table`] works after
//! optimisation, when it is known which entries of the table are needed.

mod addresses;
mod differences;
mod enumerators;
mod existence;
mod notes;
mod reliance;
mod rewrite;
mod table;

use std::collections::HashMap;

use gpufas_abi::manifest::{Keyword, Site};
use gpufas_abi::relocation::{Relocatable, Relocation};

use crate::diagnostic::Diagnostic;
use crate::layout::{self, Record, Shape, TypeId, Types, reachable};
use crate::llvm::{Builder, Module, Value, debug};
use crate::program::Program;

use notes::Note;
use table::Relocations;
pub use table::define_table;

/// Name of the pass.
pub const NAME: &str = "relocate";

/// Name of the step that defines the table.
pub const TABLE_NAME: &str = "relocation-table";

/// What follows the kernel's name of a structure in the name of another form of it, which a program declares for kernels that
/// have other members (as libbpf has it).
pub const OTHER_FORM: &str = "___";

/// `u64 (const char *enumeration, const char *name, u64 compiled)`: the value of a constant on the kernel that the program meets
/// (runtime/include/gpufas/relocate.h).
pub const ENUMERATOR_VALUE: &str = "gpufas_enumerator_value";

/// Relocates all accesses of a module, but for those of functions that are relocated.
pub fn mark(module: &Module<'_>) {
    if table::is_marked(module) && layout::users(module).all(|user| notes::read(module, user).is_some()) {
        return;
    }
    let collection = layout::collect(module);
    let mut relocations = Relocations::new(module);
    let mut failed = existence::resolve(module, &collection, &mut relocations);
    enumerators::resolve(module, &mut relocations, &mut failed);
    for (user, uses) in &collection.users {
        if notes::read(module, *user).is_some() {
            continue;
        }
        let mut found = unknown(module, *user, uses);
        reliance::collect(module, &collection.types, *user, uses, &mut found);
        if user.is_function() {
            addresses::relocate(&collection.types, *user, uses, &mut relocations, &mut found);
            found.extend(failed.remove(user).unwrap_or_default());
        }
        notes::write(module, *user, &found);
    }
    relocations.write();
}

/// Without debug information nothing is known of what is accessed.
fn unknown<'c>(module: &Module<'c>, user: Value<'c>, uses: &layout::Uses<'c>) -> Vec<Note> {
    let refused = |site, what: String| {
        let message = format!(
            "no debug information describes {what}, so that nothing in it can be relocated; compile it from C with \
             gpufas-cc -c --relocatable"
        );
        Note::Refused(site, message)
    };
    let name = user.name();
    let whole = uses
        .is_undescribed
        .then(|| refused(Site { function: name.clone(), ..Site::default() }, format!("`{name}`")));
    let parts = uses
        .unknown
        .iter()
        .filter(|_| !uses.is_undescribed)
        .map(|(name, address)| refused(debug::site(module.context(), *address), format!("`{name}`")));
    whole.into_iter().chain(parts).collect()
}

/// Runs the pass, on what [`mark`] has made of the program's modules: fills what is left to the host, if it is anything.
pub fn run(module: &Module<'_>, program: &mut Program) {
    if !table::is_marked(module) {
        return;
    }
    let mut relocatable = Relocatable { table: table::read(module), ..Relocatable::default() };
    let (functions, variables) = reachable::reachable(module);
    for user in functions.into_iter().chain(variables) {
        let notes = notes::read(module, user);
        if notes.is_none() {
            program.diagnostics.push(not_relocated(user));
        }
        for note in notes.unwrap_or_default() {
            match note {
                Note::Place(place) if !relocatable.same_place.contains(&place) => {
                    relocatable.same_place.push(place);
                }
                Note::Size(size) if !relocatable.same_size.contains(&size) => {
                    relocatable.same_size.push(size);
                }
                Note::Place(_) | Note::Size(_) => {}
                Note::Refused(site, message) => {
                    program.diagnostics.push(Diagnostic::error(NAME, site, message));
                }
            }
        }
    }
    relocatable.same_size.sort();
    layout::users(module).for_each(|user| notes::erase(module, user));
    program.relocatable = Some(relocatable);
}

/// The error for what has the offsets of its headers in it, in a program whose other parts look them up.
fn not_relocated(user: Value<'_>) -> Diagnostic {
    let name = user.name();
    let message = format!(
        "`{name}` was compiled without --relocatable, and other parts of the program with it: on another kernel it would go wrong"
    );
    let function = if user.is_function() { name } else { String::new() };
    Diagnostic::error(NAME, Site { function, ..Site::default() }, message).with_help(
        "give --relocatable to each gpufas-cc that takes part, and to none if the program is for one kernel",
    )
}

/// The calls of a function that stands for something.
fn calls_of<'c>(module: &Module<'c>, name: &str) -> Vec<Value<'c>> {
    module.function(name).map(Value::calls).unwrap_or_default()
}

/// Puts what is known of a question to the kernel in the place of the call that asks it; where nothing is, `mistake` says what the
/// call must be like, in what has `failed` of its function.
fn answer<'c>(
    module: &Module<'c>,
    relocations: &mut Relocations<'_, 'c>,
    failed: &mut HashMap<Value<'c>, Vec<Note>>,
    call: Value<'c>,
    relocation: Option<Relocation>,
    mistake: &str,
) {
    let Some(function) = call.function() else { return };
    let value = match relocation {
        Some(relocation) => relocations.load(function, relocation),
        None => {
            let site = debug::site(module.context(), call);
            failed.entry(function).or_default().push(Note::Refused(site, mistake.into()));
            call.ty().zero()
        }
    };
    let builder = Builder::before(module.context(), call);
    call.replace_all_uses_with(builder.convert(value, call.ty()));
    call.erase();
}

/// How the kernel's type information calls a structure.
fn kernel_name(name: &str) -> &str {
    name.split_once(OTHER_FORM).map_or(name, |(name, _)| name)
}

/// Keyword and name of a structure or union of the kernel's; none for others.
fn kernels_structure<'a>(types: &'a Types<'_>, id: TypeId) -> Option<(Keyword, &'a str)> {
    let ty = types.get(id);
    let Shape::Record(record) = &ty.shape else { return None };
    (record.is_kernels && !ty.name.is_empty()).then(|| (keyword(record), kernel_name(&ty.name)))
}

fn keyword(record: &Record) -> Keyword {
    match record {
        Record { is_typedef: true, .. } => Keyword::Typedef,
        Record { is_union: true, .. } => Keyword::Union,
        _ => Keyword::Struct,
    }
}
