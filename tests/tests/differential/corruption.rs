// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whatever is in the target's memory, a program ends with a result or a fault, in time, and changes nothing that its
//! journal does not say.

use anyhow::{Context, Result, bail, ensure};
use gpufas::launch::{End, Outcome};
use gpufas::memory::Backing;
use gpufas::program::Program;
use gpufas_abi::{Access, FaultKind};
use gpufas_kernel::Layout;
use gpufas_tests::tools::Target;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};

use crate::agreement::Stage;
use crate::memory::{Memory, PAGE_SIZE};
use crate::programs::{Programs, Source};
use crate::{arguments, translated};

/// Something in this process, whose addresses its children have as well.
static OWN: [u64; 64] = [0; 64];

/// Runs each entry point of a source file on a corrupt scene, at one optimisation level each.
///
/// # Errors
///
/// The first program that does what it must not.
pub fn check(programs: &Programs, source: &Source, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let levels = *[4, 5].choose(&mut random).unwrap_or(&4);
    let mut stage = Stage::new(&mut random, programs, levels, source.target)?;
    let sound = stage.scene.contents.clone();
    for entry in source.entries() {
        stage.scene.contents = sound.clone();
        let current = stage.machine.read()?;
        corrupt_scene(&mut random, &mut stage);
        stage.before = stage.machine.lay_out(&stage.scene.contents);
        let mut layout = stage.machine.layout;
        if random.random_bool(0.25) {
            corrupt_tables(&mut random, &mut stage);
        } else if random.random_bool(0.05) {
            corrupt_layout(&mut random, &mut layout);
        }
        stage.restore(&current)?;

        let mut backings = vec![Backing::Shared, Backing::Shared, Backing::Shared, Backing::Dump];
        if source.target == Target::Host {
            backings.push(Backing::Private);
        }
        let backing = *backings.choose(&mut random).unwrap_or(&Backing::Shared);
        let memory = stage.machine.guest_memory(backing)?;
        let root = if random.random_bool(0.1) { junk(&mut random, &stage) } else { stage.scene.root };
        let arguments = arguments::random(&mut random, entry, root);
        let budget = *[900, 5_000, 50_000].choose(&mut random).unwrap_or(&900);
        let programs = source.by_arithmetic();
        let Some((level, program)) = programs.choose(&mut random) else { continue };
        let what = || {
            format!("{}({arguments:x?}) of {}.c at {}, {backing:?} memory", entry.name, source.name, level)
        };
        let outcome = translated::run(program, &entry.name, &arguments, (&memory, &layout), budget)
            .with_context(what)?;
        check_end(&outcome, program).with_context(what)?;
        let after = stage.machine.read()?;
        check_memory(&outcome, backing, budget, &stage, &after).with_context(what)?;
    }
    Ok(())
}

/// The program ended by itself and says why.
fn check_end(outcome: &Outcome, program: &Program) -> Result<()> {
    match outcome.end {
        End::Finished(_) => Ok(()),
        End::Fault(fault) => {
            let kind = FaultKind::from_number(fault.kind);
            ensure!(kind.is_some_and(|kind| kind != FaultKind::Stopped), "no such fault: {fault:x?}");
            ensure!(Access::from_number(fault.access).is_some(), "no such access: {fault:x?}");
            translated::check_site(fault.site, program).with_context(|| format!("{kind:?}: {fault:x?}"))
        }
        ref end => bail!("{end:x?}"),
    }
}

/// Nothing was changed but what the journal says.
fn check_memory(
    outcome: &Outcome,
    backing: Backing,
    budget: u64,
    stage: &Stage,
    after: &Memory,
) -> Result<()> {
    let mut undone = after.clone();
    if outcome.stores_lost != 0 {
        // Then it is known that what is known is not all.
        ensure!(backing == Backing::Shared && budget > 900, "{} stores are lost", outcome.stores_lost);
        return Ok(());
    }
    if outcome.stores_kept {
        translated::undo(outcome, &stage.machine, &mut undone)?;
    } else {
        ensure!(backing != Backing::Shared, "stores to shared memory cannot be taken back");
    }
    match translated::difference(&stage.before, &undone) {
        Some(difference) => bail!("memory was changed, and the journal does not say so: {difference}"),
        None => Ok(()),
    }
}

