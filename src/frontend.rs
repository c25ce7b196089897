// SPDX-License-Identifier: MIT OR Apache-2.0

//! clang, as the C front end: source in, unoptimised bitcode out. What it says goes to the user as it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::arguments::{Arguments, Stage};
use crate::command::{Runner, find_in_path};
use crate::error::{Error, Result};
use crate::headers;
use crate::kernel::Kernel;

/// Names of the one clang whose bitcode the passes are made for.
const CLANG: &[&str] = &["clang-22"];

/// Finds clang.
///
/// # Errors
///
/// [`Error::Missing`] if it is not installed.
pub fn clang() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("GPUFAS_CLANG") {
        return Ok(named.into());
    }
    let beside_llvm = Path::new("/usr/lib/llvm-22/bin/clang");
    find_in_path(CLANG)
        .or_else(|| beside_llvm.is_file().then(|| beside_llvm.to_owned()))
        .ok_or_else(|| Error::Missing("clang-22 is not installed (Debian: apt-get install clang-22)".into()))
}

/// Compiles one C input to bitcode. `target_name` is what dependency files call the output.
///
/// # Errors
///
/// [`Error::Rejected`] if clang does not accept the source.
pub fn compile(
    arguments: &Arguments,
    kernel: &Kernel,
    runner: Runner,
    input: &str,
    target_name: &Path,
) -> Result<Vec<u8>> {
    let mut command = Command::new(clang()?);
    command.args(kernel.clang_options());
    command.arg("-I").arg(headers::folder()?);
    // Kernel headers are written for optimisation; the optimiser itself runs after the first passes.
    command.args(["-O2", "-Xclang", "-disable-llvm-passes"]);
    // Positions are needed for messages and fault records in any case.
    command.arg(if arguments.debug { "-g" } else { "-gline-tables-only" });
    command.args(&arguments.clang);
    if !arguments.dependencies.is_empty() {
        command.args(&arguments.dependencies);
        let names_target = arguments
            .dependencies
            .iter()
            .any(|option| option.starts_with("-MT") || option.starts_with("-MQ"));
        if !names_target && arguments.stage != Stage::Preprocess {
            command.arg("-MQ").arg(target_name);
        }
        let names_file = arguments.dependencies.iter().any(|option| option.starts_with("-MF"));
        if !names_file && arguments.stage != Stage::Preprocess {
            command.arg("-MF").arg(target_name.with_extension("d"));
        }
    }
    match arguments.stage {
        Stage::Preprocess
            if arguments.dependencies.iter().any(|option| option == "-M" || option == "-MM") => {}
        Stage::Preprocess => {
            command.arg("-E");
        }
        Stage::Syntax => {
            command.arg("-fsyntax-only");
        }
        Stage::Compile | Stage::Link => {
            command.args(["-emit-llvm", "-c", "-o", "-"]);
        }
    }
    if input == "-" {
        command.args(["-x", "c"]);
    }
    command.arg(input);
    let standard_input = if input == "-" { Stdio::inherit() } else { Stdio::null() };
    let Some(output) = runner.run_visibly(command, standard_input)? else { return Ok(Vec::new()) };
    match output.status.code() {
        Some(0) => Ok(output.stdout),
        Some(_) => {
            Err(Error::Rejected(if input == "-" { "standard input".into() } else { input.to_owned() }))
        }
        None => Err(Error::Tool { tool: "clang".into(), output: format!("it crashed ({})", output.status) }),
    }
}
