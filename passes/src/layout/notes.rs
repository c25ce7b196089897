// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a function or variable uses, noted in the module: it goes through LLVM's linker with what it is about.

use gpufas_abi::manifest::{Bits, Enumerator, Keyword, Member, Site, Structure};

use super::collect::{Collection, Uses};
use super::constants::{Constants, Mentions};
use super::places::Candidate;
use super::types::{Shape, TypeId};
use super::whole::keyword;
use crate::llvm::{Module, Value, debug};
use crate::relocate::OTHER_FORM;

/// Kind of the metadata.
const KIND: &str = "gpufas.uses";

/// What is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A structure of the kernel that is touched; it has no members here.
    Structure(Structure),
    /// A member of such a structure.
    Member(Structure, Member),
    /// A constant of an enumeration of the kernel's that it has in it.
    Enumerator(Enumerator),
    /// It is not known which constants it has in it.
    UnknownConstants,
    /// An LLVM structure type that no debug information describes, and where it is used.
    Unknown(String, Site),
    /// No debug information describes the function.
    Undescribed,
}

/// Notes what all functions and variables of a collection use. `module` is what was collected from.
pub fn write<'c>(module: &Module<'c>, collection: &Collection<'c>, mentions: Option<&Mentions>) {
    let constants = Constants::of(&collection.types);
    for (user, uses) in &collection.users {
        // What was noted in an earlier run was noted with more knowledge.
        if read(module, *user).is_none() {
            let mut found = notes(module, collection, uses);
            match mentions.map(|mentions| constants.mentioned(module, *user, mentions)) {
                Some(Some(mentioned)) => found.extend(mentioned.into_iter().map(Note::Enumerator)),
                Some(None) if user.is_function() => found.push(Note::UnknownConstants),
                _ => {}
            }
            let nodes: Vec<_> = found.iter().map(words).collect();
            user.set_text_attachment(module.context(), KIND, &nodes);
        }
    }
}

/// What is noted of a function or variable; none if it was never looked at.
pub fn read<'c>(module: &Module<'c>, user: Value<'c>) -> Option<Vec<Note>> {
    let nodes = user.text_attachment(module.context(), KIND)?;
    Some(nodes.iter().filter_map(|words| parse(words)).collect())
}

/// Removes what is noted.
pub fn erase<'c>(module: &Module<'c>, user: Value<'c>) {
    user.remove_attachment(module.context(), KIND);
}

fn notes<'c>(module: &Module<'c>, collection: &Collection<'c>, uses: &Uses<'c>) -> Vec<Note> {
    let mut found: Vec<Note> = Vec::new();
    let mut add = |note: Note| {
        if !found.contains(&note) {
            found.push(note);
        }
    };
    for &id in &uses.touched {
        structure(collection, id).map(Note::Structure).into_iter().for_each(&mut add);
    }
    for candidate in uses.accesses.iter().flat_map(|access| &access.members) {
        let root = candidate.root.and_then(|root| structure(collection, root));
        root.map(|root| Note::Member(root, member(collection, candidate))).into_iter().for_each(&mut add);
    }
    for (name, address) in &uses.unknown {
        add(Note::Unknown(name.clone(), debug::site(module.context(), *address)));
    }
    if uses.is_undescribed {
        add(Note::Undescribed);
    }
    found
}

/// A structure without its members, if it is the kernel's.
fn structure(collection: &Collection<'_>, id: TypeId) -> Option<Structure> {
    let ty = collection.types.get(id);
    let Shape::Record(record) = &ty.shape else { return None };
    let keyword = keyword(record);
    let members = Vec::new();
    // Another form of a structure (see relocate) is none that a kernel has.
    let is_form = ty.name.contains(OTHER_FORM);
    (record.is_kernels && !is_form).then(|| Structure {
        keyword,
        name: ty.name.clone(),
        size: ty.size,
        members,
    })
}

fn member(collection: &Collection<'_>, candidate: &Candidate) -> Member {
    let (offset, first) = (candidate.bit_offset / 8, candidate.bit_offset % 8);
    let (size, bits) = match candidate.bits {
        Some(count) => ((first + count).div_ceil(8), Some(Bits { first, count })),
        None => (candidate.size, None),
    };
    Member { path: candidate.path.clone(), ty: collection.types.text(candidate.ty), offset, size, bits }
}

