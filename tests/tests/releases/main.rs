// SPDX-License-Identifier: MIT OR Apache-2.0

//! One program on guests of several releases: as variants for some of them, or relocatable.

mod relocatable;
mod variants;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use gpufas_tests::bundle;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::Model;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

/// The guests.
const RELEASES: [&str; 4] = ["5.10", "6.1", "6.12", "7.2"];

/// Where the programs run.
const TARGETS: [Target; 2] = [Target::Host, Target::Cuda];

fn main() -> Result<ExitCode> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if bundle::filled().is_some() {
        let tools = Tools::new(folder)?;
        for target in TARGETS {
            variants::compile_all(&tools, target)?;
            relocatable::compile_all(&tools, target)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for target in TARGETS {
        for name in RELEASES {
            let tools = Tools::for_guest(folder, name)?;
            let on = if target == Target::Cuda { "gpu, guest" } else { "guest" };
            let mut group = suite.group(format!("{on} {name}"), move || {
                Repair::new(&tools, target, Model { sleepers: 20, ..Model::default() })
            });
            variants::add(&mut group, name);
            relocatable::add(&mut group, name);
        }
    }
    Ok(suite.run())
}

/// Adds a case, after which the guest must be unharmed.
fn case(group: &mut Group<'_, Repair>, name: &str, run: impl FnOnce(&Repair) -> Result<()> + Send + 'static) {
    group.case(name, |repair| {
        run(repair)?;
        repair.machine.check_unharmed()
    });
}

/// Compiles a source for some kernels, with options.
fn compile(repair: &Repair, source: &str, kernels: &[&str], options: &[&str]) -> Result<PathBuf> {
    repair.machine.tools().compile_for(source, repair.target, kernels, options)
}

/// Runs an entry point of a compiled program.
fn run_program(repair: &Repair, program: &Path, entry: &str) -> Result<Ran> {
    Ran::of(repair.machine.with_source(|guest| {
        run(repair.machine.tools(), (program, repair.target), entry, guest, &["--json"], &[])
    }))
}
