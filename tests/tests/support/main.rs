// SPDX-License-Identifier: MIT OR Apache-2.0

//! The in-kernel recovery support serves programs that run outside its guest, on the host and on a GPU, and is not
//! impressed by what is no request.

mod deadlocks;
mod header;
mod lifetime;
mod many;
mod memory;
mod nmi;
mod pause;
mod requests;
mod signals;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use gpufas_guest::kernels::KERNELS;
use gpufas_tests::bundle;
use gpufas_tests::deadlock::COUNTER;
use gpufas_tests::machine::Model;
use gpufas_tests::modules::{DEADLOCK, MEMORY, Module, SEND_SIGNAL, SUPPORT};
use gpufas_tests::releases::{is_matrix, of_techniques};
use gpufas_tests::repair::{self, KILL, KILL_RUNNING, Repair, Report};
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

/// The bundled program.
const SUPPORT_PROGRAM: &str = "examples/support.c";

/// The tests' own, with requests that no program should make.
const TEST_PROGRAM: &str = "tests/programs/requests.c";

/// The kernel of every run.
const KERNEL: &str = "6.1";

/// What the guests are given.
const MODULES: &[Module] = &[SUPPORT, DEADLOCK];

/// Every module of the repository that a guest is given.
const ALL_MODULES: &[Module] = &[SUPPORT, MEMORY, DEADLOCK, SEND_SIGNAL];

/// Processors of the guests.
const CPUS: u32 = 4;

fn main() -> Result<ExitCode> {
    let kernels = of_techniques(|spec| spec.name == KERNEL);
    if bundle::filled().is_some() {
        for spec in kernels {
            let tools = tools(spec.name)?;
            tools.compile_all(&[
                SUPPORT_PROGRAM,
                TEST_PROGRAM,
                KILL,
                KILL_RUNNING,
                COUNTER,
                pause::PROGRAM,
                many::PROGRAM,
            ])?;
            for module in MODULES {
                module.build(&tools)?;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for spec in kernels {
        for target in [Target::Host, Target::Cuda] {
            add(&mut suite, spec.name, target, CPUS)?;
        }
        if is_matrix() {
            add(&mut suite, spec.name, Target::Host, 1)?;
        }
        nmi::add_everywhere(&mut suite, spec.name, tools(spec.name)?);
        memory::add(&mut suite, spec);
    }
    for spec in KERNELS.iter().filter(|spec| (spec.often || is_matrix()) && bundle::used().is_none()) {
        suite.case(format!("modules for {}: all are built", spec.name), || {
            let tools = tools(spec.name)?;
            ALL_MODULES.iter().try_for_each(|module| module.build(&tools).map(drop))
        });
    }
    Ok(suite.run())
}

/// The tools for guests of a kernel.
fn tools(kernel: &str) -> Result<Arc<Tools>> {
    Tools::for_guest(Path::new(env!("CARGO_TARGET_TMPDIR")), kernel)
}

fn add(suite: &mut Suite, kernel: &str, target: Target, cpus: u32) -> Result<()> {
    let tools = tools(kernel)?;
    let on = target.prefix();
    let with = if cpus == 1 { ", 1 processor" } else { "" };
    let mut group = suite.group(format!("{on}guest {kernel}{with}"), move || {
        let model = Model { cpus, sleepers: 20, modules: MODULES, ..Model::default() };
        let repair = Repair::new(&tools, target, model)?;
        repair.machine.guest().load_module(DEADLOCK.name, "")?;
        Ok(repair)
    });
    lifetime::add(&mut group);
    header::add(&mut group);
    requests::add(&mut group);
    signals::add(&mut group);
    many::add(&mut group);
    nmi::add(&mut group, cpus);
    pause::add(&mut group, cpus);
    deadlocks::add(&mut group, kernel);
    Ok(())
}

/// Adds a case that begins with the module just loaded, after which the guest must be unharmed.
fn case(group: &mut Group<'_, Repair>, name: &str, run: impl FnOnce(&Repair) -> Result<()> + Send + 'static) {
    repair::case(group, name, |repair| {
        let guest = repair.machine.guest();
        guest.load_module(SUPPORT.name, "")?;
        run(repair)?;
        guest.unload_module(SUPPORT.name)?;
        Ok(())
    });
}

/// Runs an entry point of a program while the guest runs.
fn ask(
    repair: &Repair,
    program: &str,
    entry: &str,
    status: i32,
    arguments: &[(&str, String)],
) -> Result<Report> {
    let arguments: Vec<String> =
        arguments.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    repair.report_with(status, program, entry, &["--pause", "never"], &arguments)
}

/// Runs an entry point of the tests' program, which must succeed.
fn check(repair: &Repair, entry: &str, arguments: &[(&str, String)]) -> Result<Report> {
    ask(repair, TEST_PROGRAM, entry, 0, arguments)
}

/// How many heavy requests were served since the module is there, if there were no light ones: with PREEMPT_RT in a thread, else in
/// hard interrupts.
fn served_heavy(repair: &Repair) -> Result<u64> {
    let is_realtime = repair.machine.guest().ready().release.contains("-rt-");
    counter(repair, if is_realtime { "served 2" } else { "served 0" })
}

/// A number that the tests' program counted.
fn counter(repair: &Repair, name: &str) -> Result<u64> {
    let report = check(repair, "counters", &[])?;
    let line = report.log().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| anyhow::anyhow!("no counter {name} in {:?}", report.log()))
}
