// SPDX-License-Identifier: MIT OR Apache-2.0

//! A strict reader of BTF, the format of the kernel's type information.
//!
//! Source: Documentation/bpf/btf.rst and include/uapi/linux/btf.h. Everything is checked before it is used,
//! since the data comes from memory that anybody may have written.

use crate::error::{Error, Result};
use std::ops::Range;

/// Longest name in bytes: as for symbols (KSYM_NAME_LEN, include/linux/kallsyms.h).
const LONGEST_NAME: usize = 512;

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;
/// Size of the header without the layout section, which kernels of 2026 on may add.
const HEADER_SIZE: usize = 24;
/// Size of the header with the layout section.
const HEADER_SIZE_WITH_LAYOUT: usize = 32;
/// Size of `struct btf_type`.
const TYPE_SIZE: usize = 12;
/// Most types (`BTF_MAX_TYPE`).
const MAX_TYPES: usize = 0xf_ffff;

/// `BTF_KIND_*`: the kinds that mean something here.
pub(crate) mod kind {
    pub(crate) const INT: u32 = 1;
    pub(crate) const PTR: u32 = 2;
    pub(crate) const ARRAY: u32 = 3;
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const ENUM: u32 = 6;
    pub(crate) const FWD: u32 = 7;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const VOLATILE: u32 = 9;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const RESTRICT: u32 = 11;
    pub(crate) const FUNC_PROTO: u32 = 13;
    pub(crate) const FLOAT: u32 = 16;
    pub(crate) const DECL_TAG: u32 = 17;
    pub(crate) const TYPE_TAG: u32 = 18;
    pub(crate) const ENUM64: u32 = 19;
}

/// What follows `struct btf_type`, for each kind from 0 on: bytes once, and bytes for each of its `vlen`
/// elements.
const KNOWN_KINDS: [Option<(u8, u8)>; 23] = [
    None,          // UNKN
    Some((4, 0)),  // INT
    Some((0, 0)),  // PTR
    Some((12, 0)), // ARRAY
    Some((0, 12)), // STRUCT
    Some((0, 12)), // UNION
    Some((0, 8)),  // ENUM
    Some((0, 0)),  // FWD
    Some((0, 0)),  // TYPEDEF
    Some((0, 0)),  // VOLATILE
    Some((0, 0)),  // CONST
    Some((0, 0)),  // RESTRICT
    Some((0, 0)),  // FUNC, whose vlen is its linkage
    Some((0, 8)),  // FUNC_PROTO
    Some((4, 0)),  // VAR
    Some((0, 12)), // DATASEC
    Some((0, 0)),  // FLOAT
    Some((4, 0)),  // DECL_TAG
    Some((0, 0)),  // TYPE_TAG
    Some((0, 12)), // ENUM64
    Some((4, 4)),  // LOC_PARAM
    Some((0, 4)),  // LOC_PROTO
    Some((0, 12)), // LOCSEC
];

/// BTF data whose structure has been checked: every type's record is inside it.
#[derive(Clone, Debug)]
pub(crate) struct Btf {
    data: Vec<u8>,
    strings: Range<usize>,
    /// Offset in `data` and total size of each type's record; the type with id 1 is the first.
    records: Vec<(u32, u32)>,
}

/// One type's record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Where it lies in the data, for errors.
    pub(crate) offset: u64,
    /// Offset of the name in the strings; 0 if it has none.
    pub(crate) name: u32,
    /// A `kind`.
    pub(crate) kind: u32,
    /// The kind flag, whose meaning depends on the kind.
    pub(crate) flag: bool,
    /// Size in bytes, or id of another type, depending on the kind.
    pub(crate) size_or_type: u32,
    /// What follows `struct btf_type`.
    rest: &'a [u8],
}

