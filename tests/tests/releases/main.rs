// SPDX-License-Identifier: MIT OR Apache-2.0

//! One program on guests of several releases: as variants for some of them, or relocatable.

mod locks;
mod pointers;
mod relocatable;
mod sections;
mod signals;
mod techniques;
mod unlock;
mod variants;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use gpufas_guest::kernels::KERNELS;
use gpufas_tests::bundle;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::known;
use gpufas_tests::machine::Model;
use gpufas_tests::releases::is_matrix;
use gpufas_tests::repair::{Repair, case};
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

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
        techniques::compile_all()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for target in TARGETS {
        for name in KERNELS.iter().filter(|spec| spec.often).map(|spec| spec.name) {
            let mut group = group(&mut suite, name, target)?;
            // Their programs are compiled as they are run, for which a bundle has nothing.
            if target == Target::Host && bundle::used().is_none() {
                locks::add(&mut group, name);
                sections::add(&mut group);
                pointers::add(&mut group);
            }
            if target == Target::Host {
                case(&mut group, "a kernel that was found before is not searched for", |repair| {
                    known::check(&repair.machine)
                });
            }
            variants::add(&mut group, name);
            relocatable::add(&mut group, name);
        }
    }
    for target in TARGETS {
        techniques::add(&mut suite, target)?;
    }
    // The other flavours run the same code, but for what PREEMPT_RT makes of locks.
    for spec in KERNELS
        .iter()
        .filter(|spec| spec.flavour.starts_with("rt-") && is_matrix() && bundle::used().is_none())
    {
        let mut group = group(&mut suite, spec.name, Target::Host)?;
        locks::add(&mut group, spec.name);
        sections::add(&mut group);
    }
    Ok(suite.run())
}

/// Cases with a guest of a kernel.
fn group<'a>(suite: &'a mut Suite, name: &str, target: Target) -> Result<Group<'a, Repair>> {
    let tools = Tools::for_guest(Path::new(env!("CARGO_TARGET_TMPDIR")), name)?;
    let on = target.prefix();
    Ok(suite.group(format!("{on}guest {name}"), move || {
        Repair::new(&tools, target, Model { sleepers: 20, ..Model::default() })
    }))
}

/// Compiles a source for some kernels, with options.
fn compile(repair: &Repair, source: &str, kernels: &[&str], options: &[&str]) -> Result<PathBuf> {
    repair.machine.tools().compile_for(source, repair.target, kernels, options)
}

/// Runs an entry point of a compiled program.
fn run_program(repair: &Repair, program: &Path, entry: &str) -> Result<Ran> {
    run_with(repair, program, entry, &[])
}

/// The same with arguments.
fn run_with(repair: &Repair, program: &Path, entry: &str, arguments: &[&str]) -> Result<Ran> {
    Ran::of(repair.machine.with_source(|guest| {
        run(repair.machine.tools(), (program, repair.target), entry, guest, &["--json"], arguments)
    }))
}
