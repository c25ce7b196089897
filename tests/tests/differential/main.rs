// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions in C (tests/differential), written against a kernel's headers, compiled twice: natively, and as recovery
//! programs of the host target. On scenes of random contents both give equal results and leave equal memory: the native
//! ones at ordinary addresses, the translated ones in the physical memory of a made-up machine, whose kernel has its
//! direct map, its image and page tables of 4 or 5 levels. On corrupt scenes, every program ends with a report.
//!
//! `cargo xtask test` sets what they need; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test
//! differential`. A failure says its seed; `GPUFAS_SEED=SEED` runs the test with that one alone. `GPUFAS_SCENES=N` sets
//! how many scenes each test makes.

mod agreement;
mod allocator;
mod arguments;
mod compare;
mod corruption;
mod fields;
mod machine;
mod memory;
mod model;
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
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use programs::{DIFFERING, PROBE, Programs, TOGETHER};

/// Scenes that each test makes unless told.
const SCENES: u64 = 6;

/// Compiled before the first test; for a list of the tests not at all.
static PROGRAMS: LazyLock<Result<Programs>> = LazyLock::new(Programs::compile);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let sources = match programs::sources(&programs::folder()) {
        Ok(sources) => sources,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    if !arguments.list
        && let Err(error) = &*PROGRAMS
    {
        let message = Failed::from(format!("{error:#}"));
        return libtest_mimic::run(&arguments, vec![Trial::test("compilation", || Err(message))]).exit_code();
    }
    let mut trials = vec![trial("differences are noticed".into(), differences_are_noticed)];
    for source in sources.into_iter().filter(|source| source != DIFFERING && source != PROBE) {
        for levels in [4, 5] {
            let name = format!("{source}.c agrees with native code, {levels} levels");
            let source = source.clone();
            trials.push(trial(name, move |programs| agreement_of(programs, &source, levels, SCENES)));
        }
        let name = format!("{source}.c survives corrupt memory");
        trials.push(trial(name, move |programs| corruption_of(programs, &source)));
    }
    for levels in [4, 5] {
        let name = format!("single accesses do what the page tables say, {levels} levels");
        trials.push(trial(name, move |programs| {
            let source = programs.source(PROBE)?;
            with_seeds(SCENES, |seed| probing::check(programs, source, levels, seed))
        }));
    }
    trials.push(trial("a program of all files agrees with native code".into(), |programs| {
        agreement_of(programs, TOGETHER, 4, 1)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: String, test: impl FnOnce(&Programs) -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let programs = PROGRAMS.as_ref().map_err(|error| Failed::from(format!("{error:#}")))?;
        test(programs).map_err(|error| Failed::from(format!("{error:#}")))
    })
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

fn agreement_of(programs: &Programs, source: &str, levels: u32, scenes: u64) -> Result<()> {
    let source = programs.source(source)?;
    with_seeds(scenes, |seed| agreement::check(programs, source, |_| true, levels, seed))
}

fn corruption_of(programs: &Programs, source: &str) -> Result<()> {
    let source = programs.source(source)?;
    with_seeds(SCENES * 6, |seed| corruption::check(programs, source, seed))
}

/// The comparison finds each of the functions that differ on purpose.
fn differences_are_noticed(programs: &Programs) -> Result<()> {
    let source = programs.source(DIFFERING)?;
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
