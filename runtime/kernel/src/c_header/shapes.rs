// SPDX-License-Identifier: MIT OR Apache-2.0

//! Alignment of types, and the attributes with which structures come out as the table says.
//!
//! The rules are those of the System V ABI for x86-64, with which `packed` and `aligned` of gcc and clang deal alike: a member lies at
//! a multiple of its alignment; a bit-field lies in one unit of its type, and aligns the structure as that type does, unless it has
//! no name; in a packed structure everything lies at the next byte, and bit-fields at the next bit. Gaps are written as bit-fields
//! without names, so that it never matters if the true type is aligned more strictly than found here.

use super::members::Member;
use super::{Writer, malformed};
use crate::btf::{Record, kind};
use crate::error::{Error, Result};

/// Most structures, arrays and typedefs inside one another.
const MAX_DEPTH: u32 = 64;
/// Strictest alignment that a size is explained with: a page.
const MAX_ALIGNMENT: u64 = 4096;

/// How a structure or union is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its alignment as written, in bytes.
    pub(super) alignment: u64,
    pub(super) packed: bool,
    /// Whether it needs an attribute for its alignment.
    pub(super) aligned: bool,
}

fn round_up(value: u64, to: u64) -> u64 {
    value.div_ceil(to).saturating_mul(to)
}

