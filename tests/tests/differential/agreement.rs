// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions have the same result and leave the same memory, natively and translated.

use anyhow::{Context, Result, bail, ensure};
use gpufas::arguments::Value;
use gpufas::launch::{End, Outcome};
use gpufas::memory::{Backing, GuestMemory};
use gpufas::program::Program;
use gpufas_abi::FaultKind;
use gpufas_tests::tools::Target;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::machine::Machine;
use crate::memory::{Memory, PAGE_SIZE};
use crate::programs::{Programs, Source};
use crate::scene::Scene;
use crate::{arguments, compare, native, translated};

/// Backward branches that a function may take; far more than any needs.
pub const BUDGET: u64 = 1 << 24;

/// A scene laid out on a machine.
pub struct Stage {
    /// The machine.
    pub machine: Machine,
    /// The scene.
    pub scene: Scene,
    /// Physical memory with the scene in it.
    pub before: Memory,
}

impl Stage {
    /// A random machine with a random scene, for programs of a target.
    pub fn new(random: &mut StdRng, programs: &Programs, levels: u32, target: Target) -> Result<Self> {
        // All of what a GPU is given access to becomes memory in use.
        let machine = Machine::new(random, levels, target == Target::Host)?;
        let scene = Scene::new(random, &machine, &programs.fields);
        let before = machine.lay_out(&scene.contents);
        let stage = Self { machine, scene, before };
        stage.restore(&Memory::default())?;
        Ok(stage)
    }

    /// Makes physical memory again as it was before a run that left it like `after`.
    pub fn restore(&self, after: &Memory) -> Result<()> {
        // What is missing in `after` is 0.
        for (address, _) in after.pages().filter(|(address, _)| self.before.page(*address).is_none()) {
            self.machine.write(address, &[0; PAGE_SIZE as usize])?;
        }
        for (address, page) in
            self.before.pages().filter(|(address, page)| after.page(*address) != Some(page))
        {
            self.machine.write(address, page)?;
        }
        Ok(())
    }
}

/// Runs the entry points of a source file that `choose` wants, once at each optimisation level.
///
/// # Errors
///
/// The first disagreement.
pub fn check(
    programs: &Programs,
    source: &Source,
    choose: impl Fn(&str) -> bool,
    levels: u32,
    seed: u64,
) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let stage = Stage::new(&mut random, programs, levels, source.target)?;
    let shared = stage.machine.guest_memory(Backing::Shared)?;
    let private = stage.machine.guest_memory(Backing::Private)?;
    let dump = stage.machine.guest_memory(Backing::Dump)?;
    for entry in source.entries().iter().filter(|entry| choose(&entry.name)) {
        let arguments = arguments::random(&mut random, entry, stage.scene.root);
        let function = programs.native(&entry.name)?;
        let expected = native::run(&stage.machine, &stage.scene, function, &arguments)
            .with_context(|| format!("{}({arguments:x?})", entry.name))?;
        for (level, program) in &source.programs {
            let memory = match random.random_range(0..10) {
                // Not for a GPU, which has no access to it.
                0 if source.target == Target::Host => &private,
                1 => &dump,
                _ => &shared,
            };
            let case = Case { programs, stage: &stage, program, entry: &entry.name, memory };
            case.check(&arguments, &expected).with_context(|| {
                format!(
                    "{}({arguments:x?}) of {}.c at {level}, {:?} memory",
                    entry.name,
                    source.name,
                    memory.backing()
                )
            })?;
        }
    }
    Ok(())
}

struct Case<'a> {
    programs: &'a Programs,
    stage: &'a Stage,
    program: &'a Program,
    entry: &'a str,
    memory: &'a GuestMemory,
}

