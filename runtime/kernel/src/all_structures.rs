// SPDX-License-Identifier: MIT OR Apache-2.0

//! All structures and unions of a kernel.

use crate::btf::kind;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::structures::{Member, Structure, Tag};
use crate::types::{self, Types};

/// Most structures without names inside one another.
const MAX_DEPTH: u32 = 32;
/// Most members of all structures together; a Debian kernel has about 200,000. Guards against structures that contain themselves, or
/// have very many names.
const MAX_MEMBERS: u32 = 1 << 21;

impl Types {
    /// All structures and unions that have a tag or the name of a typedef, in the order of the type table, with all members that
    /// can be named from outside, those of structures without names among them. Names can occur more than once.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`].
    pub fn structures(&self) -> Result<Vec<Structure>> {
        let mut structures = Vec::new();
        let mut budget = Budget::new(MAX_MEMBERS);
        for id in 1..=self.btf.len() {
            let record = self.record(id)?;
            let (tag, target) = match record.kind {
                kind::STRUCT => (Tag::Struct, id),
                kind::UNION => (Tag::Union, id),
                kind::TYPEDEF => (Tag::Typedef, record.size_or_type),
                _ => continue,
            };
            let Some(compound) = self.btf.record(target) else { continue };
            let is_compound = matches!(compound.kind, kind::STRUCT | kind::UNION);
            if record.name == 0 || !is_compound || (tag == Tag::Typedef && compound.name != 0) {
                continue;
            }
            let mut members = Vec::new();
            self.collect_members(target, 0, MAX_DEPTH, &mut budget, &mut members)?;
            let name = self.btf.string(record.name)?.to_owned();
            structures.push(Structure { tag, name, size: compound.size_or_type.into(), members });
        }
        Ok(structures)
    }

    fn collect_members(
        &self,
        id: u32,
        start: u64,
        depth: u32,
        budget: &mut Budget,
        members: &mut Vec<Member>,
    ) -> Result<()> {
        let record = self.record(id)?;
        let endless = || Error::MalformedTypes { offset: record.offset, what: "a structure contains itself" };
        let depth = depth.checked_sub(1).ok_or_else(endless)?;
        for [name, type_id, position] in record.elements() {
            budget.take(1, record.offset)?;
            let (bits, bit_count) =
                if record.flag { (position & 0xff_ffff, position >> 24) } else { (position, 0) };
            let bit_offset = start + u64::from(bits);
            let inner = self.resolve(type_id)?;
            let is_compound = inner != 0 && matches!(self.record(inner)?.kind, kind::STRUCT | kind::UNION);
            if name == 0 && is_compound {
                self.collect_members(inner, bit_offset, depth, budget, members)?;
            } else if name != 0 {
                let path = self.btf.string(name)?.to_owned();
                let member = types::Member { bit_offset, type_id, bit_count };
                let field = self.finish_field(&path, member)?;
                members.push(Member { path, ty: self.text(type_id), field });
            }
        }
        Ok(())
    }
}
