// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions in C (tests/differential), written against a kernel's headers, compiled twice: natively, and as recovery
//! programs of the host target. On scenes of random contents both give equal results and leave equal memory: the native
//! ones at ordinary addresses, the translated ones in the physical memory of a made-up machine, whose kernel has its
//! direct map, its image and page tables of 4 or 5 levels. On corrupt scenes, every program ends with a report.
//!
//! `cargo xtask test` sets what they need; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test
//! differential`. A failure says its seed; `GPUFAS_SEED=SEED` runs the test with that one alone. `GPUFAS_SCENES=N` sets
//! how many scenes each test makes.
//!
//! Where there is a GPU, the same tests run on it, over the memory of the same machines. There the programs are compiled before the
//! first of these tests, or come in a bundle (docs/gpu.md).

mod agreement;
mod allocator;
mod arguments;
mod compare;
mod compilation;
mod corruption;
mod fields;
mod gpu;
mod machine;
mod memory;
mod mistakes;
mod model;
mod modules;
mod native;
mod page_tables;
mod probing;
mod programs;
mod scene;
mod symbols;
mod translated;
mod zone;

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::bundle;
use gpufas_tests::releases;
use gpufas_tests::suite::{Skipped, outcome};
use gpufas_tests::tools::Target;
use libtest_mimic::{Arguments, Failed, Trial};

use programs::{DIFFERING, MISTAKES, PROBE, Programs, Source, Sources, TOGETHER};

/// Scenes that each test makes unless told.
const SCENES: u64 = 6;

/// The same on a GPU, where each access takes its time.
const SCENES_ON_GPU: u64 = 2;

/// Compiled before the first test; for a list of the tests not at all.
static PROGRAMS: LazyLock<Result<Programs>> = LazyLock::new(Programs::new);

