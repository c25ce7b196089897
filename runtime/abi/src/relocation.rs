// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a relocatable program does not know of the kernel that it meets, and what it relies on: the form of both in the
//! manifest. The host resolves them from the target's own type information (BTF).

use serde::{Deserialize, Serialize};

use crate::types::Keyword;

/// What makes a variant run on other kernels than the one that it was compiled for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocatable {
    /// Kernels for which the constants and inline functions that were compiled in are taken to hold: a series, as in `6.1`, or
    /// the releases of a series that differ from one in other numbers only, as in `6.1.#-#-amd#` (see [`pattern`]).
    pub accepts: Vec<String>,
    /// The relocation table.
    pub table: Vec<Relocation>,
    /// Members that must lie where they lay when the program was compiled, since the code has their offsets in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_place: Vec<Place>,
    /// Structures whose sizes must be as they were, since the code has them in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_size: Vec<StructureSize>,
}

/// One entry of the relocation table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Relocation {
    /// What is asked for.
    pub kind: RelocationKind,
    /// The structure, and its members, of which it may be one or the other (members of a union); for a size, none.
    #[serde(flatten)]
    pub place: Place,
    /// What it is on the kernel that the program was compiled for.
    pub compiled: u64,
    /// Whether the program asks if the member is there, or is prepared for kernels without it, and is taken to use it only where
    /// it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guarded: bool,
    /// Whether the program asks how large the member is, and is taken to use it only where it is as it was compiled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sized: bool,
}

/// What a relocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelocationKind {
    /// Bytes from the start of the structure to the member; for a bit-field, to the word that is loaded for it.
    Offset,
    /// Size of the structure in bytes.
    Size,
    /// 1 if there is such a member, else 0.
    Exists,
    /// Size of the member in bytes, 0 if there is none.
    MemberSize,
    /// The value of a constant of an enumeration, which is given as a member is; without a tag, of any enumeration.
    Enumerator,
}

/// One of several members of a structure, or a constant of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// What the structure's name is.
    pub keyword: Keyword,
    /// The structure's name; an enumeration's tag, which may be empty.
    pub structure: String,
    /// The members that may be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<RelocatedMember>,
}

/// A member as the program was compiled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RelocatedMember {
    /// Its name, or a path to a member of a member, as in `rss_stat.count[0]`.
    pub path: String,
    /// What it is.
    pub kind: MemberKind,
    /// Where it begins, in bits from the start of the structure.
    pub bit_offset: u64,
    /// Its size in bits.
    pub bits: u64,
    /// If it is an array, the size of its elements in bits; 0 if they are structures, whose size is looked up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub element_bits: u64,
    /// How many bits behind the address that is used for it it begins; not 0 for bit-fields only.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bits_into_word: u64,
}

/// Kinds of members that code treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// An integer or enumeration.
    Integer,
    /// A bit-field.
    BitField,
    /// A pointer.
    Pointer,
    /// A structure or union, whose own members have relocations of their own.
    Structure,
    /// An array.
    Array,
    /// Something else.
    Other,
}

/// The size of a structure, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StructureSize {
    /// What its name is.
    pub keyword: Keyword,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: u64,
}

/// What a release has in common with those of other builds of its series and flavour: all numbers but the first two are `#`.
/// `6.12.118+deb13-amd64` is of `6.12.#+deb#-amd#`, and `6.12.118+deb13-rt-amd64` is not.
pub fn pattern(release: &str) -> String {
    let mut pattern = String::with_capacity(release.len());
    let mut numbers = 0;
    let mut letters = release.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_ascii_digit() {
            pattern.push(letter);
            continue;
        }
        numbers += 1;
        let mut number = letter.to_string();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        pattern.push_str(if numbers <= 2 { &number } else { "#" });
    }
    pattern
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn builds_of_a_series_and_flavour_have_one_pattern() {
        for (release, expected) in [
            ("6.1.0-56-amd64", "6.1.#-#-amd#"),
            ("6.1.0-7-amd64", "6.1.#-#-amd#"),
            ("6.1.0-56-rt-amd64", "6.1.#-#-rt-amd#"),
            ("6.12.118+deb13-cloud-amd64", "6.12.#+deb#-cloud-amd#"),
            ("5.14.0-427.el9.x86_64", "5.14.#-#.el#.x#_#"),
            ("7.2", "7.2"),
            ("", ""),
        ] {
            assert_eq!(pattern(release), expected);
        }
    }
}
