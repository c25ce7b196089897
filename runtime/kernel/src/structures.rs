// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether structures are in a kernel what somebody was compiled for.

use std::fmt;

use crate::btf::kind;
use crate::budget::{Budget, MAX_STEPS};
use crate::error::{Error, Result};
use crate::type_text::basic_name;
use crate::types::{Bits, Field, Types};

/// What it costs of a [`Budget`] to write down a member and its type, beside looking for it.
const STEPS_PER_ROW: u32 = 64;

/// What the name of a structure or union is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `struct NAME`.
    Struct,
    /// `union NAME`.
    Union,
    /// The typedef of a structure or union that has no tag.
    Typedef,
}

/// A structure or union as somebody expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// What its name is.
    pub tag: Tag,
    /// Its name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Its members, or those that count.
    pub members: Vec<Member>,
}

/// A member as somebody expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it is, as [`Types::offset_of`] takes it.
    pub path: String,
    /// Its type as C writes it, for people.
    pub ty: String,
    /// Where it lies.
    pub field: Field,
}

/// What a [`Member`] is: path, type, offset, size, and if it is a bit-field first bit and number of bits.
pub type MemberParts<'a> = (&'a str, &'a str, u64, u64, Option<(u64, u64)>);

impl Structure {
    /// A structure that is named as C does it: `struct NAME`, `union NAME`, or by its typedef.
    fn new<'a>(title: &str, size: u64, members: impl Iterator<Item = MemberParts<'a>>) -> Self {
        let (tag, name) = match title.split_once(' ') {
            Some(("struct", name)) => (Tag::Struct, name),
            Some(("union", name)) => (Tag::Union, name),
            _ => (Tag::Typedef, title),
        };
        Self { tag, name: name.into(), size, members: members.map(Member::new).collect() }
    }

    fn title(&self) -> String {
        let keyword = match self.tag {
            Tag::Struct => "struct ",
            Tag::Union => "union ",
            Tag::Typedef => "",
        };
        format!("{keyword}{}", self.name)
    }
}

impl Member {
    fn new((path, ty, offset, size, bits): MemberParts<'_>) -> Self {
        // No kernel has what is beyond any field.
        let narrow = |bit: u64| u32::try_from(bit).unwrap_or(u32::MAX);
        let bits = bits.map(|(first, count)| Bits { first: narrow(first), count: narrow(count) });
        Self { path: path.into(), ty: ty.into(), field: Field { offset, size, bits } }
    }
}

/// What became of comparing the structures of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StructureComparison {
    /// How many were compared.
    pub compared: usize,
    /// Those that the kernel's type information does not have, as in `struct task_struct`.
    pub absent: Vec<String>,
    /// Those that differ.
    pub different: Vec<Difference>,
}

impl StructureComparison {
    /// The names of those that differ, as messages have them.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.different.iter().map(Difference::title).collect();
        names.join(", ")
    }

    /// Tables with both layouts of each that differs; each begins with an end of line.
    pub fn tables(&self) -> String {
        let tables: String = self.different.iter().map(|difference| format!("\n{difference}")).collect();
        tables.trim_end().to_owned()
    }
}

/// What became of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Comparison {
    /// The kernel's structure is as expected.
    Same,
    /// The kernel's type information has no structure of this name, or says nothing of its members.
    Absent,
    /// It is another one.
    Different(Difference),
}

/// Two layouts of a structure, of which one is the kernel's. Its text shows them side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    title: String,
    sizes: (u64, u64),
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    expected: Member,
    /// The kernel's; none if there is none.
    found: Option<(Field, String)>,
}

impl Row {
    fn differs(&self) -> bool {
        self.found
            .as_ref()
            .is_none_or(|(field, ty)| *field != self.expected.field || !are_alike(&self.expected.ty, ty))
    }
}

impl Types {
    /// Compares structures with the kernel's. Each is given by its name as C writes it (`struct NAME`, `union NAME`, or that of a
    /// typedef), its size and its members, or those that count.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`].
    pub fn compare_structures<'a, M: Iterator<Item = MemberParts<'a>>>(
        &self,
        expected: impl Iterator<Item = (String, u64, M)>,
    ) -> Result<StructureComparison> {
        let mut comparison = StructureComparison::default();
        let mut budget = Budget::new(MAX_STEPS);
        for (title, size, members) in expected {
            let structure = Structure::new(&title, size, members);
            budget.add_members(structure.members.len());
            match self.compare(&structure, &mut budget)? {
                Comparison::Same => comparison.compared += 1,
                Comparison::Absent => comparison.absent.push(title),
                Comparison::Different(difference) => {
                    comparison.compared += 1;
                    comparison.different.push(difference);
                }
            }
        }
        Ok(comparison)
    }

