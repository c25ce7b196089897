// SPDX-License-Identifier: MIT OR Apache-2.0

//! All structures and constants of enumerations that a module's headers define, whether they are used or not.

use gpufas_abi::manifest::{Bits, Enumerator, Keyword, Member, Structure};

use super::constants::Constants;
use super::types::{MOST_DEPTH, Record, Shape, TypeId, Types};
use crate::llvm::Module;

/// The structures and unions of the kernel that have a name, each with all members, in the order of the source. Members of
/// structures without a name stand as if they were the outer one's.
pub fn all_structures(module: &Module<'_>) -> Vec<Structure> {
    let types = super::collect::types(module);
    let mut found: Vec<Structure> = Vec::new();
    for (id, ty) in types.all() {
        let Shape::Record(record) = &ty.shape else { continue };
        if !record.is_kernels || ty.name.is_empty() {
            continue;
        }
        let mut members = Vec::new();
        add_members(&types, id, "", 0, &mut members, 0);
        found.push(Structure { keyword: keyword(record), name: ty.name.clone(), size: ty.size, members });
    }
    found.sort_by(|one, other| {
        (&one.name, one.keyword, one.size).cmp(&(&other.name, other.keyword, other.size))
    });
    found.dedup();
    found
}

/// The constants of all enumerations of the kernel, sorted.
pub fn all_enumerators(module: &Module<'_>) -> Vec<Enumerator> {
    Constants::of(&super::collect::types(module)).all()
}

/// What the name of a structure is.
pub(super) fn keyword(record: &Record) -> Keyword {
    match record {
        Record { is_typedef: true, .. } => Keyword::Typedef,
        Record { is_union: true, .. } => Keyword::Union,
        _ => Keyword::Struct,
    }
}

fn add_members(
    types: &Types<'_>,
    id: TypeId,
    path: &str,
    bit_offset: u64,
    members: &mut Vec<Member>,
    depth: usize,
) {
    let Some((_, record)) = types.record(id).filter(|_| depth < MOST_DEPTH) else { return };
    for member in &record.members {
        let dot = if path.is_empty() || member.name.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", member.name);
        let at = bit_offset + member.bit_offset;
        let is_anonymous = |ty: TypeId| types.record(ty).is_some_and(|(id, _)| types.get(id).name.is_empty());
        if !member.name.is_empty() {
            let (offset, first) = (at / 8, at % 8);
            let (size, bits) = match member.bits {
                Some(count) => ((first + count).div_ceil(8), Some(Bits { first, count })),
                None => (member.size, None),
            };
            members.push(Member { path: path.clone(), ty: types.text(member.ty), offset, size, bits });
        }
        // A structure that only this member has.
        let (mut inner, mut path) = (member.ty, path);
        while let Some(Shape::Array(element, _)) = types.resolve(inner).map(|id| &types.get(id).shape) {
            inner = *element;
            path.push_str("[0]");
        }
        if is_anonymous(inner) {
            add_members(types, inner, &path, at, members, depth + 1);
        }
    }
}
