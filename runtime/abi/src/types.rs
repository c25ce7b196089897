// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's types, as a manifest and its relocations name them.

use serde::{Deserialize, Serialize};

/// How C names a structure, union or enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keyword {
    /// `struct NAME`.
    Struct,
    /// `union NAME`.
    Union,
    /// A structure or union that has no tag, but a typedef.
    Typedef,
    /// `enum NAME`; no [`Structure`] is one.
    Enum,
}

impl Keyword {
    /// A name as C writes it, and as type information is asked for it: `struct NAME`.
    pub fn title(self, name: &str) -> String {
        match self {
            Self::Struct => format!("struct {name}"),
            Self::Union => format!("union {name}"),
            Self::Typedef => name.to_owned(),
            Self::Enum => format!("enum {name}"),
        }
    }
}

/// A structure or union of the kernel, as far as a program uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// What its name is.
    pub keyword: Keyword,
    /// Its name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// The members that are used, in the order of their offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

/// What a member is: path, type, offset, size, and if it is a bit-field first bit and number of bits.
pub type MemberParts<'a> = (&'a str, &'a str, u64, u64, Option<(u64, u64)>);

impl Structure {
    /// Its name as C writes it, its size and its members.
    pub fn parts(&self) -> (String, u64, impl Iterator<Item = MemberParts<'_>>) {
        (self.keyword.title(&self.name), self.size, self.members.iter().map(Member::parts))
    }
}

/// A constant of an enumeration. An array in JSON: enumeration, name, value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(String, String, i64)", into = "(String, String, i64)")]
pub struct Enumerator {
    /// The tag of the enumeration; empty if it has none.
    pub enumeration: String,
    /// Its name.
    pub name: String,
    /// Its value; what is larger than an `i64` has the same 64 bits.
    pub value: i64,
}

impl Enumerator {
    /// Enumeration, name and value.
    pub fn parts(&self) -> (&str, &str, i64) {
        (&self.enumeration, &self.name, self.value)
    }
}

impl From<(String, String, i64)> for Enumerator {
    fn from((enumeration, name, value): (String, String, i64)) -> Self {
        Self { enumeration, name, value }
    }
}

impl From<Enumerator> for (String, String, i64) {
    fn from(Enumerator { enumeration, name, value }: Enumerator) -> Self {
        (enumeration, name, value)
    }
}

/// A member of a structure or union. There are many, so it is an array in JSON: path, type, offset, size, and if it is a
/// bit-field first bit and number of bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MemberTuple", into = "MemberTuple")]
pub struct Member {
    /// Its name, or a path to a member of a member without a name of its type's, as in `rss_stat.count[0]`.
    pub path: String,
    /// Its type as C writes it, without the parameters of functions.
    pub ty: String,
    /// Bytes from the start of the structure; for a bit-field, of the byte that holds its first bit.
    pub offset: u64,
    /// Size in bytes; for a bit-field, of the bytes that hold any of its bits.
    pub size: u64,
    /// If it is a bit-field, which bits of these bytes, read as a little-endian number.
    pub bits: Option<Bits>,
}

impl Member {
    fn parts(&self) -> MemberParts<'_> {
        let bits = self.bits.map(|Bits { first, count }| (first, count));
        (&self.path, &self.ty, self.offset, self.size, bits)
    }
}

/// Which bits of a number belong to a bit-field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bits {
    /// The lowest bit: 0 to 7.
    pub first: u64,
    /// How many bits.
    pub count: u64,
}

/// The form of a [`Member`] in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum MemberTuple {
    BitField(String, String, u64, u64, u64, u64),
    Whole(String, String, u64, u64),
}

impl From<Member> for MemberTuple {
    fn from(member: Member) -> Self {
        let Member { path, ty, offset, size, bits } = member;
        match bits {
            Some(Bits { first, count }) => Self::BitField(path, ty, offset, size, first, count),
            None => Self::Whole(path, ty, offset, size),
        }
    }
}

impl From<MemberTuple> for Member {
    fn from(tuple: MemberTuple) -> Self {
        match tuple {
            MemberTuple::BitField(path, ty, offset, size, first, count) => {
                Self { path, ty, offset, size, bits: Some(Bits { first, count }) }
            }
            MemberTuple::Whole(path, ty, offset, size) => Self { path, ty, offset, size, bits: None },
        }
    }
}
