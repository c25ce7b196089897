// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that sleep are put on run queues by the kernel's own scheduler, which is compiled along.

mod kinds;
mod running;
mod sleeping;
mod ways;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use gpufas_tests::bundle;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::Model;
use gpufas_tests::modules::SUPPORT;
use gpufas_tests::releases::of_techniques;
use gpufas_tests::repair::{KILL, KILL_RUNNING, Repair, Report, case};
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};

/// How its programs wake tasks: by the run queue alone, or by whichever way is possible.
const RUN_QUEUE: &str = "run-queue";
const RUN_QUEUE_FIRST: &str = "run-queue,wake-queue";
const WAKE_QUEUE_FIRST: &str = "wake-queue,run-queue";

/// The one that is part of every run.
const OFTEN: &str = "6.1";

/// Where programs run.
const TARGETS: [Target; 2] = [Target::Host, Target::Cuda];

fn main() -> Result<ExitCode> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // CFS and EEVDF, and each flavour.
    let kernels = of_techniques(|spec| spec.name == OFTEN);
    let kernels = kernels.iter().filter(|spec| spec.recoveries).map(|spec| spec.name);
    if bundle::filled().is_some() {
        for name in kernels {
            let tools = Tools::for_guest(folder, name)?;
            SUPPORT.build(&tools)?;
            for target in TARGETS {
                tools.compile(KILL, target)?;
                tools.compile_scheduled(KILL_RUNNING, target, RUN_QUEUE, &[])?;
                for schedule in [RUN_QUEUE, RUN_QUEUE_FIRST, WAKE_QUEUE_FIRST] {
                    tools.compile_scheduled(KILL, target, schedule, &[])?;
                }
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for name in kernels {
        let tools = Tools::for_guest(folder, name)?;
        for (target, cpus) in TARGETS.into_iter().flat_map(|target| [1, 4].map(|cpus| (target, cpus))) {
            let tools = tools.clone();
            let on = target.prefix();
            let of = if cpus == 1 { "1 processor" } else { "4 processors" };
            let mut group = suite.group(format!("{on}guest {name}, {of}"), move || {
                let model =
                    Model { cpus, memory_mib: 512, sleepers: 20, modules: &[SUPPORT], ..Model::default() };
                Repair::new(&tools, target, model)
            });
            sleeping::add(&mut group, cpus);
            kinds::add(&mut group, cpus);
            ways::add(&mut group, cpus);
            running::add(&mut group, target, cpus);
        }
    }
    Ok(suite.run())
}

/// Runs an entry point of [`KILL`], compiled to wake tasks by the run queue, on a guest, and returns what it reports.
fn schedule(repair: &Repair, status: i32, entry: &str, arguments: &[&str]) -> Result<Report> {
    schedule_by(repair, RUN_QUEUE, &[], status, entry, arguments)
}

/// The same with other ways, and options of `gpufas run`.
fn schedule_by(
    repair: &Repair,
    schedule: &str,
    options: &[&str],
    status: i32,
    entry: &str,
    arguments: &[&str],
) -> Result<Report> {
    let program = repair.machine.tools().compile_scheduled(KILL, repair.target, schedule, &[])?;
    report(repair, &program, status, entry, &[&["--json"], options].concat(), arguments)
}

/// Sends a signal that wakes nobody.
fn signal_only(repair: &Repair, entry: &str, arguments: &[&str]) -> Result<()> {
    let program = repair.machine.tools().compile(KILL, repair.target)?;
    let options = ["--json", "--interrupts", "never"];
    report(repair, &program, 0, entry, &options, arguments)?.says("pending until the process wakes up")
}

/// Runs an entry point of a program for which the guest is paused.
fn report(
    repair: &Repair,
    program: &Path,
    status: i32,
    entry: &str,
    options: &[&str],
    arguments: &[&str],
) -> Result<Report> {
    let tools = repair.machine.tools();
    let program = (program, repair.target);
    let ran =
        Ran::of(repair.machine.with_source(|guest| run(tools, program, entry, guest, options, arguments)))?;
    let report = Report(ran.with_status(status)?.json()?);
    ensure!(report.0["error"].is_null(), "an error: {report:?}");
    ensure!(report.0["guest"]["paused"] == true, "the guest was not paused: {report:?}");
    ensure!(report.0["stores_lost"] == 0, "stores were lost: {report:?}");
    Ok(report)
}