impl Case<'_> {
    fn check(&self, arguments: &[Value], expected: &native::Outcome) -> Result<()> {
        let machine = &self.stage.machine;
        let outcome =
            translated::run(self.program, self.entry, arguments, (self.memory, &machine.layout), BUDGET)?;
        let after = machine.read()?;
        let checked = if self.memory.backing() == Backing::Dump {
            self.read_only(expected, &outcome, &after)
        } else {
            self.agrees(expected, &outcome, &after).and_then(|()| self.journal(&outcome, &after))
        };
        self.stage.restore(&after)?;
        checked
    }

    /// The result and all of memory.
    fn agrees(&self, expected: &native::Outcome, outcome: &Outcome, after: &Memory) -> Result<()> {
        match outcome.end {
            End::Finished(result) if result == i64::from(expected.result) => {}
            End::Finished(result) => bail!("result {result}, natively {}", expected.result),
            End::Fault(fault) => bail!("{}", self.describe_fault(&fault)),
            ref end => bail!("{end:?}"),
        }
        let Stage { machine, scene, before } = self.stage;
        let (mut rest_before, mut rest_after) = (before.clone(), after.clone());
        let mut contents = Memory::default();
        for (address, _) in scene.contents.pages() {
            let physical = machine.physical(address).context("a page out of all zones")?;
            contents.insert(address, after.page(physical).copied().unwrap_or([0; PAGE_SIZE as usize]));
            rest_before.remove(physical);
            rest_after.remove(physical);
        }
        if let Some(address) = compare::difference(machine, &expected.memory, &contents) {
            let word = address & !7;
            bail!(
                "memory differs at {}: natively {:#x?}, translated {:#x?}, before {:#x?}",
                compare::describe(scene, &self.programs.fields, address),
                expected.memory.word(word),
                contents.word(word),
                scene.contents.word(word),
            );
        }
        match translated::difference(&rest_before, &rest_after) {
            Some(difference) => bail!("memory outside of the scene was changed: {difference}"),
            None => Ok(()),
        }
    }

    /// The journal holds the stores that were made and no others.
    fn journal(&self, outcome: &Outcome, after: &Memory) -> Result<()> {
        let machine = &self.stage.machine;
        ensure!(outcome.stores_lost == 0 && outcome.stores_kept, "{} stores are lost", outcome.stores_lost);
        let mut undone = after.clone();
        translated::undo(outcome, machine, &mut undone)?;
        if let Some(difference) = translated::difference(&self.stage.before, &undone) {
            bail!("taking the stores back does not give what was before: {difference}");
        }
        let mut redone = self.stage.before.clone();
        for store in &outcome.stores {
            let entry = &store.entry;
            ensure!(
                machine.physical(entry.address) == Some(entry.physical),
                "{:#x} is not at {:#x}",
                entry.address,
                entry.physical
            );
            let new = store.new.context("a store of an unknown value")?;
            redone.write(entry.physical, &new.to_le_bytes()[..entry.size as usize]);
        }
        if let Some(difference) = translated::difference(after, &redone) {
            bail!("making the stores again does not give what was after: {difference}");
        }
        if self.entry.starts_with("journal_") {
            let expected = match outcome.end {
                End::Finished(stores) => stores,
                _ => -1,
            };
            ensure!(
                i64::try_from(outcome.stores.len()) == Ok(expected),
                "{expected} stores were made, {} are in the journal",
                outcome.stores.len()
            );
        }
        ensure!(
            self.program.manifest().variants[0].writes || outcome.stores.is_empty(),
            "the manifest denies stores"
        );
        translated::check_sites(outcome, self.program)
    }

    /// In memory that must not be written, a function ends at its first store, or as it always does if it has none.
    fn read_only(&self, expected: &native::Outcome, outcome: &Outcome, after: &Memory) -> Result<()> {
        if let Some(difference) = translated::difference(&self.stage.before, after) {
            bail!("a memory dump was changed: {difference}");
        }
        ensure!(outcome.stores.is_empty(), "there are stores in the journal");
        match outcome.end {
            End::Finished(result) => {
                ensure!(
                    result == i64::from(expected.result),
                    "result {result}, natively {}",
                    expected.result
                );
                let unchanged = native::Outcome { result: 0, memory: expected.memory.clone() };
                let difference =
                    compare::difference(&self.stage.machine, &unchanged.memory, &self.stage.scene.contents);
                ensure!(difference.is_none(), "a store to a memory dump passed");
                Ok(())
            }
            End::Fault(fault) if fault.kind == FaultKind::ReadOnly as u32 => {
                translated::check_site(fault.site, self.program)
            }
            End::Fault(fault) => bail!("{}", self.describe_fault(&fault)),
            ref end => bail!("{end:?}"),
        }
    }

    fn describe_fault(&self, fault: &gpufas_abi::FaultRecord) -> String {
        let kind = FaultKind::from_number(fault.kind);
        let site = self.program.manifest().variants[0].sites.get(fault.site as usize);
        let at = compare::describe(&self.stage.scene, &self.programs.fields, fault.address);
        format!("fault {kind:?} at {at}: {fault:x?}, {site:?}")
    }
}
