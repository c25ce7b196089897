// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask bench`: benchmarks, and what is drawn of their results.

mod recovery;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// What is measured.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Cure every fault in every way on every kernel, and draw how long it takes into docs/
    Recovery(recovery::Arguments),
}

/// Runs a benchmark.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.benchmark {
        Benchmark::Recovery(arguments) => recovery::run(arguments),
    }
}
