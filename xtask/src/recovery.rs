// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask recovery`: compiles the bundled recovery programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use gpufas_guest::Kernel;
use gpufas_guest::kernels;

use crate::cargo::{build_release, target_dir, workspace};
use crate::output::run as run_program;
use crate::setup;
use crate::ui::Step;

/// What to compile, and for what.
#[derive(clap::Args)]
pub struct Arguments {
    /// The kernel that the programs are for
    #[arg(long, default_value = "6.1")]
    kernel: String,
    /// Where the programs run; both unless told
    #[arg(long, value_enum)]
    target: Vec<Target>,
    /// How they wake tasks that sleep, as gpufas-cc --schedule has it; they get a folder of their own
    #[arg(long)]
    schedule: Option<String>,
    /// Which programs, by the names of their files without `.c`; all unless told
    programs: Vec<String>,
}

/// Where a recovery program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// On the host's processor
    Host,
    /// On a GPU
    Cuda,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cuda => "cuda",
        }
    }

    /// The ending of a program's file name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Host => "so",
            Self::Cuda => "fatbin",
        }
    }
}

/// Compiles them into the build folder and says where they are.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare(false)?;
    let kernel = setup::kernel(kernels::find(&arguments.kernel)?)?;
    let compiler = build_release(&["gpufas-cc"])?.join("gpufas-cc");
    let targets = if arguments.target.is_empty() { Target::value_variants() } else { &arguments.target };
    let mut programs = arguments.programs.clone();
    if programs.is_empty() {
        programs = all()?;
    }
    // Programs of both kinds may stand side by side.
    let folder = arguments.schedule.as_deref().map(|schedule| schedule.replace(',', "+")).unwrap_or_default();
    let options = arguments.schedule.as_deref().map(|schedule| schedule_options(&arguments.kernel, schedule));
    let options = options.transpose()?.unwrap_or_default();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for program in &programs {
        for target in targets {
            let made = compile_into(&folder, &compiler, program, *target, &kernel, &options)?;
            println!("{}", made.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The options for programs that wake tasks in some ways.
fn schedule_options(kernel: &str, schedule: &str) -> Result<Vec<String>> {
    let tree = kernels::find(kernel)?.source(&|_| {})?;
    Ok(["--schedule", schedule, "--kernel-source", &tree.display().to_string()].map(str::to_owned).into())
}

/// The names of the bundled programs.
pub fn all() -> Result<Vec<String>> {
    let folder = workspace().join("examples");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let sources =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "c"));
    let mut names: Vec<_> =
        sources.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Compiles one of the bundled programs, with options of the compiler's.
pub fn compile(
    compiler: &Path,
    program: &str,
    target: Target,
    kernel: &Kernel,
    options: &[&str],
) -> Result<PathBuf> {
    compile_into("", compiler, program, target, kernel, options)
}

/// The same into a folder below the others.
fn compile_into(
    folder: &str,
    compiler: &Path,
    program: &str,
    target: Target,
    kernel: &Kernel,
    options: &[&str],
) -> Result<PathBuf> {
    let source = workspace().join("examples").join(program).with_extension("c");
    if !source.is_file() {
        bail!("there is no {}", source.display());
    }
    let folder = target_dir().join("recovery").join(&kernel.release).join(folder);
    let output = folder.join(program).with_extension(target.extension());
    let folder = output.parent().unwrap_or(&folder);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let step = Step::start(format!("compiling {program}.c for {} ({})", kernel.release, target.name()));
    let mut command = Command::new(compiler);
    command.arg(&source).arg("-o").arg(&output).args(["--target", target.name()]);
    command.arg("--kernel-headers").arg(&kernel.headers).args(options);
    run_program(&mut command, |_| true)?;
    step.done("");
    Ok(output)
}
