// SPDX-License-Identifier: MIT OR Apache-2.0

//! clang, as the C front end: source in, unoptimised bitcode out. What it says goes to the user as it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use gpufas_abi::manifest::Target;
use gpufas_passes::layout::Mentions;
use gpufas_passes::llvm::{Module, machine, pipeline as llvm_passes};
use gpufas_passes::{layout, relocate};
use tempfile::NamedTempFile;

use crate::arguments::{Arguments, Stage};
use crate::command::{Runner, find_in_path};
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::{crash, dependencies, headers, mentions};

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

/// Notes in a module what it uses of structures, before it is linked with others; after that it needs types no more. `mentions`
/// are the names in its source, if that is known.
///
/// # Errors
///
/// [`Error::Internal`] with what LLVM says.
pub fn note_structures(
    arguments: &Arguments,
    module: &Module<'_>,
    mentions: Option<&Mentions>,
) -> Result<()> {
    layout::mark(module, mentions);
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
    // The types of functions, which the pass function-pointers reads and takes away.
    command.arg("-fsanitize=kcfi");
    // Positions are needed for messages and fault records in any case, types for the layout pass.
    let needs_types = needs_types(arguments);
    command.arg(if arguments.debug || needs_types { "-g" } else { "-gline-tables-only" });
    if needs_types {
        // Else types that only variables of the kernel have would be left out.
        command.arg("-fno-eliminate-unused-debug-types");
    }
    Ok(())
}

/// The option that tells sources what taking a lock means.
fn locks_option(arguments: &Arguments) -> String {
    format!("-DGPUFAS_LOCKS_{}", arguments.locks.name().to_uppercase())
}

/// The options that tell sources in which ways tasks are woken: for each its place among them.
fn schedule_options(arguments: &Arguments) -> impl Iterator<Item = String> {
    arguments.schedules.iter().enumerate().map(|(place, schedule)| {
        let name = schedule.name().to_uppercase().replace('-', "_");
        format!("-DGPUFAS_SCHEDULE_{name}={}", place + 1)
    })
}

/// What clang has made of a source.
#[derive(Default)]
pub struct Compiled {
    /// Its standard output: bitcode, or text for [`Stage::Preprocess`].
    pub output: Vec<u8>,
    /// The names in its definitions, if it was compiled and they are needed.
    pub mentions: Option<Mentions>,
}

/// Runs clang on a C source of the compiler's own, which takes no options from the user but what locks are to mean; returns
/// bitcode.
///
/// # Errors
///
/// [`Error::Tool`] if clang does not accept it.
pub fn compile_own(arguments: &Arguments, kernel: &Kernel, runner: Runner, path: &Path) -> Result<Compiled> {
    crash::doing(&format!("running clang on {}", path.display()));
    let mut command = Command::new(clang()?);
    command.args(kernel.clang_options());
    add_own_options(&mut command, arguments)?;
    command.arg(locks_option(arguments));
    command.arg(match arguments.target {
        Target::Cuda => "-DGPUFAS_TARGET_CUDA",
        Target::Host => "-DGPUFAS_TARGET_HOST",
    });
    let reads_text = needs_types(arguments) && !runner.dry_run;
    let text =
        reads_text.then(|| Preprocessor::start(&command, path.as_os_str(), Stdio::null())).transpose()?;
    command.args(["-emit-llvm", "-c", "-o", "-"]).arg(path);
    let Some(output) = runner.run_visibly(command, Stdio::null())? else { return Ok(Compiled::default()) };
    if output.status.success() {
        return Ok(Compiled { output: output.stdout, mentions: text.map(Preprocessor::read).transpose()? });
    }
    let reason = format!("it does not accept {}, a source of this compiler's own", path.display());
    Err(Error::Tool { tool: "clang".into(), output: reason })
}

/// Runs clang on a source.
///
/// # Errors
///
/// [`Error::Reported`] if clang does not accept the source, and those of [`Kernel::options_of`].
pub fn compile(
    arguments: &Arguments,
    kernel: &Kernel,
    runner: Runner,
    source: &Source<'_>,
) -> Result<Compiled> {
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
    command.arg(locks_option(arguments)).args(schedule_options(arguments));
    command.args(&arguments.clang);
    let is_compiled = matches!(arguments.stage, Stage::Compile | Stage::Link);
    let reads_text = is_compiled && needs_types(arguments) && !runner.dry_run;
    let is_standard_input = source.name == "-";
    // It is read twice.
    let kept = (is_standard_input && reads_text).then(|| standard_input(source)).transpose()?;
    let input = || match &kept {
        Some(kept) => kept.reopen().map(Stdio::from).map_err(Error::read(kept.path())),
        None if is_standard_input => Ok(Stdio::inherit()),
        None => Ok(Stdio::null()),
    };
    let text =
        reads_text.then(|| Preprocessor::start(&command, source.name.as_ref(), input()?)).transpose()?;
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
    add_source(&mut command, source.name.as_ref());
    let Some(output) = runner.run_visibly(command, input()?)? else { return Ok(Compiled::default()) };
    match output.status.code() {
        Some(0) => {
            Ok(Compiled { output: output.stdout, mentions: text.map(Preprocessor::read).transpose()? })
        }
        Some(REJECTED) => Err(Error::Reported),
        _ => Err(Error::Tool { tool: "clang".into(), output: format!("it ended with {}", output.status) }),
    }
}

fn add_source(command: &mut Command, name: &OsStr) {
    if name == "-" {
        command.args(["-x", "c", "-"]);
    } else {
        command.arg("--").arg(name);
    }
}

/// Standard input as a file.
fn standard_input(source: &Source<'_>) -> Result<NamedTempFile> {
    let folder = source.rules.parent().unwrap_or(source.rules);
    let mut file = NamedTempFile::new_in(folder).map_err(Error::write(folder))?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file).map_err(Error::read("standard input"))?;
    Ok(file)
}

/// clang's preprocessor at work on a source, beside the clang that compiles it: IR has no names of constants, and the text of the
/// definitions has.
struct Preprocessor {
    output: JoinHandle<std::io::Result<Output>>,
}

impl Preprocessor {
    /// Starts it with the options of the command that compiles.
    fn start(compiler: &Command, source: &OsStr, input: Stdio) -> Result<Self> {
        let mut command = Command::new(compiler.get_program());
        // Files with dependencies are written by the other one.
        let writes_rules = |option: &&OsStr| option.as_encoded_bytes().starts_with(b"-Wp,-M");
        command.args(compiler.get_args().filter(|option| !writes_rules(option)));
        // A source that went through a preprocessor before goes through it again.
        command.args(["-w", "-E", "-o", "-", "-x", "c"]);
        add_source(&mut command, source);
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| {
            Error::Missing(format!("cannot run {}: {error}", command.get_program().display()))
        })?;
        Ok(Self { output: std::thread::spawn(|| child.wait_with_output()) })
    }

    /// The names in what it has made.
    fn read(self) -> Result<Mentions> {
        let output = self.output.join().ok().and_then(std::io::Result::ok);
        match output.filter(|output| output.status.success()) {
            Some(output) => Ok(mentions::read(&output.stdout)),
            None => Err(Error::Tool {
                tool: "clang".into(),
                output: "it compiles a source that its preprocessor does not take".into(),
            }),
        }
    }
}