impl Writer<'_> {
    /// The size of a type in bytes.
    pub(super) fn size(&self, id: u32) -> Result<u64> {
        self.types.size_of_id("", id, MAX_DEPTH).map_err(|error| match error {
            Error::WrongType { .. } => malformed("something without a size is used by value"),
            other => other,
        })
    }

    /// The alignment of a type as it is written, in bytes.
    pub(super) fn alignment(&self, id: u32, depth: u32) -> Result<u64> {
        let depth = depth.checked_sub(1).ok_or(malformed("a type contains itself"))?;
        let resolved = self.types.resolve(id)?;
        let record = self.types.record(resolved)?;
        match record.kind {
            kind::STRUCT | kind::UNION => Ok(self.shape(resolved, depth)?.alignment),
            kind::ARRAY => self.alignment(record.word(0)?, depth),
            kind::PTR => Ok(8),
            kind::INT | kind::FLOAT | kind::ENUM | kind::ENUM64 => match record.size_or_type {
                size @ (1 | 2 | 4 | 8 | 16) => Ok(size.into()),
                _ => Err(malformed("a basic type has an impossible size")),
            },
            _ => Err(malformed("something without a size is used by value")),
        }
    }

    /// How a structure or union is to be written.
    pub(super) fn shape(&self, id: u32, depth: u32) -> Result<Shape> {
        if let Some(known) = self.shapes.borrow().get(&id) {
            return Ok(*known);
        }
        let record = self.types.record(id)?;
        let members = self.members(&record)?;
        let shape = if record.kind == kind::UNION {
            self.union_shape(&record, &members, depth)?
        } else {
            self.structure_shape(&record, &members, depth)?
        };
        self.shapes.borrow_mut().insert(id, shape);
        Ok(shape)
    }

    fn structure_shape(&self, record: &Record<'_>, members: &[Member], depth: u32) -> Result<Shape> {
        let size = u64::from(record.size_or_type);
        let (mut natural, mut packed, mut end) = (1, false, 0);
        for member in members {
            let alignment = self.alignment(member.ty, depth)?;
            if !member.is_padding() {
                natural = natural.max(alignment);
            }
            packed |= !self.lies_naturally(member, alignment)?;
            let bits = self.bits(member)?;
            if member.offset < end {
                return Err(malformed("members of a structure overlap"));
            }
            end = member.offset.checked_add(bits).ok_or(malformed("a member is too large"))?;
        }
        if end > size * 8 {
            return Err(malformed("a member of a structure is outside of it"));
        }
        packed |= size % natural != 0;
        let natural = if packed { 1 } else { natural };
        let aligned = match members.last() {
            // Nothing may follow an array of unknown length, so that padding has to come from alignment.
            Some(last) if self.is_flexible(last)? => by_alignment(end.div_ceil(8), natural, size),
            _ => None,
        };
        Ok(Shape { alignment: aligned.unwrap_or(natural), packed, aligned: aligned.is_some() })
    }

    fn union_shape(&self, record: &Record<'_>, members: &[Member], depth: u32) -> Result<Shape> {
        let size = u64::from(record.size_or_type);
        if members.is_empty() {
            return Ok(opaque(size));
        }
        let (mut natural, mut largest) = (1, 0);
        for member in members {
            if member.offset != 0 {
                return Err(malformed("a member of a union does not begin where it does"));
            }
            if !member.is_padding() {
                natural = natural.max(self.alignment(member.ty, depth)?);
            }
            largest = largest.max(self.bits(member)?.div_ceil(8));
        }
        if largest > size {
            return Err(malformed("a member of a union is outside of it"));
        }
        let packed = size % natural != 0;
        let natural = if packed { 1 } else { natural };
        let aligned = by_alignment(largest, natural, size);
        Ok(Shape { alignment: aligned.unwrap_or(natural), packed, aligned: aligned.is_some() })
    }

    fn lies_naturally(&self, member: &Member, alignment: u64) -> Result<bool> {
        let Some(width) = member.width else {
            if !member.offset.is_multiple_of(8) {
                return Err(malformed("a member begins inside a byte"));
            }
            return Ok((member.offset / 8).is_multiple_of(alignment));
        };
        let unit = self.size(member.ty)? * 8;
        if u64::from(width) > unit || width == 0 {
            return Err(malformed("a bit-field is wider than its type"));
        }
        Ok(member.offset % unit + u64::from(width) <= unit)
    }

    /// How many bits a member has.
    pub(super) fn bits(&self, member: &Member) -> Result<u64> {
        match member.width {
            Some(width) => Ok(width.into()),
            None => self.size(member.ty)?.checked_mul(8).ok_or(malformed("a member is too large")),
        }
    }

    /// Whether a member is an array of no elements.
    pub(super) fn is_flexible(&self, member: &Member) -> Result<bool> {
        let record = match member.ty {
            0 => return Ok(false),
            id => self.types.record(id)?,
        };
        Ok(record.kind == kind::ARRAY && record.word(8)? == 0)
    }

    /// Where a member would come to lie in a structure that is filled up to bit `end`.
    pub(super) fn natural_offset(&self, shape: Shape, member: &Member, end: u64) -> Result<u64> {
        match member.width {
            Some(_) if shape.packed => Ok(end),
            Some(width) => {
                let unit = self.size(member.ty)? * 8;
                Ok(if end % unit + u64::from(width) <= unit { end } else { round_up(end, unit) })
            }
            None if shape.packed => Ok(round_up(end, 8)),
            None => Ok(round_up(end, self.alignment(member.ty, MAX_DEPTH)? * 8)),
        }
    }

    pub(super) fn shape_of(&self, id: u32) -> Result<Shape> {
        self.shape(id, MAX_DEPTH)
    }
}

/// The size of a structure whose contents end at a byte.
pub(super) fn natural_size(shape: Shape, end: u64) -> u64 {
    round_up(end, shape.alignment)
}

/// The shape of a union of whose members nothing is known (gcc does not describe those of transparent unions).
fn opaque(size: u64) -> Shape {
    let alignment = if size == 0 { 1 } else { 1 << size.trailing_zeros().min(3) };
    Shape { alignment, packed: false, aligned: false }
}

/// The alignment, stricter than the natural one, that makes a size of what is smaller.
fn by_alignment(end: u64, natural: u64, size: u64) -> Option<u64> {
    if round_up(end, natural) == size {
        return None;
    }
    let stricter = std::iter::successors(Some(natural * 2), |alignment| Some(alignment * 2));
    stricter
        .take_while(|alignment| *alignment <= MAX_ALIGNMENT)
        .find(|alignment| round_up(end, *alignment) == size)
}