    /// Compares a structure with the kernel's of that name; if there are several, with the one that is most like it. All
    /// structures of a program share one `budget`.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`].
    fn compare(&self, expected: &Structure, budget: &mut Budget) -> Result<Comparison> {
        let mut best: Option<Difference> = None;
        let kinds: &[u32] = match expected.tag {
            Tag::Struct => &[kind::STRUCT],
            Tag::Union => &[kind::UNION],
            Tag::Typedef => &[kind::TYPEDEF],
        };
        let mut candidates: Vec<_> = self.of_kinds(&expected.name, kinds).collect();
        if candidates.is_empty()
            && let Some(bare) = without_number(&expected.name)
        {
            candidates.extend(self.of_kinds(bare, kinds));
        }
        for id in candidates {
            let target = self.record(self.resolve(id)?)?;
            budget.take(1, target.offset)?;
            if !matches!(target.kind, kind::STRUCT | kind::UNION) {
                continue;
            }
            // gcc says nothing of the members of a transparent union.
            let is_empty = target.elements::<3>().next().is_none();
            if target.kind == kind::UNION && is_empty && !expected.members.is_empty() {
                continue;
            }
            let difference = self.difference(id, expected, budget)?;
            if difference.count() == 0 {
                return Ok(Comparison::Same);
            }
            if best.as_ref().is_none_or(|best| difference.count() < best.count()) {
                best = Some(difference);
            }
        }
        Ok(best.map_or(Comparison::Absent, Comparison::Different))
    }

    fn difference(&self, id: u32, expected: &Structure, budget: &mut Budget) -> Result<Difference> {
        let offset = self.record(id)?.offset;
        let size = self.size_of_id(&expected.name, id, 1)?;
        let mut rows = Vec::new();
        for member in &expected.members {
            budget.take(STEPS_PER_ROW, offset)?;
            let found = match self.locate(&expected.name, id, &member.path, budget) {
                Ok((field, ty)) => Some((field, self.text(ty))),
                Err(error @ (Error::MalformedTypes { .. } | Error::UnknownKind { .. })) => return Err(error),
                // It is not there, or something else.
                Err(_) => None,
            };
            rows.push(Row { expected: member.clone(), found });
        }
        Ok(Difference { title: expected.title(), sizes: (expected.size, size), rows })
    }
}

impl Difference {
    /// How much differs: members, and the size.
    pub fn count(&self) -> usize {
        self.rows.iter().filter(|row| row.differs()).count() + usize::from(self.sizes.0 != self.sizes.1)
    }

    /// The structure, as in `struct task_struct`.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// Offset and size as a table has them: `2192 16`, for a bit-field `72:3 1 bit`.
fn position(field: &Field) -> (String, String) {
    match field.bits {
        Some(Bits { first, count }) => {
            (format!("{}:{first}", field.offset), format!("{count} bit{}", if count == 1 { "" } else { "s" }))
        }
        None => (field.offset.to_string(), field.size.to_string()),
    }
}

impl fmt::Display for Difference {
    /// A table: what was compiled on the left, what the kernel has on the right, and what differs marked.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let declaration = |ty: &str, path: &str| match ty.split_once('[') {
            Some((element, rest)) if !ty.contains('(') => format!("{element} {path}[{rest}"),
            _ if ty.ends_with('*') => format!("{ty}{path}"),
            _ => format!("{ty} {path}"),
        };
        let left = |row: &Row| declaration(&row.expected.ty, &row.expected.path);
        let heading = format!("{} as compiled", self.title);
        let widest = self.rows.iter().map(|row| left(row).chars().count()).chain([heading.len()]).max();
        let width = widest.unwrap_or(0).min(56);
        writeln!(
            formatter,
            "  {heading:width$}  {:>8} {:>8}  | {:>8} {:>8}  in the kernel",
            "offset", "size", "offset", "size"
        )?;
        let mut line = |mark: &str, name: &str, one: (String, String), two: (String, String), note: &str| {
            let text = format!(
                "{mark} {name:width$}  {:>8} {:>8}  | {:>8} {:>8}  {note}",
                one.0, one.1, two.0, two.1
            );
            writeln!(formatter, "{}", text.trim_end())
        };
        for row in &self.rows {
            let mark = if row.differs() { "*" } else { " " };
            let (found, note) = match &row.found {
                Some((field, ty)) => (position(field), ty.as_str()),
                None => (("-".to_owned(), "-".to_owned()), "no such member"),
            };
            line(mark, &left(row), position(&row.expected.field), found, note)?;
        }
        let size = |size: u64| (String::new(), size.to_string());
        let mark = if self.sizes.0 == self.sizes.1 { " " } else { "*" };
        line(mark, "size in all", size(self.sizes.0), size(self.sizes.1), "")
    }
}

/// A name that [`Types::c_header`] has given to one of several types of the same name, `NAME___2`, without its number.
fn without_number(name: &str) -> Option<&str> {
    let (bare, number) = name.rsplit_once("___")?;
    number.parse::<u32>().is_ok().then_some(bare)
}

/// Whether two texts may name one type. Only basic types are told apart: typedefs and structures are what their own members are,
/// and compilers differ in how they write the rest.
fn are_alike(one: &str, other: &str) -> bool {
    const BASIC: &[&str] = &[
        "short",
        "unsigned short",
        "int",
        "unsigned int",
        "long",
        "unsigned long",
        "long long",
        "unsigned long long",
        "_Bool",
    ];
    let (one, other) = (basic_name(one), basic_name(other));
    one == other || !BASIC.contains(&one) || !BASIC.contains(&other)
}

#[cfg(test)]
#[path = "structures_tests.rs"]
mod tests;
