// SPDX-License-Identifier: MIT OR Apache-2.0

//! layout: which structures and unions of the kernel a program touches, and which of their members it uses.
//!
//! The machine code of a program has the offsets that its headers said. Whether the kernel agrees is known from its own type
//! information (BTF), with which the compiler and the loader compare what is collected here. So that nothing is missed, it is
//! collected first of all: in IR as clang emits it, each member access is a `getelementptr` on the structure's type, and debug
//! information has names, types, offsets and sizes. `offsetof()` is one, too (runtime/include/gpufas/layout.h), so that
//! `container_of()` counts.
//!
//! LLVM's linker makes one type of structures that look alike. So what a function uses is noted with it before
//! ([`mark`], for each module), and [`run`] puts together what the functions note that the program's entry points reach.
//!
//! For passes that change accesses, [`collect()`] gives each of them ([`Access`]) with the address that is computed, the address
//! of the structure and the member: a path of names from a structure that has one, with offset and size. What is not certain
//! from the IR alone (members of unions, rarely a bit-field) has several possible members; all of them count as used.
//!
//! Constants of enumerations are numbers in IR. Where the front end says which names each definition mentions ([`Mentions`]),
//! those of the kernel's enumerations are noted, too.
//!
//! Left out are structures that are the program's own: those whose definition is in none of the folders of
//! [`HEADERS_METADATA`](crate::marker::HEADERS_METADATA), but for those with the annotation [`KERNEL_TYPE_TAG`]. Offsets that
//! became part of constants before there was IR (`offsetof()` in the initial value of a variable) are not seen.

mod bit_fields;
mod collect;
mod constants;
mod notes;
mod places;
pub(crate) mod reachable;
mod types;
mod whole;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use gpufas_abi::manifest::{Bits, Enumerator, Keyword, Member, Site, Structure};

use crate::diagnostic::{Diagnostic, Remark};
use crate::llvm::{Module, Value, debug};
use crate::program::Program;
use crate::warning::Warning;

pub use collect::{Collection, Uses, collect};
pub use constants::Mentions;
pub use places::{Access, Candidate};
pub use types::{Enumeration, KERNEL_TYPE_TAG, Record, Shape, Type, TypeId, Types};

pub use whole::{all_enumerators, all_structures};

use notes::Note;

/// Name of the pass.
pub const NAME: &str = "layout";

/// Named metadata in which the pass says what it found, for tests and for `opt`.
pub const METADATA: &str = "gpufas.layout";

/// Notes with each function and variable of a module what it uses of structures of the kernel, and, if it is known what the source
/// mentions, of its enumerations. After that, debug information of types is not needed.
pub fn mark(module: &Module<'_>, mentions: Option<&Mentions>) {
    if users(module).any(|user| notes::read(module, user).is_none()) {
        notes::write(module, &collect(module), mentions);
    }
}

/// What notes are taken of.
pub(crate) fn users<'c>(module: &Module<'c>) -> impl Iterator<Item = Value<'c>> {
    let variables = module.globals().into_iter().filter(|variable| variable.initializer().is_some());
    module.defined_functions().into_iter().chain(variables)
}

