// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program that frees what it has not allocated, or leaves an address of its own memory to the kernel, ends with the fault that
//! says so.

use anyhow::{Context, Result, bail, ensure};
use gpufas::launch::End;
use gpufas::memory::Backing;
use gpufas_abi::FaultKind;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::agreement::{BUDGET, Stage};
use crate::programs::{Programs, Source};
use crate::{arguments, translated};

/// Runs each entry point of a source file at each optimisation level.
///
/// # Errors
///
/// The first that ends in another way.
pub fn check(programs: &Programs, source: &Source, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let stage = Stage::new(&mut random, programs, 4, source.target)?;
    let memory = stage.machine.guest_memory(Backing::Shared)?;
    for entry in source.entries() {
        let arguments = arguments::random(&mut random, entry, stage.scene.root);
        let leaves = entry.name.starts_with("leave_");
        let expected = if leaves { FaultKind::OwnAddress } else { FaultKind::NotAllocated };
        for (level, program) in &source.programs {
            let what = || format!("{}({arguments:x?}) at {level}", entry.name);
            let outcome =
                translated::run(program, &entry.name, &arguments, (&memory, &stage.machine.layout), BUDGET)
                    .with_context(what)?;
            match outcome.end {
                End::Fault(fault) if fault.kind == expected as u32 => {
                    translated::check_site(fault.site, program).with_context(what)?;
                }
                ref end => bail!("{}: {end:x?}", what()),
            }
            let after = stage.machine.read()?;
            let difference = translated::difference(&stage.before, &after);
            ensure!(difference.is_some() == leaves, "{} changed memory: {difference:?}", what());
            stage.restore(&after)?;
        }
    }
    Ok(())
}
