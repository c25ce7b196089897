// SPDX-License-Identifier: MIT OR Apache-2.0

//! Single accesses to addresses of every kind do what the model says: the right byte, or the right fault.

use anyhow::{Context, Result, bail, ensure};
use gpufas::arguments::Value;
use gpufas::launch::End;
use gpufas::memory::Backing;
use gpufas_abi::{Access, FaultKind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::agreement::Stage;
use crate::memory::{Memory, PAGE_SIZE};
use crate::programs::{Programs, Source};
use crate::{corruption, model, translated};

/// Accesses to one scene.
const ACCESSES: usize = 60;

/// The longest copy of probe.c.
const MOST: u64 = 5000;

/// Backward branches that an access may take.
const BUDGET: u64 = 1 << 20;

/// An access of probe.c.
#[derive(Clone, Copy, Debug)]
struct Probe {
    entry: &'static str,
    access: Access,
    address: u64,
    size: u64,
    value: u64,
    /// Whether it is made as one.
    is_single: bool,
}

/// What must come of it.
enum Expected {
    Result(i32),
    Fault(FaultKind, u64),
}

/// Makes accesses to a random scene on a random machine.
///
/// # Errors
///
/// The first that the model does not foresee.
pub fn check(programs: &Programs, source: &Source, levels: u32, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut stage = Stage::new(&mut random, programs, levels, source.target)?;
    let current = stage.before.clone();
    if random.random_bool(0.4) {
        corruption::corrupt_tables(&mut random, &mut stage);
        stage.restore(&current)?;
    }
    for _ in 0..ACCESSES {
        let probe = probe(&mut random, &stage);
        let programs = source.by_arithmetic();
        let (level, program) = programs.choose(&mut random).context("no programs")?;
        check_probe(&stage, program, probe).with_context(|| format!("{probe:x?} at {level}"))?;
    }
    Ok(())
}

fn probe(random: &mut StdRng, stage: &Stage) -> Probe {
    let mut address =
        if random.random_bool(0.5) { somewhere(random, stage) } else { corruption::junk(random, stage) };
    let width = *[1, 2, 4, 8].choose(random).unwrap_or(&8);
    if random.random_bool(0.7) {
        address -= address % width;
    }
    let (entry, access, size, is_single) = match (random.random_range(0..6), width) {
        (0 | 1, 1) => ("load8", Access::Load, 1, true),
        (0 | 1, 2) => ("load16", Access::Load, 2, true),
        (0 | 1, 4) => ("load32", Access::Load, 4, true),
        (0 | 1, _) => ("load64", Access::Load, 8, true),
        (2 | 3, 1) => ("store8", Access::Store, 1, true),
        (2 | 3, 2) => ("store16", Access::Store, 2, true),
        (2 | 3, 4) => ("store32", Access::Store, 4, true),
        (2 | 3, _) => ("store64", Access::Store, 8, true),
        (4, _) => ("copy", Access::Load, length(random), false),
        _ => ("fill", Access::Store, length(random), false),
    };
    Probe { entry, access, address, size, value: random.random(), is_single }
}

fn length(random: &mut StdRng) -> u64 {
    let most = *[20, 300, MOST].choose(random).unwrap_or(&MOST);
    random.random_range(0..most)
}

/// An address that is mapped, or close to the edge of what is.
fn somewhere(random: &mut StdRng, stage: &Stage) -> u64 {
    let pages: Vec<_> = stage.scene.contents.pages().map(|(address, _)| address).collect();
    let page = pages.choose(random).copied().unwrap_or(0);
    match random.random_range(0..3) {
        0 => page + random.random_range(0..PAGE_SIZE),
        1 => (page + PAGE_SIZE).saturating_sub(random.random_range(0..40)),
        _ => page.saturating_add_signed(random.random_range(-20..20)),
    }
}

fn expected(stage: &Stage, probe: Probe) -> Expected {
    let byte = |index: u64| {
        let at = probe.address.wrapping_add(index);
        model::translate(&stage.machine, &stage.before, at).map_err(|kind| Expected::Fault(kind, at))
    };
    if probe.size != 0 && probe.address.checked_add(probe.size - 1).is_none() {
        // It would go on at address 0.
        return Expected::Fault(FaultKind::Unmapped, probe.address);
    }
    let mut bytes = Vec::new();
    for index in 0..probe.size {
        match byte(index) {
            Ok(physical) => bytes.push(stage.before.byte(physical).unwrap_or(0)),
            // One that begins in memory and ends out of it ends where it begins.
            Err(Expected::Fault(kind, _)) if probe.is_single && probe.address.is_multiple_of(probe.size) => {
                return Expected::Fault(kind, probe.address);
            }
            Err(fault) => return fault,
        }
    }
    Expected::Result(match probe.entry {
        "copy" => {
            bytes.resize(MOST as usize, 0);
            bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into())) as i32
        }
        _ if matches!(probe.access, Access::Store) => 0,
        _ => {
            let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            (value >> 32 ^ value) as i32
        }
    })
}

fn check_probe(stage: &Stage, program: &gpufas::program::Program, probe: Probe) -> Result<()> {
    let entry = program.entry(probe.entry).context("no such entry point")?;
    let arguments = entry.arguments.iter().map(|argument| match argument.name.as_str() {
        "address" => Value::Number(probe.address),
        "size" => Value::Number(probe.size),
        _ => Value::Number(probe.value),
    });
    let arguments: Vec<_> = arguments.collect();
    let machine = &stage.machine;
    let memory = machine.guest_memory(Backing::Shared)?;
    let outcome = translated::run(program, probe.entry, &arguments, (&memory, &machine.layout), BUDGET)?;
    let after = machine.read()?;
    stage.restore(&after)?;
    let mut changed = stage.before.clone();
    match (expected(stage, probe), &outcome.end) {
        (Expected::Result(expected), End::Finished(result)) => {
            ensure!(*result == i64::from(expected), "{result} instead of {expected}");
            if matches!(probe.access, Access::Store) {
                apply(stage, probe, &mut changed)?;
            }
        }
        (Expected::Fault(kind, address), End::Fault(fault)) => {
            let found = (fault.kind, fault.access, fault.address);
            let expected = (kind as u32, probe.access as u32, address);
            ensure!(found == expected, "fault {fault:x?} instead of {kind:?} at {address:#x}");
            translated::check_site(fault.site, program)?;
        }
        (Expected::Result(result), end) => bail!("{end:x?} instead of {result}"),
        (Expected::Fault(kind, address), end) => bail!("{end:x?} instead of {kind:?} at {address:#x}"),
    }
    match translated::difference(&changed, &after) {
        Some(difference) => bail!("memory: {difference}"),
        None => Ok(()),
    }
}

/// Makes a store.
fn apply(stage: &Stage, probe: Probe, memory: &mut Memory) -> Result<()> {
    for index in 0..probe.size {
        let Ok(at) = model::translate(&stage.machine, &stage.before, probe.address + index) else {
            bail!("a store to {:#x}", probe.address + index)
        };
        let page = at & !(PAGE_SIZE - 1);
        if memory.page(page).is_none() {
            memory.insert(page, [0; PAGE_SIZE as usize]);
        }
        let byte = if probe.is_single { (probe.value >> (8 * index)) as u8 } else { probe.value as u8 };
        memory.write(at, &[byte]);
    }
    Ok(())
}