fn malformed(offset: usize, what: &'static str) -> Error {
    Error::MalformedTypes { offset: offset as u64, what }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

impl Btf {
    /// Checks the header and finds all types.
    pub(crate) fn parse(data: Vec<u8>) -> Result<Self> {
        let field =
            |at| u32_at(&data, at).map(|value| value as usize).ok_or(malformed(at, "the header is cut off"));
        let magic = field(0)?;
        if magic & 0xffff != usize::from(MAGIC) || magic >> 16 & 0xff != 1 {
            return Err(malformed(0, "it does not begin with the magic number and version 1"));
        }
        let header_size = field(4)?;
        if header_size < HEADER_SIZE {
            return Err(malformed(4, "the header is too small"));
        }
        let section = |at: usize, what| {
            let start = field(at)?.checked_add(header_size);
            let range = start.and_then(|start| Some(start..start.checked_add(field(at + 4).ok()?)?));
            range
                .filter(|range| range.end <= data.len() && range.start <= range.end)
                .ok_or(malformed(at, what))
        };
        let types = section(8, "the types are not inside the data")?;
        let strings = section(16, "the strings are not inside the data")?;
        if !data[strings.clone()].ends_with(&[0]) || data[strings.start] != 0 {
            return Err(malformed(strings.start, "the strings do not begin and end with a zero byte"));
        }
        let layout = match header_size {
            HEADER_SIZE_WITH_LAYOUT.. => section(24, "the layout is not inside the data")?,
            _ => 0..0,
        };
        let records = find_records(&data, types, &data[layout])?;
        Ok(Self { data, strings, records })
    }

    /// How many types there are; their ids begin at 1.
    pub(crate) fn len(&self) -> u32 {
        self.records.len() as u32
    }

    /// The record of the type `id`; `None` for 0, which is `void`, and for ids that do not exist.
    pub(crate) fn record(&self, id: u32) -> Option<Record<'_>> {
        let (offset, size) = *self.records.get((id as usize).checked_sub(1)?)?;
        let bytes = self.data.get(offset as usize..)?.get(..size as usize)?;
        let info = u32_at(bytes, 4)?;
        Some(Record {
            offset: offset.into(),
            name: u32_at(bytes, 0)?,
            kind: info >> 24 & 0x7f,
            flag: info >> 31 != 0,
            size_or_type: u32_at(bytes, 8)?,
            rest: bytes.get(TYPE_SIZE..)?,
        })
    }

    /// The string at an offset into the strings.
    pub(crate) fn string(&self, offset: u32) -> Result<&str> {
        // Of a corrupt image, one name could be as long as all others together, and be shown many times.
        let bad = |what| malformed(self.strings.start.saturating_add(offset as usize), what);
        let bytes = self.data[self.strings.clone()]
            .get(offset as usize..)
            .ok_or(bad("a name is not in the strings"))?;
        let end = bytes
            .iter()
            .take(LONGEST_NAME + 1)
            .position(|&byte| byte == 0)
            .ok_or(bad("a name has no end, or is too long"))?;
        str::from_utf8(&bytes[..end]).map_err(|_| bad("a name is not text"))
    }
}

/// Offset and size of each type's record in `types`.
fn find_records(data: &[u8], types: Range<usize>, layout: &[u8]) -> Result<Vec<(u32, u32)>> {
    let mut records = Vec::new();
    let mut at = types.start;
    while at < types.end {
        let info = u32_at(&data[..types.end], at + 4).ok_or(malformed(at, "a type is cut off"))?;
        let (kind, elements) = (info >> 24 & 0x7f, info as usize & 0xff_ffff);
        let (once, each) = sizes_of_kind(kind, layout)?;
        let elements = if each == 0 { 0 } else { elements };
        let size = TYPE_SIZE + usize::from(once) + usize::from(each) * elements;
        let end = at + size;
        if end > types.end {
            return Err(malformed(at, "a type is cut off"));
        }
        if records.len() == MAX_TYPES {
            return Err(malformed(at, "there are too many types"));
        }
        let offset = u32::try_from(at).map_err(|_| malformed(at, "there are too many types"))?;
        records.push((offset, size as u32));
        at = end;
    }
    Ok(records)
}

/// What follows `struct btf_type`: bytes once, and bytes for each element. `layout` is the layout section, an
/// array of `struct btf_layout` (two bytes for the sizes, two of flags) by kind, which also covers kinds yet
/// to come.
fn sizes_of_kind(kind: u32, layout: &[u8]) -> Result<(u8, u8)> {
    if let Some(known) = KNOWN_KINDS.get(kind as usize) {
        return known.ok_or(Error::UnknownKind { kind });
    }
    match layout.get(4 * kind as usize..) {
        Some(&[once, each, _, _, ..]) => Ok((once, each)),
        _ => Err(Error::UnknownKind { kind }),
    }
}

impl<'a> Record<'a> {
    /// The `u32` at an offset behind `struct btf_type`.
    pub(crate) fn word(&self, at: usize) -> Result<u32> {
        u32_at(self.rest, at).ok_or(Error::MalformedTypes { offset: self.offset, what: "a type is cut off" })
    }

    /// The words of each element, for kinds whose elements have `N` words.
    pub(crate) fn elements<const N: usize>(&self) -> impl Iterator<Item = [u32; N]> + use<'a, N> {
        let rest = self.rest;
        rest.chunks_exact(4 * N)
            .map(|element| std::array::from_fn(|word| u32_at(element, 4 * word).unwrap_or_default()))
    }
}
