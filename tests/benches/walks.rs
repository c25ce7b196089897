// SPDX-License-Identifier: MIT OR Apache-2.0

//! How long a program takes to walk the list of a guest's processes, as it is translated and from where it runs.
//!
//! `cargo test -p gpufas-tests --bench walks -- [SLEEPERS]`, with the tools as `cargo xtask test` names them in the environment. In an
//! unpacked bundle that was filled with it, the same on a machine with a GPU.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::{Machine, Model};
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::{bundle, gpu};

const PROGRAM: &str = "tests/programs/walks.c";

/// Runs of each row, in one launch.
const ROUNDS: &str = "25";

/// What is measured: a name, where it runs, an entry point, and the compiler's options.
const ROWS: &[(&str, Target, &str, &[&str])] = &[
    ("host, one read a task", Target::Host, "follow", &[]),
    ("host, number and name", Target::Host, "walk", &[]),
    ("host, number and name, every access", Target::Host, "walk", EVERY),
    ("GPU, one read a task", Target::Cuda, "follow", &[]),
    ("GPU, number and name", Target::Cuda, "walk", &[]),
    ("GPU, number and name, every access", Target::Cuda, "walk", EVERY),
];

const EVERY: &[&str] = &["--translate", "every"];

fn main() -> Result<ExitCode> {
    let tools = Tools::new(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    if bundle::filled().is_some() {
        for (_, target, _, options) in ROWS {
            tools.compile_along(PROGRAM, *target, &[], options)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let sleepers = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1000);
    let machine = Machine::boot(&tools, Model { memory_mib: 512, sleepers, ..Model::default() })?;
    println!("{}, {ROUNDS} runs each", machine.guest().ready().release);
    let has_gpu = gpu::require();
    if let Err(reason) = &has_gpu {
        println!("without rows of a GPU: {reason}");
    }
    for (name, target, entry, options) in ROWS {
        if *target == Target::Cuda && has_gpu.is_err() {
            continue;
        }
        let program = tools.compile_along(PROGRAM, *target, &[], options)?;
        let ran = Ran::of(machine.with_source(|guest| {
            run(&tools, (&program, *target), entry, guest, &["--json"], &["--rounds", ROUNDS])
        }))?;
        ensure!(ran.status.success(), "{name}: {}\n{}", ran.output, ran.errors);
        let report = ran.json()?;
        let log = report["log"].as_str().context("no log")?;
        println!("{name:40} {}", log.trim());
    }
    Ok(ExitCode::SUCCESS)
}
