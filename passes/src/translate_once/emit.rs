// SPDX-License-Identifier: MIT OR Apache-2.0

//! The code of shared translations.
//!
//! ```text
//! place:     inside the direct map?  ── yes ──────────────┐
//!            inside the image?       ── yes ──────────────┤
//!            gpufas_object(): what is to be added, or none ┤     (not asked for a single load: the runtime is asked for that itself)
//!                                                          ▼
//!            pointer = base + what is to be added; shared = whether that is anything
//! ...
//! loads:     shared?  ── yes ── load pointer + offset, ...                      ──┐
//!                     ── no ─── gpufas_translate_load(base + offset), load, ... ──┴── the values
//! ```

use std::mem::offset_of;

use gpufas_abi::symbols::{self, runtime};
use gpufas_abi::{Context as LaunchContext, Window as LinearWindow};

use crate::llvm::{Block, Builder, Module, Opcode, Ordering, Predicate, Value};
use crate::marker;

use super::access::{Access, Object};
use super::together::Together;

/// Metadata that the optimiser has put on loads, and that is wrong of a load that is made ahead (`dropUBImplyingAttrsAndMetadata()`
/// of LLVM).
const PROMISES: &[&str] = &[
    "align",
    "alias.scope",
    "dereferenceable",
    "dereferenceable_or_null",
    "noalias",
    "nonnull",
    "noundef",
    "range",
    "tbaa",
];

/// A translation that several loads share.
pub struct Translation<'c> {
    /// The object's address as a number.
    base: Value<'c>,
    /// Where the program finds it, if [`Translation::is_shared`].
    pointer: Value<'c>,
    /// Whether the object lies in one piece.
    is_shared: Value<'c>,
}

/// Translates an object before an instruction, whose block is split there.
pub fn translate<'c>(module: &Module<'c>, object: &Object<'c>, place: Value<'c>) -> Option<Translation<'c>> {
    let context = module.context();
    let builder = Builder::before(context, place);
    let (word, flag) = (builder.integer(64), builder.integer(1));
    // It may be undefined where no load of the object is made, and that is no reason to go any way from here.
    let base = builder.freeze(builder.to_unsigned(object.base(module)?, 64));
    let address = builder.add(base, word.signed_constant(object.low()));

    let split = Split::before(module, place);
    let direct_map = window(module, &split.builder(split.before), object, address, 0);
    let (image, elsewhere) = (split.block("image"), split.block("elsewhere"));
    split.builder(split.before).conditional_branch(direct_map.is_inside, split.behind, image);
    let builder = split.builder(image);
    let in_image = window(module, &builder, object, address, 1);
    builder.conditional_branch(in_image.is_inside, split.behind, elsewhere);
    let builder = split.builder(elsewhere);
    let (found, is_found) = match object.accesses.len() {
        1 => (word.zero(), flag.zero()),
        _ => runtime_object(module, &builder, object, address),
    };
    builder.branch(split.behind);

    let builder = Builder::before_records(context, place);
    let offset = builder.phi(word);
    let is_shared = builder.phi(flag);
    offset.add_incoming(&[(direct_map.offset, split.before), (in_image.offset, image), (found, elsewhere)]);
    let yes = flag.constant(1);
    is_shared.add_incoming(&[(yes, split.before), (yes, image), (is_found, elsewhere)]);
    let pointer = builder.to_pointer(builder.add(base, offset));
    Some(Translation { base, pointer, is_shared })
}

/// One of the linear regions, and an object.
struct Window<'c> {
    is_inside: Value<'c>,
    /// What is to be added to an address in it.
    offset: Value<'c>,
}

