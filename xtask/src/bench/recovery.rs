// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask bench recovery`: runs the matrix of recoveries and draws its results. `tests/figures` draws; it is a program
//! of its own, so that nobody waits for its dependencies who does not draw.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Result, bail};
use gpufas_guest::kernels::{self, KERNELS, KernelSpec};

use crate::cargo::{cargo, target_dir, workspace};
use crate::{output, setup, test, ui};

/// The environment variable with the number of runs of each cell; tests/tests/recovery reads it.
const RUNS: &str = "GPUFAS_RECOVERY_RUNS";

/// Where tests/tests/recovery leaves its results, in cargo's folder.
const RESULTS: &str = "tmp/recovery.json";

/// What is run and drawn.
#[derive(clap::Args)]
pub struct Arguments {
    /// Draw these results of earlier runs, and run nothing; several are drawn together
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kernel", "runs"])]
    from: Vec<PathBuf>,
    /// Only this kernel
    #[arg(long)]
    kernel: Option<String>,
    /// How often each fault is cured in each way on each kernel; 20 times unless told
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// The folder for the document and its pictures; docs/ unless told
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

/// Runs the matrix, unless there are results already, and draws. What was not cured is drawn too, and is a failure.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (results, code) = match arguments.from.as_slice() {
        [] => measure(arguments)?,
        files => (files.to_vec(), ExitCode::SUCCESS),
    };
    draw(arguments, &results)?;
    Ok(code)
}

/// Runs the matrix, and says where its results are and whether all was as it must be.
fn measure(arguments: &Arguments) -> Result<(Vec<PathBuf>, ExitCode)> {
    let specs: Vec<&KernelSpec> = match &arguments.kernel {
        Some(name) => vec![kernels::find(name)?],
        None => KERNELS.iter().filter(|spec| spec.recoveries).collect(),
    };
    if let Some(spec) = specs.iter().find(|spec| !spec.recoveries) {
        bail!(
            "the matrix does not have {}: tests/guest/src/kernels/mod.rs marks those that it has",
            spec.name
        );
    }
    setup::prepare(false)?;
    let missing = setup::kernels(specs);
    let results = target_dir().join(RESULTS);
    let written =
        || fs::metadata(&results).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let before = written();
    let mut counts = test::guest_tests(&["--test", "recovery"], true, |command| {
        if let Some(kernel) = &arguments.kernel {
            // Cases are called by their guest.
            command.arg(format!("guest {kernel}:"));
        }
        if let Some(runs) = arguments.runs {
            command.env(RUNS, runs.to_string());
        }
    })?;
    counts.failed.extend(missing);
    test::report(&counts);
    if written() == before {
        bail!("nothing was measured, so there is nothing to draw");
    }
    let code = if counts.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    Ok((vec![results], code))
}

fn draw(arguments: &Arguments, results: &[PathBuf]) -> Result<()> {
    let folder = arguments.into.clone().unwrap_or_else(|| workspace().join("docs"));
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "gpufas-figures", "--", "--into"]);
    // cargo runs it in the workspace, wherever this was started.
    let here = std::env::current_dir()?;
    command.arg(here.join(folder)).args(results.iter().map(|file| here.join(file)));
    let mut said = Vec::new();
    let status = output::stream(&mut command, |line| said.push(line.to_owned()))?;
    if !status.success() {
        bail!("nothing was drawn: {}", said.join("\n"));
    }
    ui::heading("Drawn");
    said.iter().for_each(|line| println!("  {line}"));
    Ok(())
}
