// SPDX-License-Identifier: MIT OR Apache-2.0

//! One program on guests of several releases: as variants for some of them, or relocatable.

mod relocatable;
mod variants;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::Model;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

/// The guests.
const RELEASES: [&str; 4] = ["5.10", "6.1", "6.12", "7.2"];

fn main() -> Result<ExitCode> {
    let mut suite = Suite::default();
    for name in RELEASES {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let tools = Tools::for_guest(folder, name)?;
        let mut group = suite.group(format!("guest {name}"), move || {
            Repair::new(&tools, Target::Host, Model { sleepers: 20, ..Model::default() })
        });
        variants::add(&mut group, name);
        relocatable::add(&mut group, name);
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
    repair.machine.tools().compile_for(source, Target::Host, kernels, options)
}

/// Runs an entry point of a compiled program.
fn run_program(repair: &Repair, program: &Path, entry: &str) -> Result<Ran> {
    Ran::of(repair.machine.with_source(|guest| {
        run(repair.machine.tools(), (program, Target::Host), entry, guest, &["--json"], &[])
    }))
}