/// Runs the pass: fills the program's structures and enumerators.
pub fn run(module: &Module<'_>, program: &mut Program) {
    mark(module, None);
    let (functions, variables) = reachable::reachable(module);
    let reached: Vec<_> = functions
        .into_iter()
        .chain(variables)
        .map(|user| (user, notes::read(module, user).unwrap_or_default()))
        .collect();
    program.structures = structures(&reached);
    program.enumerators = enumerators(&reached);
    program.diagnostics.extend(warnings(&reached));
    remarks(&reached, program);
    for structure in &program.structures {
        let mut words = vec![text_of_structure(structure)];
        words.extend(structure.members.iter().map(text_of_member));
        module.add_text_metadata(METADATA, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for Enumerator { enumeration, name, value } in &program.enumerators {
        let keyword = if enumeration.is_empty() { "" } else { "enum " };
        let text = format!("{keyword}{enumeration} {name} = {value}");
        module.add_text_metadata(METADATA, &[text.trim_start()]);
    }
    users(module).for_each(|user| notes::erase(module, user));
}

/// Says of each function what it uses of the kernel's types.
fn remarks(users: &[(Value<'_>, Vec<Note>)], program: &mut Program) {
    if !program.wants_remarks(NAME) {
        return;
    }
    for (user, notes) in users.iter().filter(|(user, _)| user.is_function()) {
        for structure in structures(&[(*user, notes.clone())]) {
            program.remark(Remark::Analysis, NAME, || {
                let members: Vec<_> =
                    structure.members.iter().map(|member| format!("`{}`", member.path)).collect();
                let members = if members.is_empty() { "its size".to_owned() } else { members.join(", ") };
                let message = format!("`{}` uses {members} of `{}`", user.name(), title(&structure));
                (debug::function_site(*user), message)
            });
        }
        let constants = notes.iter().filter_map(|note| match note {
            Note::Enumerator(constant) => Some(format!("`{}`", constant.name)),
            _ => None,
        });
        let constants: Vec<_> = constants.collect();
        if !constants.is_empty() {
            program.remark(Remark::Analysis, NAME, || {
                let message = format!("`{}` mentions the constants {}", user.name(), constants.join(", "));
                (debug::function_site(*user), message)
            });
        }
    }
}

/// The constants of enumerations that are used, sorted.
fn enumerators(users: &[(Value<'_>, Vec<Note>)]) -> Vec<Enumerator> {
    let notes = users.iter().flat_map(|(_, notes)| notes);
    let found: BTreeSet<_> = notes
        .filter_map(|note| match note {
            Note::Enumerator(constant) => Some(constant.clone()),
            _ => None,
        })
        .collect();
    found.into_iter().collect()
}

/// The structures that are touched, each with the members that are used, sorted.
fn structures(users: &[(Value<'_>, Vec<Note>)]) -> Vec<Structure> {
    // Two structures of one name can have different sizes, in modules that were compiled differently.
    let mut found: BTreeMap<(String, Keyword, u64), Vec<Member>> = BTreeMap::new();
    for note in users.iter().flat_map(|(_, notes)| notes) {
        let (structure, member) = match note {
            Note::Structure(structure) => (structure, None),
            Note::Member(structure, member) => (structure, Some(member)),
            _ => continue,
        };
        let members = found.entry((structure.name.clone(), structure.keyword, structure.size)).or_default();
        if let Some(member) = member.filter(|member| !members.contains(member)) {
            members.push(member.clone());
        }
    }
    let sorted = found.into_iter().map(|((name, keyword, size), mut members)| {
        members.sort_by(|one, other| {
            (one.offset, one.bits, &one.path).cmp(&(other.offset, other.bits, &other.path))
        });
        Structure { keyword, name, size, members }
    });
    sorted.collect()
}

/// What cannot be checked.
fn warnings(users: &[(Value<'_>, Vec<Note>)]) -> Vec<Diagnostic> {
    const HELP: &str =
        "compile it from C with gpufas-cc -c, or with clang -g -O2 -Xclang -disable-llvm-passes";
    let warning = |site, message| Diagnostic::warning(Warning::UncheckedLayout, NAME, site, message);
    let mut found = Vec::new();
    let undescribed: Vec<_> = users
        .iter()
        .filter(|(_, notes)| notes.contains(&Note::Undescribed))
        .map(|(user, _)| user.name())
        .collect();
    if let Some((first, others)) = undescribed.split_first() {
        let others = match others.len() {
            0 => String::new(),
            1 => " and another function".to_owned(),
            count => format!(" and {count} other functions"),
        };
        let message = format!(
            "no debug information describes `{first}`{others}: the layout of what is used there is not checked"
        );
        found.push(warning(Site { function: first.clone(), ..Site::default() }, message));
    }
    let is_unknown = |(_, notes): &&(Value<'_>, Vec<Note>)| notes.contains(&Note::UnknownConstants);
    if let Some((user, _)) = users.iter().find(is_unknown) {
        let function = user.name();
        let message = format!(
            "the text of `{function}` is not found, so the constants of enumerations in it are not checked"
        );
        found.push(warning(Site { function, ..Site::default() }, message));
    }
    let mut seen = HashSet::new();
    for notes in users.iter().map(|(_, notes)| notes).filter(|notes| !notes.contains(&Note::Undescribed)) {
        for note in notes {
            if let Note::Unknown(name, site) = note
                && seen.insert(name)
            {
                let message = format!("no debug information describes `{name}`: its layout is not checked");
                found.push(warning(site.clone(), message));
            }
        }
    }
    found.into_iter().map(|warning| warning.with_help(HELP)).collect()
}

/// `struct task_struct: 9792 bytes`.
fn text_of_structure(structure: &Structure) -> String {
    format!("{}: {} bytes", title(structure), structure.size)
}

/// `struct task_struct`.
fn title(structure: &Structure) -> String {
    let keyword = match structure.keyword {
        Keyword::Struct => "struct ",
        Keyword::Union => "union ",
        Keyword::Typedef => "",
        Keyword::Enum => "enum ",
    };
    format!("{keyword}{}", structure.name)
}

/// `2192 16 tasks: struct list_head`, for a bit-field `72:3 1 in_execve: unsigned int`.
fn text_of_member(member: &Member) -> String {
    let Member { path, ty, offset, size, bits } = member;
    match bits {
        Some(Bits { first, count }) => format!("{offset}:{first} {count} {path}: {ty}"),
        None => format!("{offset} {size} {path}: {ty}"),
    }
}
