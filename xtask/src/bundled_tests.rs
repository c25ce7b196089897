// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs the tests in an unpacked bundle of `cargo xtask bundle --tests`; its script `run-tests` calls this.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use clap::builder::PossibleValuesParser;

use crate::libtest::{Counts, Reader};
use crate::{output, test, ui};

/// The folder of the test programs in a bundle.
pub const FOLDER: &str = "tests";

/// The test programs, and what the names of their tests on a GPU contain. They run at the same time.
pub const PROGRAMS: &[(&str, &str)] = &[
    ("guests", "gpu, 4 processors: "),
    ("attach", ", gpu: "),
    ("releases", "gpu, "),
    ("differential", "gpu: "),
    ("support", "gpu, guest "),
    ("recovery", "gpu, guest "),
    ("run_queue", "gpu, guest "),
];

/// The names of the test programs, as arguments.
pub fn names() -> PossibleValuesParser {
    PROGRAMS.iter().map(|(name, _)| *name).into()
}

/// Which tests to run, and for how long.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these; all that the bundle has unless told
    #[arg(long, value_parser = names())]
    only: Vec<String>,
    /// Tests whose names contain this; those on a GPU unless told
    #[arg(long)]
    filter: Option<String>,
    /// Time that all of them may take, in seconds; then they are ended, and what has not run has failed
    #[arg(long, default_value_t = 530)]
    limit: u64,
    /// Time that a test of guests may take, in seconds
    #[arg(long, default_value_t = 150)]
    case_limit: u64,
}

/// Runs them. The last line says how many passed, failed and were skipped.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let bundle = env::var_os("GPUFAS_BUNDLE").map(PathBuf::from);
    let bundle = bundle.context("GPUFAS_BUNDLE is not set; call the script run-tests of the bundle")?;
    // A bundle that was made with --only has not all of them.
    let wanted = |name: &str| match arguments.only.as_slice() {
        [] => bundle.join(FOLDER).join(name).is_file(),
        only => only.iter().any(|only| only == name),
    };
    let programs: Vec<_> = PROGRAMS.iter().filter(|(name, _)| wanted(name)).collect();
    ensure!(!programs.is_empty(), "{} has no tests: cargo xtask bundle --tests", bundle.display());
    let limit = Duration::from_secs(arguments.limit);
    // Lines of several programs come in between each other, but whole.
    let shown = Mutex::new(());
    let results = thread::scope(|scope| {
        let threads: Vec<_> = programs
            .iter()
            .map(|program| scope.spawn(|| run_program(&bundle, program, arguments, limit, &shown)))
            .collect();
        let failed = |_| Err(anyhow!("reading what a test program said failed"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect::<Vec<_>>()
    });
    let mut all = Counts::default();
    ui::heading("Results");
    for ((name, _), counts) in programs.iter().zip(results) {
        let counts = counts?;
        let (failed, skipped) = (counts.failed.len(), counts.skipped.len());
        println!("  {name:12} {} passed, {failed} failed, {skipped} skipped", counts.passed);
        all.add(counts);
    }
    test::report(&all);
    Ok(if all.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a test program; ends it when its time is over.
fn run_program(
    bundle: &Path,
    (name, on_gpu): &(&str, &str),
    arguments: &Arguments,
    limit: Duration,
    shown: &Mutex<()>,
) -> Result<Counts> {
    let start = Instant::now();
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &limit.as_secs().to_string()]);
    command
        .arg(bundle.join(FOLDER).join(name))
        .arg(arguments.filter.as_deref().unwrap_or(on_gpu))
        .args(["--color", "never"]);
    // Those of guests run one at a time in any case; on a GPU all do.
    command.args(["--test-threads", "4"]);
    command.env("GPUFAS_CASE_LIMIT", arguments.case_limit.to_string());
    let mut reader = Reader::default();
    reader.begin();
    let status = output::stream(&mut command, |line| {
        if reader.line(line) && !line.is_empty() {
            let _one = shown.lock().unwrap_or_else(PoisonError::into_inner);
            println!("{name:12} {:4.0} s  {line}", start.elapsed().as_secs_f64());
        }
    })?;
    Ok(reader.finish(name, status.success()))
}
