// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names of types and constants, each once, as C needs them.

use std::collections::{HashMap, HashSet};

use crate::btf::kind;
use crate::error::Result;
use crate::types::Types;

/// Words that are no identifiers in the C of kernels, which is older than C23: there, `bool`, `true` and `false` are identifiers.
const KEYWORDS: &[&str] = &[
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "asm",
    "typeof",
    "_Alignas",
    "_Alignof",
    "_Atomic",
    "_Bool",
    "_Complex",
    "_Generic",
    "_Imaginary",
    "_Noreturn",
    "_Static_assert",
    "_Thread_local",
];

/// Words that basic types consist of.
const BASIC_WORDS: &[&str] = &[
    "char",
    "double",
    "float",
    "int",
    "long",
    "short",
    "signed",
    "unsigned",
    "_Bool",
    "_Complex",
    "_Float16",
    "__bf16",
    "__float128",
    "__int128",
];

/// The names under which types are written.
pub(super) struct Names {
    /// Of types that have one.
    types: HashMap<u32, String>,
    /// Of constants that are called otherwise than the type table says, by enumeration and number.
    constants: HashMap<(u32, u32), String>,
    /// For a declaration, the definition or the first declaration of the same structure or union.
    same: HashMap<u32, u32>,
}

/// One of C's name spaces.
#[derive(Default)]
struct Space {
    taken: HashSet<String>,
    counts: HashMap<String, u32>,
}

impl Space {
    /// The name itself, or with the first number that makes it unique, as `bpftool` does.
    fn unique(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let count = self.counts.entry(name.clone()).or_insert(1);
        loop {
            *count += 1;
            let numbered = format!("{name}___{count}");
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// A name of the type table as an identifier.
pub(super) fn identifier(name: &str) -> String {
    let mut text: String =
        name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    if text.starts_with(|char: char| char.is_ascii_digit()) {
        text.insert(0, '_');
    }
    if KEYWORDS.contains(&text.as_str()) {
        text.push('_');
    }
    text
}

/// Whether the compiler knows a basic type by this name.
pub(super) fn is_basic(name: &str) -> bool {
    !name.is_empty() && name.split(' ').all(|word| BASIC_WORDS.contains(&word))
}

impl Names {
    /// Names for all types; of those that are only referred to (if some are `listed`), the names that they have.
    pub(super) fn new(types: &Types, listed: Option<&HashSet<u32>>) -> Result<Self> {
        let mut names = Self { types: HashMap::new(), constants: HashMap::new(), same: HashMap::new() };
        let (mut tags, mut ordinary) = (Space::default(), Space::default());
        let mut known: HashMap<(u32, &str), u32> = HashMap::new();
        let mut enumerations = Vec::new();
        let mut declarations = Vec::new();
        let renames = |id: u32| listed.is_none_or(|listed| listed.contains(&id));
        for id in 1..=types.btf.len() {
            let record = types.record(id)?;
            let name = types.btf.string(record.name)?;
            let is_enumeration = matches!(record.kind, kind::ENUM | kind::ENUM64);
            if is_enumeration {
                // After the structures, which keep their names.
                enumerations.push((id, record, name));
                continue;
            }
            if name.is_empty() {
                continue;
            }
            let renames = renames(id);
            let name_in = |space: &mut Space| {
                let name = identifier(name);
                if renames { space.unique(name) } else { name }
            };
            let name_of = match record.kind {
                kind::STRUCT | kind::UNION => {
                    known.entry((record.kind, name)).or_insert(id);
                    name_in(&mut tags)
                }
                kind::FWD => {
                    let kind = if record.flag { kind::UNION } else { kind::STRUCT };
                    declarations.push((id, kind, name, renames));
                    continue;
                }
                kind::TYPEDEF => name_in(&mut ordinary),
                kind::INT | kind::FLOAT if !is_basic(name) => name_in(&mut ordinary),
                _ => continue,
            };
            names.types.insert(id, name_of);
        }
        for &(id, _, name) in enumerations.iter().filter(|(.., name)| !name.is_empty()) {
            let name = identifier(name);
            names.types.insert(id, if renames(id) { tags.unique(name) } else { name });
        }
        for (id, kind, name, renames) in declarations {
            let first = *known.entry((kind, name)).or_insert(id);
            names.same.insert(id, first);
            if first == id {
                let name = identifier(name);
                names.types.insert(id, if renames { tags.unique(name) } else { name });
            }
        }
        // After the types, which keep their names.
        for (id, record, _) in enumerations {
            for (number, constant) in types.constants(record).enumerate() {
                let name = constant?.name;
                let unique =
                    if listed.is_none() { ordinary.unique(identifier(name)) } else { identifier(name) };
                if unique != name {
                    names.constants.insert((id, number as u32), unique);
                }
            }
        }
        Ok(names)
    }

    /// The name of a type, if it has one.
    pub(super) fn of(&self, id: u32) -> Option<&str> {
        self.types.get(&self.same(id)).map(String::as_str)
    }

    /// The type that stands for all declarations of a structure or union.
    pub(super) fn same(&self, id: u32) -> u32 {
        self.same.get(&id).copied().unwrap_or(id)
    }

    /// The name of a constant.
    pub(super) fn constant(&self, id: u32, number: u32, name: &str) -> String {
        self.constants.get(&(id, number)).cloned().unwrap_or_else(|| name.to_owned())
    }
}