fn words(note: &Note) -> Vec<String> {
    let of_structure = |structure: &Structure| {
        let keyword = match structure.keyword {
            Keyword::Struct => "struct",
            Keyword::Union => "union",
            Keyword::Typedef => "typedef",
            Keyword::Enum => "enum",
        };
        vec![keyword.to_owned(), structure.name.clone(), structure.size.to_string()]
    };
    match note {
        Note::Structure(structure) => of_structure(structure),
        Note::Member(structure, member) => {
            let mut words = of_structure(structure);
            words.extend([member.path.clone(), member.ty.clone()]);
            words.extend([member.offset, member.size].map(|number| number.to_string()));
            let bits = member.bits.into_iter().flat_map(|bits| [bits.first, bits.count]);
            words.extend(bits.map(|number| number.to_string()));
            words
        }
        Note::Unknown(name, site) => {
            let Site { file, line, column, function, .. } = site;
            ["unknown", name, file, &line.to_string(), &column.to_string(), function]
                .map(str::to_owned)
                .into()
        }
        Note::Enumerator(Enumerator { enumeration, name, value }) => {
            ["enumerator", enumeration, name, &value.to_string()].map(str::to_owned).into()
        }
        Note::UnknownConstants => vec!["unknown-constants".to_owned()],
        Note::Undescribed => vec!["undescribed".to_owned()],
    }
}

fn parse(words: &[String]) -> Option<Note> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let structure = |keyword: &str, name: &str, size: &str| {
        let keyword = match keyword {
            "struct" => Keyword::Struct,
            "union" => Keyword::Union,
            "typedef" => Keyword::Typedef,
            _ => return None,
        };
        Some(Structure { keyword, name: name.to_owned(), size: size.parse().ok()?, members: Vec::new() })
    };
    match *words.as_slice() {
        ["unknown", name, file, line, column, function] => {
            let (file, function) = (file.to_owned(), function.to_owned());
            let (line, column) = (line.parse().ok()?, column.parse().ok()?);
            Some(Note::Unknown(name.to_owned(), Site { file, line, column, function, ..Site::default() }))
        }
        ["enumerator", enumeration, name, value] => Some(Note::Enumerator(Enumerator {
            enumeration: enumeration.to_owned(),
            name: name.to_owned(),
            value: value.parse().ok()?,
        })),
        ["unknown-constants"] => Some(Note::UnknownConstants),
        ["undescribed"] => Some(Note::Undescribed),
        [keyword, name, size] => structure(keyword, name, size).map(Note::Structure),
        [keyword, name, total, path, ty, offset, size, ref bits @ ..] => {
            let bits = match *bits {
                [] => None,
                [first, count] => Some(Bits { first: first.parse().ok()?, count: count.parse().ok()? }),
                _ => return None,
            };
            let (path, ty) = (path.to_owned(), ty.to_owned());
            let member = Member { path, ty, offset: offset.parse().ok()?, size: size.parse().ok()?, bits };
            Some(Note::Member(structure(keyword, name, total)?, member))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back() {
        let structure = Structure { keyword: Keyword::Union, name: "u".into(), size: 8, members: Vec::new() };
        let member = |bits| Member { path: "a.b[0]".into(), ty: "int".into(), offset: 4, size: 2, bits };
        let site = Site { file: "a.c".into(), line: 7, column: 3, function: "f".into(), ..Site::default() };
        for note in [
            Note::Structure(structure.clone()),
            Note::Member(structure.clone(), member(None)),
            Note::Member(structure, member(Some(Bits { first: 3, count: 9 }))),
            Note::Unknown("struct.s".into(), site),
            Note::Enumerator(Enumerator { enumeration: "".into(), name: "A".into(), value: -1 }),
            Note::UnknownConstants,
            Note::Undescribed,
        ] {
            let written = words(&note);
            assert_eq!(parse(&written), Some(note));
            assert_eq!(
                parse(&written[..written.len() - 1].iter().map(|_| "x".to_owned()).collect::<Vec<_>>()),
                None
            );
        }
    }
}
