// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel's types as a C header: from the type table to text, with nothing but the table to go by.
//!
//! BTF says where members lie, but neither which structures are packed nor how they are aligned; [`shapes`] finds attributes with
//! which a compiler for x86-64 (System V ABI) comes to the same layout. [`order`] brings the definitions into an order in which each
//! finds what it needs, [`names`] gives types of the same name different ones, [`declarations`] and [`definitions`] write C.

mod declarations;
mod definitions;
mod members;
mod names;
mod order;
mod shapes;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use crate::btf::kind;
use crate::error::{Error, Result};
use crate::types::Types;
use names::Names;
use order::Step;
use shapes::Shape;

/// Most bytes of C that are written, those of structures inside one another counted each time. Real kernels need some 10 MiB.
const LARGEST: usize = 1 << 26;

/// What stands before the types.
const MACROS: &str = "\
#ifndef __gpufas_kernel_type
#if defined(__clang__)
/* gpufas-cc compares the layout of such types with the kernel's. */
#define __gpufas_kernel_type __attribute__((btf_decl_tag(\"gpufas:kernel\")))
#define __gpufas_decl_tag(text) __attribute__((btf_decl_tag(text)))
#define __gpufas_type_tag(text) __attribute__((btf_type_tag(text)))
#else
#define __gpufas_kernel_type
#define __gpufas_decl_tag(text)
#define __gpufas_type_tag(text)
#endif
#endif

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored \"-Wgnu-variable-sized-type-not-at-end\"
#endif
";

/// What stands after the types.
const END: &str = "\
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
";

/// The state of writing.
struct Writer<'a> {
    types: &'a Types,
    names: Names,
    /// What is known of structures and unions so far.
    shapes: RefCell<HashMap<u32, Shape>>,
    /// Tags of types (component `u32::MAX`) and of their members (by number): offsets of their texts in the strings.
    tags: HashMap<(u32, u32), Vec<u32>>,
    /// Whether the table tells enumerations with negative constants from others, which tables of before 2022 do not.
    knows_signs: bool,
    /// Enumerations whose constants are written.
    enumerations: HashSet<u32>,
    /// How much more may be written.
    budget: usize,
}

fn malformed(what: &'static str) -> Error {
    Error::MalformedTypes { offset: 0, what }
}

impl Types {
    /// All types as a C header for x86-64; `source` says in a comment where they come from.
    ///
    /// If types are named (`rq`, `struct rq`, `u64`), only these are defined. Structures and unions that they refer to by pointers
    /// are declared, and everything else that they need is taken to be declared before the header is included; a comment lists it.
    ///
    /// # Errors
    /// [`Error::NoType`] for a name that is not there; [`Error::MalformedTypes`] for types that C cannot express, such as a structure
    /// that contains itself or has members that overlap.
    pub fn c_header(&self, source: &str, named: &[String]) -> Result<String> {
        let listed = named.iter().map(|name| self.meant_by(name)).collect::<Result<Vec<_>>>()?.concat();
        let all = named.is_empty();
        let set = (!all).then(|| listed.iter().copied().collect());
        let names = Names::new(self, set.as_ref())?;
        let mut writer = Writer::new(self, names);
        let order = order::find(&writer, (!all).then_some(listed.as_slice()))?;
        let mut body = String::new();
        for step in &order.steps {
            writer.write(*step, &mut body)?;
        }
        if all {
            // Those that no type refers to: their constants are of use alone.
            for id in 1..=self.btf.len() {
                if writer.is_nameless_enumeration(id) && !writer.enumerations.contains(&id) {
                    body.push_str(&writer.definition(id)?);
                    body.push('\n');
                }
            }
        } else {
            writer.assert_sizes(&order.steps, &mut body)?;
        }
        Ok(frame(source, named, &order.taken, &body))
    }

