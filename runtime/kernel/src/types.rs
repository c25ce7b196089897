// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sizes of a kernel's types, offsets of their members and values of its enumerations.

use crate::btf::{Btf, Record, kind};
use crate::budget::{Budget, MAX_STEPS};
use crate::error::{Error, Result};
use crate::member_path::{self, Step};

/// Most typedefs, qualifiers and arrays between a name and what it stands for, and most anonymous structures
/// inside one another. Real kernels stay below 10.
const MAX_DEPTH: u32 = 32;
/// What it costs to ask one of the types of a name, beside looking for its members: typedefs and arrays inside one another.
const STEPS_PER_TYPE: u32 = 64;

/// The types of one kernel.
#[derive(Clone, Debug)]
pub struct Types {
    pub(crate) btf: Btf,
    /// Ids of named types, sorted by name, then by id.
    by_name: Vec<u32>,
}

/// Where a member lies in its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the start of the structure; for a bit-field, of the byte that holds its first bit.
    pub offset: u64,
    /// Size in bytes; for a bit-field, of the bytes that hold any of its bits.
    pub size: u64,
    /// If it is a bit-field, which bits of these bytes, read as a little-endian number.
    pub bits: Option<Bits>,
}

/// Which bits of a number belong to a bit-field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The lowest bit: 0 to 7.
    pub first: u32,
    /// How many bits.
    pub count: u32,
}

/// Kinds of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// An integer or enumeration, or some bits of one.
    Integer,
    /// A pointer.
    Pointer,
    /// A structure or union.
    Structure,
    /// An array with elements of so many bytes.
    Array {
        /// Size of an element.
        element_size: u64,
    },
    /// Something else.
    Other,
}

/// A constant of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value. (BTF made before 2022 gives negative values of 32 bits as large positive ones.)
    pub value: i64,
}

/// A member found in a structure: bits from the start of what was searched, its type, its bits if a
/// bit-field.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub(crate) bit_offset: u64,
    pub(crate) type_id: u32,
    pub(crate) bit_count: u32,
}

impl Types {
    /// Reads BTF data.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`], [`Error::UnknownKind`].
    pub fn parse(data: Vec<u8>) -> Result<Self> {
        let btf = Btf::parse(data)?;
        let mut named = Vec::new();
        for id in 1..=btf.len() {
            if let Some(record) =
                btf.record(id).filter(|record| record.name != 0 && can_be_asked_for(record.kind))
            {
                named.push((btf.string(record.name)?, id));
            }
        }
        named.sort_unstable();
        let by_name = named.into_iter().map(|(_, id)| id).collect();
        Ok(Self { btf, by_name })
    }

    /// Size in bytes of the type `name`: `task_struct`, `struct task_struct`, `pid_t`, `enum pid_type`.
    ///
    /// A name without keyword means a structure or union, else an enumeration, else a typedef or basic type.
    ///
    /// # Errors
    /// [`Error::NoType`], [`Error::WrongType`], [`Error::AmbiguousType`], [`Error::MalformedTypes`].
    pub fn size_of(&self, name: &str) -> Result<u64> {
        self.agreeing(name, |id, _| self.size_of_id(name, id, MAX_DEPTH))
    }

    /// Where the member at `path` lies in the type `name`, and how large it is.
    ///
    /// A path is a member, or members of members and elements of arrays: `rss_stat.count[1]`. Members of
    /// anonymous structures and unions are found as C finds them. A path does not go through pointers.
    ///
    /// # Errors
    /// [`Error::NoMember`] and those of [`size_of`](Self::size_of).
    pub fn offset_of(&self, name: &str, path: &str) -> Result<Field> {
        self.agreeing(name, |id, budget| self.locate(name, id, path, budget).map(|(field, _)| field))
    }

