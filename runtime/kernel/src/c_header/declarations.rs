// SPDX-License-Identifier: MIT OR Apache-2.0

//! Declarations: a type around what is declared to be of it.

use super::names::{identifier, is_basic};
use super::{Writer, malformed};
use crate::btf::kind;
use crate::error::Result;
use crate::type_text::basic_name;

/// Most pointers, arrays, functions and structures without a name in one declaration.
pub(super) const MAX_DEPTH: u32 = 64;

/// A text as a string literal of C.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => literal.extend(['\\', byte.into()]),
            b' '..=b'~' => literal.push(byte.into()),
            _ => literal.push_str(&format!("\\{byte:03o}")),
        }
    }
    literal.push('"');
    literal
}

fn join(prefix: &str, base: &str, inner: &str) -> String {
    let space = if inner.is_empty() || inner.starts_with('[') { "" } else { " " };
    format!("{prefix}{base}{space}{inner}")
}

/// One declaration.
pub(super) struct Declaration {
    pub(super) ty: u32,
    /// What is declared; empty in the parameters of functions.
    pub(super) name: String,
    /// Whether its outermost array, if it has no elements, is written as one of unknown length.
    pub(super) flexible: bool,
    /// How deep the line is indented.
    pub(super) indent: usize,
}

impl Writer<'_> {
    /// `struct NAME` and its like.
    pub(super) fn tagged_name(&self, id: u32) -> Result<String> {
        let record = self.types.record(id)?;
        let keyword = match record.kind {
            kind::STRUCT => "struct ",
            kind::UNION => "union ",
            kind::ENUM | kind::ENUM64 => "enum ",
            kind::FWD => {
                if record.flag {
                    "union "
                } else {
                    "struct "
                }
            }
            _ => "",
        };
        let name = self.names.of(id).ok_or(malformed("a type has no name"))?;
        Ok(format!("{keyword}{name}"))
    }

    /// Writes a declaration, without a semicolon.
    pub(super) fn declare(&mut self, declaration: Declaration, mut depth: u32) -> Result<String> {
        let Declaration { ty: mut id, name: mut inner, mut flexible, indent } = declaration;
        let mut prefix = String::new();
        loop {
            depth = depth.checked_sub(1).ok_or(malformed("a type contains itself"))?;
            if id == 0 {
                return Ok(join(&prefix, "void", &inner));
            }
            id = self.names.same(id);
            let record = self.types.record(id)?;
            let name = self.types.btf.string(record.name)?;
            let target = record.size_or_type;
            match record.kind {
                kind::INT | kind::FLOAT if is_basic(name) => {
                    return Ok(join(&prefix, basic_name(name), &inner));
                }
                kind::TYPEDEF if is_builtin(name) => return Ok(join(&prefix, name, &inner)),
                kind::INT | kind::FLOAT | kind::TYPEDEF | kind::FWD => {
                    return Ok(join(&prefix, &self.tagged_name(id)?, &inner));
                }
                kind::STRUCT | kind::UNION if name.is_empty() => {
                    let body = self.compound(id, None, indent, depth)?;
                    return Ok(join(&prefix, &body, &inner));
                }
                kind::ENUM | kind::ENUM64 if name.is_empty() => {
                    let text = self.nameless_enumeration(id, indent)?;
                    return Ok(join(&prefix, &text, &inner));
                }
                kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 => {
                    return Ok(join(&prefix, &self.tagged_name(id)?, &inner));
                }
                kind::PTR => {
                    let needs_parentheses =
                        matches!(self.behind(target, &QUALIFIERS)?, Some(kind::ARRAY | kind::FUNC_PROTO));
                    inner = if needs_parentheses { format!("(*{inner})") } else { format!("*{inner}") };
                    id = target;
                }
                kind::ARRAY => {
                    let count = record.word(8)?;
                    inner.push_str(&if count == 0 && flexible { "[]".into() } else { format!("[{count}]") });
                    id = record.word(0)?;
                }
                kind::FUNC_PROTO => {
                    let parameters: Vec<_> = record.elements().map(|[_, ty]| ty).collect();
                    inner.push_str(&self.parameters(&parameters, indent, depth)?);
                    id = target;
                }
                kind::CONST | kind::VOLATILE | kind::RESTRICT | kind::TYPE_TAG => {
                    let word = match record.kind {
                        kind::CONST => "const".to_owned(),
                        kind::VOLATILE => "volatile".to_owned(),
                        kind::RESTRICT => "__restrict".to_owned(),
                        // With the flag it is another attribute, which says nothing of the layout.
                        _ if record.flag => String::new(),
                        _ => format!("__gpufas_type_tag({})", literal(name)),
                    };
                    match self.behind(target, &QUALIFIERS_AND_ARRAYS)? {
                        _ if word.is_empty() => {}
                        // The pointer itself is const, not what it points to.
                        Some(kind::PTR) if inner.split(' ').next() == Some(word.as_str()) => {}
                        Some(kind::PTR) => inner = join("", &word, &inner),
                        // Functions have none.
                        Some(kind::FUNC_PROTO) => {}
                        _ if prefix.split(' ').any(|other| other == word) => {}
                        _ => prefix.push_str(&format!("{word} ")),
                    }
                    id = target;
                }
                _ => return Err(malformed("what is no type is used as one")),
            }
            flexible = false;
        }
    }

    fn parameters(&mut self, types: &[u32], indent: usize, depth: u32) -> Result<String> {
        let mut texts = Vec::new();
        for (number, &ty) in types.iter().enumerate() {
            texts.push(match ty {
                0 if number + 1 == types.len() => "...".to_owned(),
                _ => self.declare(Declaration { ty, name: String::new(), flexible: false, indent }, depth)?,
            });
            self.spend(texts[number].len())?;
        }
        Ok(match texts.as_slice() {
            [] => "(void)".to_owned(),
            // Nothing is known of them.
            [only] if only == "..." => "()".to_owned(),
            _ => format!("({})", texts.join(", ")),
        })
    }

    /// The kind of what is behind types of these kinds; none for `void`.
    fn behind(&self, mut id: u32, kinds: &[u32]) -> Result<Option<u32>> {
        for _ in 0..MAX_DEPTH {
            if id == 0 {
                return Ok(None);
            }
            let record = self.types.record(id)?;
            if !kinds.contains(&record.kind) {
                return Ok(Some(record.kind));
            }
            id = if record.kind == kind::ARRAY { record.word(0)? } else { record.size_or_type };
        }
        Err(malformed("a type contains itself"))
    }

    /// A name of the type table as an identifier.
    pub(super) fn identifier(&self, name: u32) -> Result<String> {
        Ok(identifier(self.types.btf.string(name)?))
    }
}

/// Whether every compiler has this typedef.
pub(super) fn is_builtin(name: &str) -> bool {
    name.starts_with("__builtin_")
}

const QUALIFIERS: [u32; 4] = [kind::CONST, kind::VOLATILE, kind::RESTRICT, kind::TYPE_TAG];
const QUALIFIERS_AND_ARRAYS: [u32; 5] =
    [kind::CONST, kind::VOLATILE, kind::RESTRICT, kind::TYPE_TAG, kind::ARRAY];