    /// The types that a name of `--type` means.
    fn meant_by(&self, name: &str) -> Result<Vec<u32>> {
        let (keyword, bare) = name.split_once(' ').unwrap_or(("", name));
        let kinds: &[&[u32]] = match keyword {
            "struct" => &[&[kind::STRUCT]],
            "union" => &[&[kind::UNION]],
            "enum" => &[&[kind::ENUM, kind::ENUM64]],
            _ => &[&[kind::STRUCT, kind::UNION], &[kind::ENUM, kind::ENUM64], &[kind::TYPEDEF]],
        };
        let bare = bare.trim();
        let mut found = kinds.iter().map(|kinds| self.of_kinds(bare, kinds).collect::<Vec<_>>());
        let found = found.find(|ids| !ids.is_empty());
        found.ok_or_else(|| Error::NoType { name: name.into() })
    }
}

impl<'a> Writer<'a> {
    fn new(types: &'a Types, names: Names) -> Self {
        let (mut tags, mut knows_signs) = (HashMap::<_, Vec<_>>::new(), false);
        for record in (1..=types.btf.len()).filter_map(|id| types.btf.record(id)) {
            match record.kind {
                // With the flag it is another attribute, which says nothing of the layout.
                kind::DECL_TAG if !record.flag => {
                    let component = record.word(0).unwrap_or(u32::MAX);
                    tags.entry((record.size_or_type, component)).or_default().push(record.name);
                }
                kind::ENUM => knows_signs |= record.flag,
                _ => {}
            }
        }
        Self {
            types,
            names,
            shapes: RefCell::default(),
            tags,
            knows_signs,
            enumerations: HashSet::new(),
            budget: LARGEST,
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<()> {
        self.budget =
            self.budget.checked_sub(bytes).ok_or(malformed("structures repeat one another without end"))?;
        Ok(())
    }

    fn is_nameless_enumeration(&self, id: u32) -> bool {
        let record = self.types.btf.record(id);
        record.is_some_and(|record| record.name == 0 && matches!(record.kind, kind::ENUM | kind::ENUM64))
    }

    /// Writes one step, with an empty line after a definition, if the step needs text at all.
    fn write(&mut self, step: Step, body: &mut String) -> Result<()> {
        let text = match step {
            Step::Declare(id) => format!("{};\n", self.tagged_name(id)?),
            Step::Define(id) => self.definition(id)?,
        };
        self.spend(text.len())?;
        if matches!(step, Step::Define(_)) && !text.is_empty() {
            // Declarations stand together.
            if body.ends_with(";\n") {
                body.push('\n');
            }
            body.push_str(&text);
            body.push('\n');
        } else {
            body.push_str(&text);
        }
        Ok(())
    }

    /// Beside other headers, sizes depend on what these declare: they are checked where the header is compiled.
    fn assert_sizes(&self, steps: &[Step], body: &mut String) -> Result<()> {
        for step in steps {
            let Step::Define(id) = *step else { continue };
            let record = self.types.record(id)?;
            if matches!(record.kind, kind::STRUCT | kind::UNION) {
                let name = self.tagged_name(id)?;
                let size = record.size_or_type;
                writeln!(
                    body,
                    "_Static_assert(sizeof({name}) == {size}, \"{name} is not as in the kernel\");"
                )
                .expect("a String takes everything");
            }
        }
        Ok(())
    }
}

/// The header around the types.
fn frame(source: &str, named: &[String], taken: &BTreeSet<String>, body: &str) -> String {
    let in_comment = |text: &str| text.replace("*/", "* /").replace(char::is_control, " ");
    let mut guard = String::from("GPUFAS_KERNEL_TYPES");
    for name in named {
        guard.push('_');
        guard.extend(name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }));
    }
    let what = if named.is_empty() { "All types" } else { "Types" };
    let mut text = format!(
        "/* SPDX-License-Identifier: GPL-2.0 */\n/* {what} of the kernel whose type information (BTF) is {}; \
         made by gpufas-cc --emit header. */\n",
        in_comment(source)
    );
    if !taken.is_empty() {
        text.push_str("/*\n * Include headers before this one that define:\n");
        for name in taken {
            text.push_str(&format!(" *   {}\n", in_comment(name)));
        }
        text.push_str(" */\n");
    }
    format!(
        "{text}#ifndef {guard}\n#define {guard}\n\n{MACROS}\n{}\n\n{END}\n#endif /* {guard} */\n",
        body.trim_end()
    )
}

#[cfg(test)]
#[path = "../c_header_tests.rs"]
mod tests;
