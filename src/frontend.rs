// SPDX-License-Identifier: MIT OR Apache-2.0

//! clang, as the C front end: source in, unoptimised bitcode out. What it says goes to the user as it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gpufas_abi::manifest::Target;
use gpufas_passes::llvm::{Module, machine, pipeline as llvm_passes};
use gpufas_passes::{layout, relocate};

use crate::arguments::{Arguments, Stage};
use crate::command::{Runner, find_in_path};
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::{crash, dependencies, headers};

/// Names of the one clang whose bitcode the passes are made for.
const CLANG: &[&str] = &["clang-22"];

/// Exit status of clang for sources that it rejects; others say that it failed itself.
const REJECTED: i32 = 1;

/// Finds clang.
///
/// # Errors
///
/// [`Error::Missing`] if it is not installed.
fn clang() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("GPUFAS_CLANG") {
        return Ok(named.into());
    }
    let beside_llvm = Path::new("/usr/lib/llvm-22/bin/clang");
    find_in_path(CLANG)
        .or_else(|| beside_llvm.is_file().then(|| beside_llvm.to_owned()))
        .ok_or_else(|| Error::Missing("clang-22 is not installed (Debian: apt-get install clang-22)".into()))
}

/// Whether the layout pass is to run, which needs debug information of types.
pub fn needs_types(arguments: &Arguments) -> bool {
    arguments
        .passes
        .as_ref()
        .is_none_or(|passes| passes.iter().any(|pass| pass == layout::NAME || pass == relocate::NAME))
}

/// Notes in a module what it uses of structures, before it is linked with others; after that it needs types no more.
///
/// # Errors
///
/// [`Error::Internal`] with what LLVM says.
pub fn note_structures(arguments: &Arguments, module: &Module<'_>) -> Result<()> {
    layout::mark(module);
    if arguments.relocates {
        relocate::mark(module);
    }
    if arguments.debug {
        return Ok(());
    }
    let machine = machine::host(0).map_err(Error::Internal)?;
    llvm_passes::strip_types(module, &machine).map_err(Error::Internal)
}

/// What clang is to do with one source.
pub struct Source<'a> {
    /// The file as the user named it, or `-`.
    pub name: &'a str,
    /// What is made of it, for dependency files.
    pub made: &'a Path,
    /// Where rules for make go.
    pub rules: &'a Path,
}

/// Options that do not depend on the source.
fn add_own_options(command: &mut Command, arguments: &Arguments) -> Result<()> {
    command.arg("-I").arg(headers::unpack()?);
    // Kernel headers are written for optimisation; the optimiser itself runs after the first passes.
    command.args(["-O2", "-Xclang", "-disable-llvm-passes"]);
    // Positions are needed for messages and fault records in any case, types for the layout pass.
    let needs_types = needs_types(arguments);
    command.arg(if arguments.debug || needs_types { "-g" } else { "-gline-tables-only" });
    if needs_types {
        // Else types that only variables of the kernel have would be left out.
        command.arg("-fno-eliminate-unused-debug-types");
    }
    Ok(())
}

/// Runs clang on a C source of the compiler's own, which takes no options from the user but what locks are to mean; returns
/// bitcode.
///
/// # Errors
///
/// [`Error::Tool`] if clang does not accept it.
pub fn compile_own(arguments: &Arguments, kernel: &Kernel, runner: Runner, path: &Path) -> Result<Vec<u8>> {
    crash::doing(&format!("running clang on {}", path.display()));
    let mut command = Command::new(clang()?);
    command.args(kernel.clang_options());
    add_own_options(&mut command, arguments)?;
    command.arg(format!("-DGPUFAS_LOCKS_{}", arguments.locks.name().to_uppercase()));
    command.arg(match arguments.target {
        Target::Cuda => "-DGPUFAS_TARGET_CUDA",
        Target::Host => "-DGPUFAS_TARGET_HOST",
    });
    command.args(["-emit-llvm", "-c", "-o", "-"]).arg(path);
    let Some(output) = runner.run_visibly(command, Stdio::null())? else { return Ok(Vec::new()) };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = format!("it does not accept {}, a source of this compiler's own", path.display());
    Err(Error::Tool { tool: "clang".into(), output: reason })
}

/// Runs clang on a source, and returns its standard output: bitcode, or text for [`Stage::Preprocess`].
///
/// # Errors
///
/// [`Error::Reported`] if clang does not accept the source, and those of [`Kernel::options_of`].
pub fn compile(
    arguments: &Arguments,
    kernel: &Kernel,
    runner: Runner,
    source: &Source<'_>,
) -> Result<Vec<u8>> {
    crash::doing(&format!("running clang on {}", source.name));
    let mut command = Command::new(clang()?);
    command.args(kernel.clang_options()).args(kernel.options_of(source.name)?);
    add_own_options(&mut command, arguments)?;
    if arguments.keep_inline_functions {
        command.arg("-femit-all-decls");
    }
    if arguments.relocates {
        command.arg("-DGPUFAS_RELOCATABLE");
    }
    command.args(&arguments.clang);
    if runner.messages.are_for_programs() {
        command.args(["-fno-color-diagnostics", "-fdiagnostics-format=clang"]);
    }
    dependencies::clang_options(&mut command, arguments, source.rules, source.made);
    match (arguments.stage, arguments.dependencies.mode.as_deref()) {
        (Stage::Preprocess, Some("-M" | "-MM")) => {}
        (Stage::Preprocess, _) => {
            command.arg("-E");
        }
        (Stage::Syntax, _) => {
            command.arg("-fsyntax-only");
        }
        (Stage::Compile | Stage::Link, _) => {
            command.args(["-emit-llvm", "-c", "-o", "-"]);
        }
    }
    if source.name == "-" {
        command.args(["-x", "c", "-"]);
    } else {
        command.arg("--").arg(source.name);
    }
    let standard_input = if source.name == "-" { Stdio::inherit() } else { Stdio::null() };
    let Some(output) = runner.run_visibly(command, standard_input)? else { return Ok(Vec::new()) };
    match output.status.code() {
        Some(0) => Ok(output.stdout),
        Some(REJECTED) => Err(Error::Reported),
        _ => Err(Error::Tool { tool: "clang".into(), output: format!("it ended with {}", output.status) }),
    }
}
