// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that sleep are put on run queues by the kernel's own scheduler, which is compiled along.

mod kinds;
mod sleeping;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use gpufas_guest::kernels::scheduler;
use gpufas_tests::bundle;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::Model;
use gpufas_tests::releases::of_techniques;
use gpufas_tests::repair::{KILL, Repair, Report};
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

/// The program.
const SCHEDULE: &str = "examples/run_queue/schedule.c";

/// Kernels with CFS and with EEVDF, of each flavour.
const KERNELS: [&str; 6] = ["6.1", "6.12", "5.10", "7.2", "6.12-rt", "6.1-cloud"];

/// The one that is part of every run.
const OFTEN: &str = "6.1";

/// Where programs run.
const TARGETS: [Target; 2] = [Target::Host, Target::Cuda];

fn main() -> Result<ExitCode> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kernels = of_techniques(|spec| spec.name == OFTEN);
    let kernels = kernels.iter().map(|spec| spec.name).filter(|name| KERNELS.contains(name));
    if bundle::filled().is_some() {
        for name in kernels {
            let tools = Tools::for_guest(folder, name)?;
            for target in TARGETS {
                tools.compile(KILL, target)?;
                compile_schedule(&tools, target)?;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for name in kernels {
        let tools = Tools::for_guest(folder, name)?;
        for (target, cpus) in TARGETS.into_iter().flat_map(|target| [1, 4].map(|cpus| (target, cpus))) {
            let tools = tools.clone();
            let on = if target == Target::Cuda { "gpu, " } else { "" };
            let of = if cpus == 1 { "1 processor" } else { "4 processors" };
            let mut group = suite.group(format!("{on}guest {name}, {of}"), move || {
                let model = Model { cpus, memory_mib: 512, sleepers: 20, ..Model::default() };
                Repair::new(&tools, target, model)
            });
            sleeping::add(&mut group, cpus);
            kinds::add(&mut group, cpus);
        }
    }
    Ok(suite.run())
}

/// Compiles [`SCHEDULE`] together with the scheduler of the guests' kernel.
fn compile_schedule(tools: &Tools, target: Target) -> Result<PathBuf> {
    tools.compile_along(SCHEDULE, target, &scheduler::sources(tools.kernel_name()), &scheduler::OPTIONS)
}

/// Adds a case, after which the guest must be unharmed.
fn case(group: &mut Group<'_, Repair>, name: &str, run: impl FnOnce(&Repair) -> Result<()> + Send + 'static) {
    group.case(name, |repair| {
        run(repair)?;
        repair.machine.check_unharmed()
    });
}

/// Runs an entry point of [`SCHEDULE`] on a guest, and returns what it reports.
fn schedule(repair: &Repair, status: i32, entry: &str, arguments: &[&str]) -> Result<Report> {
    let program = compile_schedule(repair.machine.tools(), repair.target)?;
    report(repair, &program, status, entry, &["--json"], arguments)
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
