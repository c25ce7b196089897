// SPDX-License-Identifier: MIT OR Apache-2.0

//! Draws the results of the recovery matrix; `cargo xtask bench` starts it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use gpufas_figures::recovery;
use gpufas_figures::results::Results;

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

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let results: Vec<Results> =
        arguments.results.iter().map(|path| Results::read(path)).collect::<Result<_, _>>()?;
    for path in recovery::draw(&results, &arguments.into)? {
        println!("{}", path.display());
    }
    Ok(())
}
