// SPDX-License-Identifier: MIT OR Apache-2.0

//! Faults that stop a guest from serving anybody, and what cures them: the bundled programs from outside, in each way that
//! they have, and what a user would have without them. A case is a cell of a table: kernel, fault, method; the
//! table is printed at the end. Times are for it, none is judged.

mod deadlock;
mod fault;
mod many;
mod memory;
mod method;
mod process_table;
mod processors;
mod scene;
mod signals;
mod stress;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::modules::{DEADLOCK, SEND_SIGNAL, SUPPORT};
use gpufas_tests::releases::{is_matrix, of_techniques};
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::{bundle, gpu};

use fault::{Fault, faults};
use method::{METHODS, Method};
use scene::{SHAPES, Scene, Shape};
use table::{Cell, Table};

/// The kernel of every run.
const OFTEN: &str = "6.1";

/// The environment variable with another number of runs of each cell.
const RUNS: &str = "GPUFAS_RECOVERY_RUNS";

/// How often a cell of a fault is run at most that need not be cured: what a user has without us takes long to fail.
const RUNS_WITHOUT_US: u32 = 3;

/// The time that all runs of a cell may take.
const CELL_LIMIT: Duration = Duration::from_secs(3600);

fn main() -> Result<ExitCode> {
    if bundle::filled().is_some() {
        compile_all()?;
        return Ok(ExitCode::SUCCESS);
    }
    let runs = runs()?;
    let table = Arc::new(Table::new());
    let kernels = kernels();
    let count = guests_at_once(kernels.len());
    let mut suites: Vec<_> = (0..count).map(|_| Suite::default().with_limit(CELL_LIMIT)).collect();
    for (number, spec) in kernels.into_iter().enumerate() {
        for target in [Target::Host, Target::Cuda] {
            for &shape in SHAPES {
                add(&mut suites[number % count], spec, (shape, target), runs, &table);
            }
        }
    }
    table.write(&folder())?;
    let code = Suite::run_beside(suites);
    print!("{}", table.text());
    Ok(code)
}

/// How many guests there are at once, each of another kernel: one for two processors of this machine, and two at least, since
/// most guests have one processor and wait for their disks now and then.
fn guests_at_once(kernels: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / 2).max(2).min(kernels)
}

/// The kernels that faults are made on.
fn kernels() -> Vec<&'static KernelSpec> {
    let mut kernels = of_techniques(|spec| spec.name == OFTEN);
    kernels.retain(|spec| spec.recoveries || bundle::any().is_some());
    kernels
}

/// How often each cell is run.
fn runs() -> Result<u32> {
    match std::env::var(RUNS) {
        Ok(text) => text.parse().with_context(|| format!("{RUNS}: {text} is no number")),
        Err(_) => Ok(if is_matrix() { 20 } else { 2 }),
    }
}

/// The methods that a run tries on a fault. Out of a bundle they are all that need a program; the one whose program takes minutes to
/// compile for a GPU is in a bundle for one kernel.
fn methods(spec: &'static KernelSpec, fault: &'static Fault) -> impl Iterator<Item = &'static Method> {
    let bundled = bundle::any().is_some();
    let is_run = move |method: &&Method| match bundled {
        true => method.is_program() && (spec.name == OFTEN || !method.compiles_scheduler()),
        false => is_matrix() || method.often,
    };
    METHODS.iter().filter(move |method| method.is_for(fault)).filter(is_run)
}

/// Compiles what the methods run, for a bundle.
fn compile_all() -> Result<()> {
    for spec in kernels() {
        let tools = Tools::for_guest(&folder(), spec.name)?;
        for module in [SUPPORT, DEADLOCK, SEND_SIGNAL] {
            module.build(&tools)?;
        }
        deadlock::compile(&tools)?;
        for fault in faults() {
            for method in methods(spec, fault) {
                for target in [Target::Host, Target::Cuda] {
                    method.prepare(&tools, fault, target)?;
                }
            }
        }
    }
    Ok(())
}

/// Adds the cells of the faults that are made in guests of that shape, with programs that run on a target.
fn add(
    suite: &mut Suite,
    spec: &'static KernelSpec,
    (shape, target): (Shape, Target),
    runs: u32,
    table: &Arc<Table>,
) {
    let on = target.prefix();
    let mut group = suite.group(format!("{on}guest {}", spec.name), move || {
        if target == Target::Cuda {
            gpu::require()?;
        }
        Ok(Scene::new(spec, shape, target))
    });
    let all = bundle::used().is_some() || is_matrix();
    // A bundle has no programs of Debian's.
    let can_be_made = |fault: &&Fault| fault.shape != Shape::Stress || bundle::used().is_none();
    for fault in faults().filter(|fault| all || fault.often).filter(can_be_made) {
        let is_one = |method: &&Method| {
            method.shape(fault) == shape && (target == Target::Host || method.is_program())
        };
        for method in methods(spec, fault).filter(is_one) {
            let table = Arc::clone(table);
            group.case(&format!("{}, {}", fault.name, method.name), move |scene| {
                let start = Instant::now();
                let mut cell = fill(spec, scene, (fault, method, target), runs);
                cell.spent(start.elapsed());
                let verdict = cell.verdict();
                table.add(cell);
                // After each cell: a matrix takes hours, and may be stopped.
                table.write(&folder())?;
                verdict
            });
        }
    }
}

/// Where programs are compiled, and the table is left.
fn folder() -> PathBuf {
    bundle::used().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into())
}

/// Makes the fault and cures it, again and again.
fn fill(
    spec: &KernelSpec,
    scene: &Scene,
    (fault, method, target): (&'static Fault, &'static Method, Target),
    runs: u32,
) -> Cell {
    let mut cell = Cell::new(spec.name, fault, method, target);
    let runs = match method.cures(fault) {
        true => runs,
        false if method.is_in_vain(fault) => 1,
        // One process takes no time.
        false if fault.group.is_some() => runs,
        false => runs.min(RUNS_WITHOUT_US),
    };
    // Programs are compiled before anything is broken.
    if let Err(error) =
        Tools::for_guest(&folder(), spec.name).and_then(|tools| scene.prepare(tools, fault, method))
    {
        cell.set_up_failed(&error);
        return cell;
    }
    if let Some(refusal) = method.refusal(fault) {
        match scene.is_refused(fault, method, refusal) {
            Ok(reason) => cell.refused(reason),
            Err(error) => cell.failed(&error),
        }
        return cell;
    }
    for _ in 0..runs {
        match scene.run(fault, method) {
            Ok(time) => cell.cured(time),
            Err(error) => cell.failed(&error),
        }
        if cell.gives_up() {
            break;
        }
    }
    if fault.group.is_some()
        && let Err(error) = scene.is_healthy(fault)
    {
        cell.failed(&error);
    }
    cell
}