/// Compares an object, from `address` on, with the linear region of a number.
///
/// Regions begin and end at pages, and so a rotated distance is less than the rotated length just if the object is aligned and
/// lies inside wholly: the bits of a distance that is no multiple of the alignment become its highest.
fn window<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    object: &Object<'c>,
    address: Value<'c>,
    number: usize,
) -> Window<'c> {
    let word = builder.integer(64);
    let launch =
        module.declare_global(symbols::CONTEXT, builder.integer(8).array(size_of::<LaunchContext>() as u64));
    let first = offset_of!(LaunchContext, windows) + number * size_of::<LinearWindow>();
    let field = |offset: usize| {
        let place = builder.offset(launch, builder.u64((first + offset) as u64));
        let value = builder.load(word, place, 8);
        // The host has written it before the launch, and nothing does in one.
        value.set_empty_metadata(module.context(), "invariant.load");
        value
    };
    let start = field(offset_of!(LinearWindow, start));
    let size = field(offset_of!(LinearWindow, size));
    let offset = field(offset_of!(LinearWindow, offset));
    let distance = builder.sub(address, start);
    let more = object.extent() - object.alignment();
    let length = if more == 0 {
        size
    } else {
        let ty = word.function(&[word, word]);
        let subtract = module.declare_function("llvm.usub.sat.i64", ty);
        builder.call(ty, subtract, &[size, builder.u64(more)])
    };
    let bits = u64::from(object.alignment().trailing_zeros());
    let is_inside = if bits == 0 {
        builder.compare(Predicate::LLVMIntULT, distance, length)
    } else {
        let low = builder.binary(Opcode::LLVMLShr, distance, builder.u64(bits));
        let high = builder.binary(Opcode::LLVMShl, distance, builder.u64(64 - bits));
        let length = builder.binary(Opcode::LLVMLShr, length, builder.u64(bits));
        builder.compare(Predicate::LLVMIntULT, builder.or(low, high), length)
    };
    Window { is_inside, offset }
}

/// Asks the runtime what is to be added to an address, and whether that is anything.
fn runtime_object<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    object: &Object<'c>,
    address: Value<'c>,
) -> (Value<'c>, Value<'c>) {
    let word = builder.integer(64);
    let ty = word.function(&[word, word]);
    let function = module.declare_function(runtime::OBJECT, ty);
    function.add_attribute(module.context(), "cold");
    let found = builder.call(ty, function, &[address, builder.u64(object.extent())]);
    let is_found = builder.compare(Predicate::LLVMIntNE, found, builder.u64(runtime::NOT_IN_ONE_PIECE));
    // The runtime sees to loads that are not aligned.
    let low = builder.and(address, builder.u64(object.alignment() - 1));
    (found, builder.and(is_found, builder.compare(Predicate::LLVMIntEQ, low, word.zero())))
}

/// Makes the loads of a group at the place of the first of them, whose block is split there: through the shared pointer, or each
/// by a translation of its own, those of later blocks then where they are.
pub fn make_together<'c>(
    module: &Module<'c>,
    object: &Object<'c>,
    translation: &Translation<'c>,
    group: &Together,
) {
    let of = |numbers: &[usize]| -> Vec<&Access<'c>> {
        numbers.iter().map(|number| &object.accesses[*number]).collect()
    };
    let (here, ahead) = (of(&group.here), of(&group.ahead));
    let Some(first) = here.first() else { return };
    let split = Split::before(module, first.translation);
    let (shared, each) = (split.block("shared"), split.block("each"));
    split.builder(split.before).conditional_branch(translation.is_shared, shared, each);

    let builder = split.builder(shared);
    let of_shared: Vec<_> =
        here.iter().chain(&ahead).map(|access| load_shared(module, &builder, translation, access)).collect();
    builder.branch(split.behind);

    let builder = split.builder(each);
    let of_each: Vec<_> = here.iter().map(|access| load_alone(&builder, translation, access)).collect();
    builder.branch(split.behind);

    let builder = Builder::before_records(module.context(), first.translation);
    let of_each = of_each.into_iter().map(Some).chain(ahead.iter().map(|_| None));
    let values: Vec<_> = of_shared
        .iter()
        .zip(of_each)
        .map(|(of_shared, of_each)| {
            let ty = of_shared.ty();
            let value = builder.phi(ty);
            value.add_incoming(&[(*of_shared, shared), (of_each.unwrap_or(ty.poison()), each)]);
            value
        })
        .collect();
    let (of_here, of_ahead) = values.split_at(here.len());
    for (access, value) in here.iter().zip(of_here) {
        replace(access, *value);
    }
    for (access, value) in ahead.iter().zip(of_ahead) {
        take(module, translation, access, *value);
    }
}

