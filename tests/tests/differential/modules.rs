// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own test modules (lib/test_xarray.c and others, which tests/differential/modules includes), compiled with what they
//! test as recovery programs, for each kernel of a run: they say themselves whether they have passed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gpufas::launch::End;
use gpufas::memory::Backing;
use gpufas::program::Program;
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::tools::Target;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::agreement::Stage;
use crate::compilation;
use crate::programs::{self, Programs};
use crate::symbols;
use crate::translated::{self, Limits};

/// A module, and what it says when all is well.
pub struct Module {
    /// The name of the file that includes it, without `.c`.
    pub name: &'static str,
    /// The kernels of an ordinary run, if not all are: later ones have a module that takes minutes.
    pub often: Option<&'static [&'static str]>,
    /// What its function returns.
    result: i64,
    /// Whether a line of the log says that it has passed; none if it says only what goes wrong.
    passed: Option<fn(&str) -> bool>,
    /// Parts of lines that say that it has not.
    failed: &'static [&'static str],
}

/// The modules.
pub const MODULES: &[Module] = &[
    Module {
        name: "xarray",
        often: Some(&["6.1"]),
        result: 0,
        passed: Some(all_have_passed),
        failed: &["BUG at"],
    },
    Module {
        name: "rbtree",
        often: None,
        // So that it is unloaded again.
        result: -11,
        passed: Some(|line| line.starts_with("augmented rbtree testing")),
        failed: &["WARNING", "rbtree_test.c"],
    },
    Module {
        name: "list_sort",
        often: None,
        result: 0,
        // The older form.
        passed: None,
        failed: &["error", "failed", "not "],
    },
    Module {
        name: "bitmap",
        often: None,
        result: 0,
        passed: Some(|line| line.contains("all ") && line.contains(" tests passed")),
        failed: &["failed ", "WARNING"],
    },
];

/// Time that a module may take.
const TIMEOUT: Duration = Duration::from_secs(500);

/// "XArray: 21 of 21 tests passed".
fn all_have_passed(line: &str) -> bool {
    let counts = line.strip_prefix("XArray: ").and_then(|rest| rest.strip_suffix(" tests passed"));
    counts
        .and_then(|counts| counts.split_once(" of "))
        .is_some_and(|(passed, run)| passed == run && run != "0")
}

/// Compiles a module for a kernel and runs it, at one optimisation level.
///
/// # Errors
///
/// What the module says.
pub fn check(programs: &Programs, module: &Module, spec: &KernelSpec, level: &str, seed: u64) -> Result<()> {
    let output = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("cannot make a folder")?;
    let program = compile(module, spec, level, &["--target", "host"], &output.path().join("module.so"))?;
    let program = Program::read(&program)?;

    let mut random = StdRng::seed_from_u64(seed);
    let stage = Stage::new(&mut random, programs, 4, Target::Host)?;
    let memory = stage.machine.guest_memory(Backing::Shared)?;
    let layout = &stage.machine.layout;
    let entry = "test";
    let takes = program.entry(entry).context("no such entry point")?;
    let arguments = crate::arguments::random(&mut random, takes, stage.scene.root);
    let address = |name: &str| Ok(symbols::address_of_any(name, layout));
    let mut log = Vec::new();
    let outcome = translated::run_with(
        &program,
        (entry, &arguments),
        (&memory, layout),
        Limits { budget: u64::MAX, timeout: TIMEOUT },
        &address,
        &mut |text| log.extend_from_slice(text),
    )?;
    let log = String::from_utf8_lossy(&log);
    let said = || {
        format!(
            "{} of {} at {level}, {:?}, arguments {arguments:x?}:\n{log}",
            module.name, spec.name, outcome.duration
        )
    };
    match &outcome.end {
        End::Finished(result) => ensure!(*result == module.result, "result {result} of {}", said()),
        End::Fault(fault) => {
            let sites = program.manifest().variants.first().map_or(&[][..], |variant| &variant.sites);
            let site = sites.get(fault.site as usize);
            bail!("{fault:x?} at {site:?} in {}", said());
        }
        end => bail!("{end:?} of {}", said()),
    }
    let lines = || {
        log.lines().map(|line| {
            line.trim_start_matches(|letter: char| letter.is_control() || letter.is_ascii_digit())
        })
    };
    let failure = lines().find(|line| module.failed.iter().any(|part| line.contains(part)));
    ensure!(failure.is_none(), "{failure:?} in {}", said());
    if let Some(passed) = module.passed {
        ensure!(lines().any(passed), "nothing says that it passed: {}", said());
    }
    Ok(())
}

/// Compiles a module for GPUs.
///
/// # Errors
///
/// What the compiler says.
pub fn compile_for_gpus(module: &Module, spec: &KernelSpec) -> Result<()> {
    let output = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("cannot make a folder")?;
    let options = ["--target", "cuda", "--gpu-arch", "sm_90"];
    compile(module, spec, "-O2", &options, &output.path().join("module.fatbin")).map(drop)
}

/// The program of a module. What the comments of its file name is compiled along, as far as this kernel has it.
fn compile(
    module: &Module,
    spec: &KernelSpec,
    level: &str,
    options: &[&str],
    output: &Path,
) -> Result<PathBuf> {
    let kernel = spec.fetch(&|_| {})?;
    let tree = spec.source(&|_| {})?;
    let file = programs::folder().join("modules").join(module.name).with_extension("c");
    let sources = compilation::words(&file, "Kernel sources:")?.into_iter().map(|source| tree.join(source));
    let mut command = Command::new(compilation::compiler()?);
    command.arg(&file).args(sources.filter(|source| source.is_file()));
    command.args(compilation::words(&file, "Options:")?).arg(level).args(options);
    command.arg("-I").arg(&tree).arg("-o").arg(output);
    command.arg("--kernel-headers").arg(&kernel.headers).arg("--kernel-source").arg(&tree);
    compilation::run(&mut command)?;
    Ok(output.to_owned())
}
