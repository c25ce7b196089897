// SPDX-License-Identifier: MIT OR Apache-2.0

//! Draws the results of the recovery matrix; `cargo xtask bench` starts it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use gpufas_figures::results::Results;
use gpufas_figures::{Result, recovery};

/// Draw results of the recovery matrix.
#[derive(Parser)]
struct Arguments {
    /// The folder for the document and its pictures
    #[arg(long)]
    into: PathBuf,
    /// Files with results; several are drawn together
    #[arg(required = true)]
    results: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match draw(&Arguments::parse()) {
        Ok(paths) => {
            for path in paths {
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{:#}", anyhow::Error::from(error));
            ExitCode::FAILURE
        }
    }
}

fn draw(arguments: &Arguments) -> Result<Vec<PathBuf>> {
    let results: Vec<Results> =
        arguments.results.iter().map(|path| Results::read(path)).collect::<Result<_>>()?;
    recovery::draw(&results, &arguments.into)
}
