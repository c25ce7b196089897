// SPDX-License-Identifier: MIT OR Apache-2.0

//! Members, with bit-fields of both forms alike.

use super::{Writer, malformed};
use crate::btf::{Record, kind};
use crate::error::Result;

/// A member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Offset of its name in the strings; 0 if it has none.
    pub(super) name: u32,
    pub(super) ty: u32,
    /// Bits from the start of the structure.
    pub(super) offset: u64,
    /// How many bits, if it is a bit-field.
    pub(super) width: Option<u32>,
}

impl Member {
    /// Whether it is a bit-field without a name, whose type does not matter for alignment.
    pub(super) fn is_padding(&self) -> bool {
        self.name == 0 && self.width.is_some()
    }
}

impl Writer<'_> {
    /// The members of a structure or union.
    pub(super) fn members(&self, record: &Record<'_>) -> Result<Vec<Member>> {
        record.elements().map(|[name, ty, position]| self.member(record.flag, name, ty, position)).collect()
    }

    fn member(&self, flag: bool, name: u32, ty: u32, position: u32) -> Result<Member> {
        let (mut offset, width) = if flag { (position & 0xff_ffff, position >> 24) } else { (position, 0) };
        let mut width = Some(width).filter(|width| *width != 0);
        let resolved = self.types.record(self.types.resolve(ty)?)?;
        if width.is_none() && resolved.kind == kind::INT {
            // Without the flag, a bit-field is an integer with fewer bits than its bytes have.
            let integer = resolved.word(0)?;
            if u64::from(integer & 0xff) != u64::from(resolved.size_or_type) * 8 {
                width = Some(integer & 0xff);
                offset = offset
                    .checked_add(integer >> 16 & 0xff)
                    .ok_or(malformed("the offset of a member is too large"))?;
            }
        }
        Ok(Member { name, ty, offset: offset.into(), width })
    }
}
