// SPDX-License-Identifier: MIT OR Apache-2.0

//! Faults that stop a guest from serving anybody, and what cures them: the bundled programs from outside, in each way that
//! they have, and what a user would have without them. A case is a cell of a table: kernel, fault, method; the
//! table is printed at the end. Times are for it, none is judged.

mod fault;
mod many;
mod memory;
mod method;
mod process_table;
mod processors;
mod scene;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use gpufas_guest::kernels::{KERNELS, KernelSpec};
use gpufas_tests::releases::is_matrix;
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::Tools;

use fault::{FAULTS, Fault};
use method::{METHODS, Method};
use scene::{Scene, Shape};
use table::{Cell, Table};

/// The kernel of every run.
const OFTEN: &str = "6.1";

/// The environment variable with another number of runs of each cell.
const RUNS: &str = "GPUFAS_RECOVERY_RUNS";

fn main() -> Result<ExitCode> {
    let runs = runs()?;
    let table = Arc::new(Table::default());
    let mut suite = Suite::default();
    for spec in KERNELS.iter().filter(|spec| is_matrix() || spec.name == OFTEN) {
        for shape in [Shape::Processes, Shape::Supported, Shape::Memory, Shape::EarlyOom] {
            add(&mut suite, spec, shape, runs, &table);
        }
    }
    let code = suite.run();
    print!("{}", table.text());
    table.write(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    Ok(code)
}

/// How often each cell is run.
fn runs() -> Result<u32> {
    match std::env::var(RUNS) {
        Ok(text) => text.parse().with_context(|| format!("{RUNS}: {text} is no number")),
        Err(_) => Ok(if is_matrix() { 20 } else { 2 }),
    }
}

/// Adds the cells of the faults that are made in guests of that shape.
fn add(suite: &mut Suite, spec: &'static KernelSpec, shape: Shape, runs: u32, table: &Arc<Table>) {
    let mut group = suite.group(format!("guest {}", spec.name), move || Ok(Scene::new(spec, shape)));
    for fault in FAULTS.iter().filter(|fault| is_matrix() || fault.often) {
        let is_one = |method: &&Method| method.is_for(fault) && method.shape(fault) == shape;
        for method in METHODS.iter().filter(is_one).filter(|method| is_matrix() || method.often) {
            let table = Arc::clone(table);
            group.case(&format!("{}, {}", fault.name, method.name), move |scene| {
                let cell = fill(spec, scene, fault, method, runs);
                let verdict = cell.verdict();
                table.add(cell);
                verdict
            });
        }
    }
}

/// Makes the fault and cures it, again and again.
fn fill(spec: &KernelSpec, scene: &Scene, fault: &'static Fault, method: &'static Method, runs: u32) -> Cell {
    let mut cell = Cell::new(spec.name, fault.name, method.name, method.cures(fault));
    let runs = if method.is_in_vain(fault) { 1 } else { runs };
    // Programs are compiled before anything is broken.
    if let Err(error) = Tools::for_guest(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(spec.name), spec.name)
        .and_then(|tools| scene.prepare(tools, fault, method))
    {
        cell.set_up_failed(&error);
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
    cell
}