/// Takes a value that was loaded ahead where it is wanted, or loads it there.
fn take<'c>(module: &Module<'c>, translation: &Translation<'c>, access: &Access<'c>, ahead: Value<'c>) {
    let split = Split::before(module, access.translation);
    let alone = split.block("alone");
    split.builder(split.before).conditional_branch(translation.is_shared, split.behind, alone);
    let builder = split.builder(alone);
    let of_alone = load_alone(&builder, translation, access);
    builder.branch(split.behind);
    let value = Builder::before_records(module.context(), access.translation).phi(ahead.ty());
    value.add_incoming(&[(ahead, split.before), (of_alone, alone)]);
    replace(access, value);
}

/// Puts a value in the place of a load and of its translation.
fn replace<'c>(access: &Access<'c>, value: Value<'c>) {
    value.take_name(access.load);
    access.load.replace_all_uses_with(value);
    access.load.erase();
    let address = access.translation.operand(0);
    access.translation.erase();
    if let Some(address) = address.filter(|address| address.is_instruction() && !address.is_used()) {
        address.erase();
    }
}

/// A load through the shared pointer.
fn load_shared<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    translation: &Translation<'c>,
    access: &Access<'c>,
) -> Value<'c> {
    builder.set_location_of(access.translation);
    let place = builder.offset(translation.pointer, builder.integer(64).signed_constant(access.offset));
    let copy = load(builder, access, place);
    // It may be made where the source would not have made it.
    for promise in PROMISES {
        copy.remove_metadata(module.context(), promise);
    }
    if copy.ordering() == Ordering::LLVMAtomicOrderingNotAtomic {
        copy.set_empty_metadata(module.context(), marker::OUTSIDE_METADATA);
    }
    copy
}

/// A load by a translation of its own.
fn load_alone<'c>(builder: &Builder<'c>, translation: &Translation<'c>, access: &Access<'c>) -> Value<'c> {
    builder.set_location_of(access.translation);
    let address = builder.add(translation.base, builder.integer(64).signed_constant(access.offset));
    let own = builder.copy_of(access.translation);
    own.set_operand(0, address);
    load(builder, access, own)
}

/// A copy of a load, through another pointer.
fn load<'c>(builder: &Builder<'c>, access: &Access<'c>, pointer: Value<'c>) -> Value<'c> {
    let copy = builder.copy_of(access.load);
    copy.set_operand(0, pointer);
    copy
}

/// A block that was split before an instruction, with new blocks in between.
struct Split<'m, 'c> {
    module: &'m Module<'c>,
    /// The instruction.
    place: Value<'c>,
    /// What comes before it; no terminator yet.
    before: Block<'c>,
    /// What it begins.
    behind: Block<'c>,
}

impl<'m, 'c> Split<'m, 'c> {
    fn before(module: &'m Module<'c>, place: Value<'c>) -> Self {
        let (before, behind) = Block::split_before(module.context(), place);
        Self { module, place, before, behind }
    }

    /// A new block between both.
    fn block(&self, name: &str) -> Block<'c> {
        Block::insert_before(self.module.context(), self.behind, name)
    }

    /// Builds at the end of a block, with the debug location of the instruction.
    fn builder(&self, block: Block<'c>) -> Builder<'c> {
        Builder::at_end_for(self.module.context(), block, self.place)
    }
}