    /// The constants of the enumeration `name`, in their order.
    ///
    /// # Errors
    /// As [`size_of`](Self::size_of).
    pub fn enumerators(&self, name: &str) -> Result<Vec<Enumerator<'_>>> {
        self.agreeing(name, |id, budget| {
            let record = self.record(self.resolve(id)?)?;
            if !matches!(record.kind, kind::ENUM | kind::ENUM64) {
                return Err(Error::WrongType { name: name.into(), what: "is not an enumeration" });
            }
            let constants = self.constants(record).map(|constant| {
                budget.take(1, record.offset)?;
                constant
            });
            constants.collect()
        })
    }

    /// The value of an enumeration constant, whatever its enumeration is called, if at all.
    ///
    /// # Errors
    /// [`Error::NoEnumerator`]; [`Error::AmbiguousType`] if enumerations give it different values.
    pub fn enumerator(&self, name: &str) -> Result<i64> {
        let mut found = None;
        for (_, record) in self.enumerations() {
            for constant in self.constants(record) {
                let constant = constant?;
                if constant.name == name
                    && found.replace(constant.value).is_some_and(|other| other != constant.value)
                {
                    return Err(Error::AmbiguousType { name: name.into() });
                }
            }
        }
        found.ok_or_else(|| Error::NoEnumerator { name: name.into() })
    }

    /// The types of a name.
    fn named(&self, name: &str) -> &[u32] {
        let name_of = |id: &u32| self.btf.record(*id).and_then(|record| self.btf.string(record.name).ok());
        let start = self.by_name.partition_point(|id| name_of(id) < Some(name));
        let count = self.by_name[start..].partition_point(|id| name_of(id) == Some(name));
        &self.by_name[start..start + count]
    }

    /// The types of a name and of some kinds.
    pub(crate) fn of_kinds(&self, name: &str, kinds: &[u32]) -> impl Iterator<Item = u32> {
        let is_any = move |id: u32| self.btf.record(id).is_some_and(|record| kinds.contains(&record.kind));
        self.named(name).iter().copied().filter(move |&id| is_any(id))
    }

    /// Asks all types that `name` may mean; they must give the same answer.
    fn agreeing<T: PartialEq>(&self, name: &str, ask: impl Fn(u32, &mut Budget) -> Result<T>) -> Result<T> {
        let (keyword, bare) = match name.split_once(' ') {
            Some((keyword @ ("struct" | "union" | "enum"), bare)) => (Some(keyword), bare),
            _ => (None, name),
        };
        let meanings: &[&[u32]] = match keyword {
            Some("struct") => &[&[kind::STRUCT]],
            Some("union") => &[&[kind::UNION]],
            Some(_) => &[&[kind::ENUM, kind::ENUM64]],
            None => &[
                &[kind::STRUCT, kind::UNION],
                &[kind::ENUM, kind::ENUM64],
                &[kind::TYPEDEF, kind::INT, kind::FLOAT],
            ],
        };
        for kinds in meanings {
            let mut budget = Budget::new(MAX_STEPS);
            let mut answers = self.of_kinds(bare, kinds).map(|id| {
                budget.take(STEPS_PER_TYPE, self.record(id)?.offset)?;
                ask(id, &mut budget)
            });
            let Some(first) = answers.next() else { continue };
            let first = first?;
            for other in answers {
                if other? != first {
                    return Err(Error::AmbiguousType { name: name.into() });
                }
            }
            return Ok(first);
        }
        Err(Error::NoType { name: name.into() })
    }

    pub(crate) fn record(&self, id: u32) -> Result<Record<'_>> {
        self.btf
            .record(id)
            .ok_or(Error::MalformedTypes { offset: 0, what: "a type refers to one that is not there" })
    }

    /// The type that `id` stands for, typedefs and qualifiers removed.
    pub(crate) fn resolve(&self, mut id: u32) -> Result<u32> {
        for _ in 0..MAX_DEPTH {
            let record = self.record(id)?;
            match record.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = record.size_or_type;
                }
                _ => return Ok(id),
            }
        }
        Err(Error::MalformedTypes { offset: self.record(id)?.offset, what: "a typedef does not end" })
    }

    pub(crate) fn size_of_id(&self, name: &str, id: u32, depth: u32) -> Result<u64> {
        let record = self.record(self.resolve(id)?)?;
        let malformed = |what| Error::MalformedTypes { offset: record.offset, what };
        match record.kind {
            kind::INT | kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::FLOAT => {
                Ok(record.size_or_type.into())
            }
            kind::PTR => Ok(8),
            kind::ARRAY => {
                let depth = depth.checked_sub(1).ok_or(malformed("an array does not end"))?;
                let element = self.size_of_id(name, record.word(0)?, depth)?;
                element.checked_mul(record.word(8)?.into()).ok_or(malformed("an array is too large"))
            }
            kind::FWD => Err(Error::WrongType { name: name.into(), what: "is declared only, not defined" }),
            _ => Err(Error::WrongType { name: name.into(), what: "has no size" }),
        }
    }

    /// What kind of member lies at `path` in the type `name`.
    ///
    /// # Errors
    /// As [`offset_of`](Self::offset_of).
    pub fn kind_of(&self, name: &str, path: &str) -> Result<MemberKind> {
        self.agreeing(name, |id, budget| {
            let (_, type_id) = self.locate(name, id, path, budget)?;
            let record = self.record(self.resolve(type_id)?)?;
            Ok(match record.kind {
                kind::INT | kind::ENUM | kind::ENUM64 => MemberKind::Integer,
                kind::PTR => MemberKind::Pointer,
                kind::STRUCT | kind::UNION => MemberKind::Structure,
                kind::ARRAY => {
                    MemberKind::Array { element_size: self.size_of_id(name, record.word(0)?, MAX_DEPTH)? }
                }
                _ => MemberKind::Other,
            })
        })
    }

    /// Where the member at a path lies, and its type.
    pub(crate) fn locate(
        &self,
        name: &str,
        id: u32,
        path: &str,
        budget: &mut Budget,
    ) -> Result<(Field, u32)> {
        let mut so_far = name.to_owned();
        let mut here = Member { bit_offset: 0, type_id: id, bit_count: 0 };
        for step in member_path::parse(path) {
            let step =
                step.map_err(|member| Error::NoMember { name: so_far.clone(), member: member.into() })?;
            let record = self.record(self.resolve(here.type_id)?)?;
            budget.take(1, record.offset)?;
            let malformed =
                || Error::MalformedTypes { offset: record.offset, what: "an offset is too large" };
            let next = match (step, record.kind) {
                (Step::Member(member), kind::STRUCT | kind::UNION) => {
                    let found = self.member(record, member, MAX_DEPTH, budget)?;
                    found.ok_or_else(|| Error::NoMember { name: so_far.clone(), member: member.into() })?
                }
                (Step::Element(index), kind::ARRAY) => {
                    // A flexible array has none that could be counted, and one at its start.
                    if index >= record.word(8)?.max(1) {
                        return Err(Error::NoMember { name: so_far, member: step.to_string() });
                    }
                    let size = self.size_of_id(&so_far, record.word(0)?, MAX_DEPTH)?;
                    let bits = size.checked_mul(8).and_then(|bits| bits.checked_mul(index.into()));
                    Member { bit_offset: bits.ok_or_else(malformed)?, type_id: record.word(0)?, bit_count: 0 }
                }
                (_, kind::PTR) => {
                    return Err(Error::WrongType {
                        name: so_far,
                        what: "is a pointer: ask for the members of what it points to",
                    });
                }
                (Step::Member(_), _) => {
                    return Err(Error::WrongType {
                        name: so_far,
                        what: "is neither a structure nor a union",
                    });
                }
                (Step::Element(_), _) => {
                    return Err(Error::WrongType { name: so_far, what: "is not an array" });
                }
            };
            let bit_offset = here.bit_offset.checked_add(next.bit_offset).ok_or_else(malformed)?;
            here = Member { bit_offset, ..next };
            so_far.push_str(&step.to_string());
        }
        Ok((self.finish_field(&so_far, here)?, here.type_id))
    }

    /// Turns bits into bytes.
    pub(crate) fn finish_field(&self, name: &str, member: Member) -> Result<Field> {
        let record = self.record(self.resolve(member.type_id)?)?;
        let (mut bit_offset, mut bit_count) = (member.bit_offset, member.bit_count);
        if bit_count == 0 && record.kind == kind::INT {
            // Without the kind flag of its structure, a bit-field is an integer with fewer bits than its
            // bytes have.
            let integer = record.word(0)?;
            if u64::from(integer & 0xff) != u64::from(record.size_or_type) * 8 {
                bit_count = integer & 0xff;
                bit_offset = bit_offset.saturating_add((integer >> 16 & 0xff).into());
            }
        }
        let first = bit_offset % 8;
        if bit_count != 0 {
            let size = (first + u64::from(bit_count)).div_ceil(8);
            let bits = Bits { first: first as u32, count: bit_count };
            return Ok(Field { offset: bit_offset / 8, size, bits: Some(bits) });
        }
        if first != 0 {
            return Err(Error::MalformedTypes {
                offset: record.offset,
                what: "a member begins inside a byte",
            });
        }
        let size = self.size_of_id(name, member.type_id, MAX_DEPTH)?;
        Ok(Field { offset: bit_offset / 8, size, bits: None })
    }

    /// Looks for a member, also in anonymous structures and unions.
    fn member(
        &self,
        record: Record<'_>,
        name: &str,
        depth: u32,
        budget: &mut Budget,
    ) -> Result<Option<Member>> {
        let malformed = |what| Error::MalformedTypes { offset: record.offset, what };
        for [name_offset, type_id, position] in record.elements() {
            budget.take(1, record.offset)?;
            let (bit_offset, bit_count) =
                if record.flag { (position & 0xff_ffff, position >> 24) } else { (position, 0) };
            let here = Member { bit_offset: bit_offset.into(), type_id, bit_count };
            if name_offset != 0 {
                if self.btf.string(name_offset)? == name {
                    return Ok(Some(here));
                }
                continue;
            }
            let inner = self.record(self.resolve(type_id)?)?;
            if matches!(inner.kind, kind::STRUCT | kind::UNION) {
                let depth = depth.checked_sub(1).ok_or(malformed("a structure contains itself"))?;
                if let Some(found) = self.member(inner, name, depth, budget)? {
                    // Both are below 2^32 times the depth, so the sum cannot overflow.
                    return Ok(Some(Member { bit_offset: here.bit_offset + found.bit_offset, ..found }));
                }
            }
        }
        Ok(None)
    }

    /// All enumerations, each with its tag, which may be empty.
    pub(crate) fn enumerations(&self) -> impl Iterator<Item = (Result<&str>, Record<'_>)> {
        let records = (1..=self.btf.len()).filter_map(|id| self.btf.record(id));
        let enumerations = records.filter(|record| matches!(record.kind, kind::ENUM | kind::ENUM64));
        enumerations.map(|record| (self.btf.string(record.name), record))
    }

    /// The constants of an enumeration's record.
    pub(crate) fn constants<'a>(
        &'a self,
        record: Record<'a>,
    ) -> impl Iterator<Item = Result<Enumerator<'a>>> {
        let narrow =
            record.elements::<2>().filter(move |_| record.kind == kind::ENUM).map(move |[name, value]| {
                (name, if record.flag { i64::from(value as i32) } else { i64::from(value) })
            });
        let wide = record.elements::<3>().filter(move |_| record.kind == kind::ENUM64);
        let wide = wide.map(|[name, low, high]| (name, (u64::from(high) << 32 | u64::from(low)) as i64));
        narrow.chain(wide).map(|(name, value)| Ok(Enumerator { name: self.btf.string(name)?, value }))
    }
}

fn can_be_asked_for(kind: u32) -> bool {
    matches!(
        kind,
        kind::INT | kind::STRUCT | kind::UNION | kind::ENUM | kind::TYPEDEF | kind::FLOAT | kind::ENUM64
    )
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