/// Replaces some pointers and other words.
fn corrupt_scene(random: &mut StdRng, stage: &mut Stage) {
    for _ in 0..random.random_range(1..6) {
        let pointer = stage.scene.pointers.keys().copied().choose(random);
        let object = stage.scene.objects.choose(random).copied();
        let anywhere = object.map(|(start, size)| start + random.random_range(0..size));
        let Some(at) = (if random.random_bool(0.6) { pointer } else { anywhere }) else { continue };
        let value = junk(random, stage);
        let size = if random.random_bool(0.8) { 8 } else { random.random_range(1..4) };
        let end = anywhere.map_or(at + 8, |_| at + size as u64);
        // Not beyond the end of the memory that there is.
        let size = (at..end).take_while(|at| stage.scene.contents.byte(*at).is_some()).count().min(size);
        stage.scene.contents.write(at, &value.to_le_bytes()[..size]);
    }
}

/// A value that may be taken for a pointer.
pub fn junk(random: &mut StdRng, stage: &Stage) -> u64 {
    let machine = &stage.machine;
    let layout = &machine.layout;
    let target = stage.scene.pointers.values().copied().choose(random).unwrap_or(0);
    let zone = machine.zones.choose(random);
    let physical = machine.physical_ranges().choose(random).cloned().unwrap_or(0..0);
    let table = machine.tables.pages().map(|(address, _)| address).choose(random).unwrap_or(0);
    let near = |random: &mut StdRng, address: u64| address.wrapping_add_signed(random.random_range(-24..24));
    match random.random_range(0..18) {
        // What is a pointer: to something else, to the same, into the middle of an object.
        0..=2 => target,
        3 => target.wrapping_add(random.random_range(1..16)),
        4 => stage.scene.root,
        5 => near(random, target),
        // The edges of regions and of memory.
        6 => near(random, zone.map_or(0, |zone| zone.end())),
        7 => near(random, layout.direct_map_start.wrapping_add(physical.end)),
        8 => {
            let edges = [layout.image_start, layout.image_end, layout.direct_map_end];
            let edge = edges.choose(random).copied().unwrap_or(0);
            near(random, edge)
        }
        // Page tables, as memory of the direct map.
        9 => layout.direct_map_start.wrapping_add(table + random.random_range(0..512) * 8),
        // Devices, pages that are swapped out, holes.
        10 => machine.traps.choose(random).copied().unwrap_or(0),
        11 => layout.direct_map_start.wrapping_add(random.random_range(0..1 << 44)),
        // Not the kernel's: this program's, any process's.
        12 => random.random_range(0..8192),
        13 => {
            let local = 0_u64;
            *[(&raw const OWN) as u64, (&raw const local) as u64].choose(random).unwrap_or(&0)
        }
        14 => random.random_range(0..1 << 47),
        // Not canonical; error codes and the end of the address space; anything.
        15 => 1 << 63 | random.random_range(0..1 << 55),
        16 => random.random_range(-4096_i64..0) as u64,
        _ => random.random(),
    }
}

/// Replaces some entries of page tables.
pub fn corrupt_tables(random: &mut StdRng, stage: &mut Stage) {
    let tables: Vec<_> = stage.machine.tables.pages().map(|(address, _)| address).collect();
    for _ in 0..random.random_range(1..8) {
        let Some(table) = tables.choose(random) else { return };
        // Mostly entries that are in use.
        let used = (0..PAGE_SIZE / 8)
            .map(|index| table + index * 8)
            .filter(|at| stage.before.word(*at) != Some(0))
            .choose(random);
        let at = match used {
            Some(at) if random.random_bool(0.9) => at,
            _ => table + random.random_range(0..PAGE_SIZE / 8) * 8,
        };
        let old = stage.before.word(at).unwrap_or(0);
        let other = tables.choose(random).copied().unwrap_or(0);
        let new = match random.random_range(0..6) {
            0 => random.random(),
            1 => old ^ 1 << random.random_range(0..64),
            2 => other | 0x67,
            3 => old ^ 0x80,
            4 => old & !0x000f_ffff_ffff_f000 | random.random::<u64>() & 0x000f_ffff_ffff_f000,
            _ => old ^ 1 << random.random_range(12..40),
        };
        stage.before.write(at, &new.to_le_bytes());
    }
}

/// Makes the host's own idea of the kernel's place wrong.
fn corrupt_layout(random: &mut StdRng, layout: &mut Layout) {
    let value: u64 = random.random();
    let shift = random.random_range(0..64);
    match random.random_range(0..7) {
        0 => layout.direct_map_start ^= 1 << shift,
        1 => layout.direct_map_end ^= 1 << shift,
        2 => layout.image_start = value,
        3 => layout.image_end ^= 1 << shift,
        4 => layout.image_physical = value,
        5 => layout.page_table_root = value,
        _ => layout.page_table_levels = value as u32 % 8,
    }
}