/// Compiled before the first test on a GPU.
static FOR_GPUS: LazyLock<Result<Sources>> = LazyLock::new(Sources::for_gpus);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match bundle::filled() {
        Some(bundle) => programs::fill(&bundle).map(|()| None),
        None => trials().map(Some),
    };
    let trials = match trials {
        Ok(Some(trials)) => trials,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    if !arguments.list
        && let Err(error) = &*PROGRAMS
    {
        let message = Failed::from(format!("{error:#}"));
        // Whichever tests are asked for, none can run.
        let arguments = Arguments { filter: None, skip: Vec::new(), ..arguments };
        return libtest_mimic::run(&arguments, vec![Trial::test("compilation", || Err(message))]).exit_code();
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() {
        // Not by returning: after a program on a GPU that does not end, the driver's own clean-up would wait for it.
        // What cannot be shown is lost in any case.
        let _ = stdout().flush();
        // SAFETY: ends the process at once; what was written is flushed, and nothing else needs an end.
        unsafe { libc::_exit(FAILED) }
    }
    ExitCode::SUCCESS
}

/// The exit status if a test failed, as of any test program.
const FAILED: i32 = 101;

fn trials() -> Result<Vec<Trial>> {
    let mut trials = vec![trial("differences are noticed".into(), Target::Host, differences_are_noticed)];
    for target in [Target::Host, Target::Cuda] {
        for source in programs::sources()?.into_iter().filter(|source| source != DIFFERING) {
            if source == PROBE {
                for levels in [4, 5] {
                    let name = format!("single accesses do what the page tables say, {levels} levels");
                    trials.push(trial(name, target, move |programs, sources| {
                        let source = sources.get(PROBE)?;
                        with_seeds(scenes(target), |seed| probing::check(programs, source, levels, seed))
                    }));
                }
                continue;
            }
            if source == MISTAKES {
                trials.push(trial(
                    "mistakes with own memory are noticed".to_owned(),
                    target,
                    move |programs, sources| {
                        let source = sources.get(MISTAKES)?;
                        with_seeds(scenes(target), |seed| mistakes::check(programs, source, seed))
                    },
                ));
                continue;
            }
            for levels in [4, 5] {
                let name = format!("{source}.c agrees with native code, {levels} levels");
                let source = source.clone();
                trials.push(trial(name, target, move |programs, sources| {
                    agreement_of(programs, sources.get(&source)?, levels, scenes(target))
                }));
            }
            let name = format!("{source}.c survives corrupt memory");
            trials.push(trial(name, target, move |programs, sources| {
                let source = sources.get(&source)?;
                let count = if target == Target::Cuda { SCENES_ON_GPU } else { SCENES * 6 };
                with_seeds(count, |seed| corruption::check(programs, source, seed))
            }));
        }
    }
    trials.push(trial(
        "a program of all files agrees with native code".to_owned(),
        Target::Host,
        |programs, sources| agreement_of(programs, sources.get(TOGETHER)?, 4, 1),
    ));
    // Compiled as they are run, for which a bundle has nothing.
    if bundle::used().is_none() {
        trials.extend(of_modules());
        let name = "programs of the kernel's library compile for GPUs".to_owned();
        trials.push(trial(name, Target::Host, |_, _| {
            programs::compile_for_gpus(&["library_xarray", "library_radix_tree"])
        }));
    }
    Ok(trials)
}

/// The kernel's own test modules.
fn of_modules() -> Vec<Trial> {
    let mut trials = Vec::new();
    for module in modules::MODULES {
        let is_asked = |spec: &&KernelSpec| {
            releases::is_matrix() || module.often.is_none_or(|kernels| kernels.contains(&spec.name))
        };
        for spec in releases::kernels().into_iter().filter(is_asked) {
            let name = format!("the kernel's test of {} passes, {}", module.name, spec.name);
            let levels = if releases::is_matrix() { &["-O0", "-O1", "-O2", "-O3"][..] } else { &["-O2"] };
            trials.push(trial(name, Target::Host, move |programs, _| {
                if !spec.has_own_sources() {
                    bail!(Skipped(format!("no package has the sources of {}", spec.name)));
                }
                levels.iter().try_for_each(|level| {
                    with_seeds(1, |seed| modules::check(programs, module, spec, level, seed))
                })?;
                // The library's own files do in each run.
                if releases::is_matrix() { modules::compile_for_gpus(module, spec) } else { Ok(()) }
            }));
        }
    }
    trials
}

/// How many scenes a test makes unless told.
fn scenes(target: Target) -> u64 {
    match target {
        Target::Host => SCENES,
        Target::Cuda => SCENES_ON_GPU,
    }
}

/// A test of the programs for a target. On a GPU it is ignored where there is none.
fn trial(
    name: String,
    target: Target,
    test: impl FnOnce(&Programs, &Sources) -> Result<()> + Send + 'static,
) -> Trial {
    let name = if target == Target::Cuda { format!("gpu: {name}") } else { name };
    Trial::ignorable_test(name, move || {
        let run = || {
            let programs = compiled(&PROGRAMS)?;
            if target == Target::Cuda {
                gpufas_tests::gpu::require()?;
                return test(programs, compiled(&FOR_GPUS)?);
            }
            test(programs, &programs.sources)
        };
        outcome(run())
    })
}

/// What was compiled, for one of several tests.
fn compiled<T>(made: &'static LazyLock<Result<T>>) -> Result<&'static T> {
    made.as_ref().map_err(|error| anyhow!("{error:#}"))
}

/// Runs a test with several seeds, or the one that the user names.
fn with_seeds(count: u64, test: impl Fn(u64) -> Result<()>) -> Result<()> {
    let chosen = env::var("GPUFAS_SEED").ok();
    let chosen = chosen.map(|text| {
        let digits = text.trim_start_matches("0x");
        u64::from_str_radix(digits, 16)
            .with_context(|| format!("GPUFAS_SEED: {text} is no hexadecimal number"))
    });
    let count = match env::var("GPUFAS_SCENES") {
        Ok(text) => text.parse().with_context(|| format!("GPUFAS_SCENES: {text} is no number"))?,
        Err(_) => count,
    };
    let seeds = match chosen.transpose()? {
        Some(seed) => vec![seed],
        None => (0..count).map(|index| RandomState::new().hash_one(index)).collect(),
    };
    for seed in seeds {
        test(seed).with_context(|| format!("GPUFAS_SEED={seed:#x}"))?;
    }
    Ok(())
}

fn agreement_of(programs: &Programs, source: &Source, levels: u32, scenes: u64) -> Result<()> {
    with_seeds(scenes, |seed| agreement::check(programs, source, |_| true, levels, seed))
}

/// The comparison finds each of the functions that differ on purpose.
fn differences_are_noticed(programs: &Programs, sources: &Sources) -> Result<()> {
    let source = sources.get(DIFFERING)?;
    let entries = source.entries();
    ensure!(!entries.is_empty(), "{DIFFERING}.c has no functions");
    for entry in entries {
        with_seeds(2, |seed| match agreement::check(programs, source, |name| name == entry.name, 4, seed) {
            Ok(()) => bail!("{} differs, and nobody noticed", entry.name),
            Err(error) if is_disagreement(&error) => Ok(()),
            Err(error) => Err(error),
        })?;
    }
    Ok(())
}

/// Whether an error is what the comparison says.
fn is_disagreement(error: &anyhow::Error) -> bool {
    let reason = error.root_cause().to_string();
    reason.contains("natively")
}
