// SPDX-License-Identifier: MIT OR Apache-2.0

//! Types as C writes them.

use crate::btf::kind;
use crate::types::Types;

/// Most pointers, arrays and qualifiers in one type.
const MAX_DEPTH: u32 = 32;

/// What gcc calls basic types, and what C programmers write.
const BASIC_TYPES: &[(&str, &str)] = &[
    ("long unsigned int", "unsigned long"),
    ("long long unsigned int", "unsigned long long"),
    ("short unsigned int", "unsigned short"),
    ("long int", "long"),
    ("long long int", "long long"),
    ("short int", "short"),
    ("__int128 unsigned", "unsigned __int128"),
];

/// The name of a basic type, whoever made it.
pub(crate) fn basic_name(name: &str) -> &str {
    BASIC_TYPES.iter().find(|(gcc, _)| *gcc == name).map_or(name, |(_, usual)| usual)
}

impl Types {
    /// A type without the parameters of functions: `struct task_struct *`, `int (*)()`, `char[16]`.
    ///
    /// What is malformed is written as `?`.
    pub(crate) fn text(&self, id: u32) -> String {
        self.around(id, String::new(), MAX_DEPTH)
    }

    /// A type around what is declared to be of it.
    fn around(&self, id: u32, inner: String, depth: u32) -> String {
        let end = |name: &str| {
            let space = if inner.is_empty() || inner.starts_with('[') { "" } else { " " };
            format!("{name}{space}{inner}")
        };
        if id == 0 {
            return end("void");
        }
        let Some(depth) = depth.checked_sub(1) else { return end("?") };
        let Ok(record) = self.record(id) else { return end("?") };
        let name = self.btf.string(record.name).unwrap_or("?");
        let or_braces = if name.is_empty() { "{...}" } else { name };
        let kind_of =
            |id: u32| self.resolve(id).ok().and_then(|id| self.record(id).ok()).map(|record| record.kind);
        let target = record.size_or_type;
        match record.kind {
            kind::INT | kind::FLOAT => end(basic_name(name)),
            kind::PTR => match kind_of(target) {
                Some(kind::ARRAY | kind::FUNC_PROTO) => self.around(target, format!("(*{inner})"), depth),
                _ => self.around(target, format!("*{inner}"), depth),
            },
            kind::ARRAY => {
                let (element, count) = (record.word(0).unwrap_or(0), record.word(8).unwrap_or(0));
                let count = if count == 0 { String::new() } else { count.to_string() };
                self.around(element, format!("{inner}[{count}]"), depth)
            }
            kind::STRUCT => end(&format!("struct {or_braces}")),
            kind::UNION => end(&format!("union {or_braces}")),
            kind::FWD => end(&format!("{} {name}", if record.flag { "union" } else { "struct" })),
            kind::ENUM | kind::ENUM64 => end(&format!("enum {or_braces}")),
            kind::TYPEDEF => end(name),
            kind::CONST | kind::VOLATILE => {
                let qualifier = if record.kind == kind::CONST { "const" } else { "volatile" };
                match self.record(target).map(|record| record.kind) {
                    // The pointer itself is const, not what it points to.
                    Ok(kind::PTR) => {
                        let space = if inner.is_empty() { "" } else { " " };
                        self.around(target, format!("{qualifier}{space}{inner}"), depth)
                    }
                    _ => format!("{qualifier} {}", self.around(target, inner, depth)),
                }
            }
            kind::RESTRICT | kind::TYPE_TAG => self.around(target, inner, depth),
            kind::FUNC_PROTO => self.around(target, format!("{inner}()"), depth),
            _ => end("?"),
        }
    }
}
