// SPDX-License-Identifier: MIT OR Apache-2.0

//! The loads that llview has given a translation each, and the objects that they read.

use std::collections::HashMap;

use gpufas_abi::symbols::runtime;

use crate::llvm::{Block, Module, Opcode, Value};
use crate::marker;
use crate::memory_class::constant_offset;

/// How far apart loads may be that share a translation, in bytes: no structure of the kernel is as large, and where memory is
/// not known to lie in one piece, the runtime looks at each of its pages.
const LARGEST: i64 = 32 << 10;

/// How many distances are added up at most; the optimiser leaves one or two.
const MOST_STEPS: u32 = 64;

/// A load of kernel memory, as far as the IR says.
#[derive(Clone, Debug)]
pub struct Access<'c> {
    /// The load.
    pub load: Value<'c>,
    /// The call that translates its address.
    pub translation: Value<'c>,
    /// Bytes from the object's base on.
    pub offset: i64,
    /// Bytes that are read, a power of two.
    pub size: u64,
    /// Whether the source asks for no order of it: it is neither volatile there nor atomic.
    pub is_plain: bool,
    /// Its block.
    pub block: Block<'c>,
}

impl<'c> Access<'c> {
    /// What is translated.
    fn pointer(&self) -> Option<Value<'c>> {
        pointer_of(self.translation.operand(0)?)
    }
}

/// What loads read at constant distances from one address.
#[derive(Clone, Debug)]
pub struct Object<'c> {
    /// The block in which the address is known; none of a parameter.
    pub definition: Option<Block<'c>>,
    /// The loads in the order of their instructions; at least one.
    pub accesses: Vec<Access<'c>>,
    /// Whether it is a part: others at constant distances from the same address are too far away, or are not aligned where these are.
    pub is_part: bool,
}

impl<'c> Object<'c> {
    /// The address, as it is now: it may be what another object's load has given, and that load made anew since.
    pub fn base(&self, module: &Module<'c>) -> Option<Value<'c>> {
        let pointer = self.accesses.first()?.pointer()?;
        base_of(module, pointer).map(|(base, _)| base)
    }

    /// Offset and size of the widest load.
    fn widest(&self) -> (i64, u64) {
        let widest = self.accesses.iter().max_by_key(|access| access.size);
        widest.map_or((0, 1), |access| (access.offset, access.size))
    }

    /// Bytes of the widest load: all loads are aligned if [`Object::low`] is at a multiple of this.
    pub fn alignment(&self) -> u64 {
        self.widest().1
    }

    /// Where the object begins, as a distance from the base: at the first byte that is read, or before it by less than the widest
    /// load, of which it is a multiple away.
    pub fn low(&self) -> i64 {
        let (offset, size) = self.widest();
        let low = self.accesses.iter().map(|access| access.offset).min().unwrap_or(0);
        low - (low - offset).rem_euclid(size.cast_signed())
    }

    /// Bytes from [`Object::low`] on, a multiple of the alignment.
    pub fn extent(&self) -> u64 {
        let ends = self.accesses.iter().map(|access| access.offset + access.size.cast_signed());
        let extent = ends.max().unwrap_or(0) - self.low();
        extent.cast_unsigned().next_multiple_of(self.alignment())
    }
}

/// The objects that a function reads, in the order of their first loads.
pub fn objects<'c>(module: &Module<'c>, function: Value<'c>) -> Vec<Object<'c>> {
    let mut objects: Vec<Object<'c>> = Vec::new();
    let mut places: HashMap<Value<'c>, usize> = HashMap::new();
    for load in function.instructions() {
        let Some((base, access)) = access(module, load) else { continue };
        let place = *places.entry(base).or_insert_with(|| {
            objects.push(Object { definition: base.block(), accesses: Vec::new(), is_part: false });
            objects.len() - 1
        });
        objects[place].accesses.push(access);
    }
    objects.into_iter().flat_map(parts).collect()
}

/// A load through a translation, with the address that its object begins from.
fn access<'c>(module: &Module<'c>, load: Value<'c>) -> Option<(Value<'c>, Access<'c>)> {
    if !load.is(Opcode::LLVMLoad) {
        return None;
    }
    let translation = load.operand(0).filter(|pointer| pointer.is(Opcode::LLVMCall))?;
    let is_translation = translation.callee()?.name() == runtime::TRANSLATE_LOAD;
    if !is_translation || translation.users() != [load] {
        return None;
    }
    let &[address, size, _] = translation.arguments().as_slice() else { return None };
    let (base, offset) = base_of(module, pointer_of(address)?)?;
    let is_plain = load.has_metadata(module.context(), marker::PLAIN_METADATA);
    let size = size.as_unsigned()?;
    Some((base, Access { load, translation, offset, size, is_plain, block: load.block()? }))
}

/// The pointer that a number was made of.
fn pointer_of(address: Value<'_>) -> Option<Value<'_>> {
    address.is(Opcode::LLVMPtrToInt).then(|| address.operand(0)).flatten()
}

/// The address that a pointer is at a constant distance from, and that distance. A constant has none: it is known where it is.
fn base_of<'c>(module: &Module<'c>, pointer: Value<'c>) -> Option<(Value<'c>, i64)> {
    let (mut base, mut offset) = (pointer, 0_i64);
    // In code that nothing leads to, an address may be made of itself.
    for _ in 0..MOST_STEPS {
        if !base.is(Opcode::LLVMGetElementPtr) {
            break;
        }
        let Some(step) = constant_offset(module, base) else { break };
        offset = offset.checked_add(step)?;
        base = base.operand(0)?;
    }
    (!base.is_constant() && offset.unsigned_abs() < i64::MAX.unsigned_abs() / 2).then_some((base, offset))
}

/// An object in parts that are not too large, and each of whose loads can be aligned together, in the order of their first loads.
fn parts(object: Object<'_>) -> Vec<Object<'_>> {
    let mut parts: Vec<_> = near(object).into_iter().flat_map(aligned).collect();
    let is_part = parts.len() > 1;
    parts.iter_mut().for_each(|part| part.is_part = is_part);
    parts
}

/// A part for the widest load and all that are aligned if that is, and so on for the rest.
fn aligned(object: Object<'_>) -> Vec<Object<'_>> {
    let mut parts = Vec::new();
    let mut rest = object;
    while !rest.accesses.is_empty() {
        let (offset, _) = rest.widest();
        let fits = |access: &Access<'_>| (access.offset - offset) % access.size.cast_signed() == 0;
        let (with, without) = rest.accesses.into_iter().partition(fits);
        parts.push(Object { accesses: with, ..rest });
        rest = Object { accesses: without, ..rest };
    }
    parts
}

/// Parts whose loads are not too far apart.
fn near(object: Object<'_>) -> Vec<Object<'_>> {
    let mut offsets: Vec<i64> = object.accesses.iter().map(|access| access.offset).collect();
    offsets.sort_unstable();
    let mut begins: Vec<i64> = Vec::new();
    for offset in offsets {
        if begins.last().is_none_or(|begin| offset - begin >= LARGEST) {
            begins.push(offset);
        }
    }
    let mut parts: Vec<(i64, Object<'_>)> = Vec::new();
    for access in object.accesses {
        let begin = begins.iter().copied().rfind(|begin| *begin <= access.offset).unwrap_or_default();
        match parts.iter_mut().find(|(other, _)| *other == begin) {
            Some((_, part)) => part.accesses.push(access),
            None => parts.push((begin, Object { accesses: vec![access], ..object })),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}
