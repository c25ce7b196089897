// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask test`: every test there is, and the count of what ran.

use std::fs;
use std::io::IsTerminal;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::ValueEnum;
use console::strip_ansi_codes;
use gpufas_guest::kernels::KERNELS;

use crate::cargo::{build_release, cargo, target_dir};
use crate::libtest::{Counts, Reader};
use crate::output::stream;
use crate::{setup, ui};

/// Which tests to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these; all unless told
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Of the guest tests only these test programs, by their names in tests/tests; all unless told
    #[arg(long)]
    suite: Vec<String>,
    /// With every kernel of the list and every case, not only a selection that suits continuous integration
    #[arg(long)]
    matrix: bool,
}

/// The parts, in the order in which they run: what is quick and fails often goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The code is formatted
    Format,
    /// The linter has nothing to say
    Lint,
    /// The packages' own tests
    Packages,
    /// The device runtime's own tests
    Device,
    /// Programs are compiled and repair guests
    Guests,
}

/// The device runtime is a workspace of its own.
const DEVICE: &[&str] = &["--manifest-path", "runtime/device/Cargo.toml"];

/// The environment variable that asks the tests for everything; tests/src/releases.rs reads it.
const MATRIX: &str = "GPUFAS_TEST_MATRIX";

/// The package with the tests that need all of the others.
const GUEST_TESTS: &str = "gpufas-tests";

/// Runs the tests. The last line says how many passed, failed and were skipped.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare(true)?;
    let mut counts = Counts::default();
    counts.failed.extend(setup::kernels(KERNELS.iter().filter(|spec| spec.often || arguments.matrix)));
    let began = SystemTime::now();
    for part in Part::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(part) {
            counts.add(run_part(*part, arguments)?);
        } else {
            counts.skipped.push((part.name(), "not asked for (--only)".to_owned()));
        }
    }
    if let Some(table) = recoveries(began) {
        ui::heading("Recoveries");
        print!("{table}");
    }
    report(&counts);
    Ok(if counts.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

fn run_part(part: Part, arguments: &Arguments) -> Result<Counts> {
    let mut counts = Counts::default();
    match part {
        Part::Format => {
            counts.add(check("rustfmt", &["fmt", "--all", "--check"], &[])?);
            counts.add(check("rustfmt, device runtime", &["fmt", "--check"], DEVICE)?);
        }
        Part::Lint => {
            let lint = ["clippy", "--workspace", "--all-targets"];
            counts.add(check("clippy", &lint, &["--", "-D", "warnings"])?);
            let options = [DEVICE, &["--", "-D", "warnings"]].concat();
            counts.add(check("clippy, device runtime", &["clippy", "--all-targets"], &options)?);
        }
        Part::Packages => {
            let packages = ["--workspace", "--exclude", GUEST_TESTS];
            counts.add(tests("package tests", &packages, |_| {})?);
        }
        Part::Device => counts.add(tests("device runtime tests", DEVICE, |_| {})?),
        Part::Guests => {
            let which: Vec<&str> = arguments.suite.iter().flat_map(|suite| ["--test", suite]).collect();
            counts.add(guest_tests(&which, arguments.matrix, |_| {})?);
        }
    }
    Ok(counts)
}

/// Runs the tests that need guests, with optimised programs; of all test programs those that arguments of `cargo test` name.
pub fn guest_tests(which: &[&str], matrix: bool, prepare: impl Fn(&mut Command)) -> Result<Counts> {
    let programs = build_release(&["gpufas-cc", "gpufas", "gpufas-plugin"])?;
    tests("guest tests", &[&["--package", GUEST_TESTS], which].concat(), |command| {
        command.env("GPUFAS_CC", programs.join("gpufas-cc")).env("GPUFAS", programs.join("gpufas"));
        command.env("GPUFAS_PLUGIN", programs.join("libgpufas_passes.so"));
        if matrix {
            command.env(MATRIX, "1");
        }
        prepare(command);
    })
}

/// The table that tests/tests/recovery has left, if it has run since then.
fn recoveries(since: SystemTime) -> Option<String> {
    let path = target_dir().join("tmp/recovery.txt");
    let written = fs::metadata(&path).and_then(|file| file.modified()).ok()?;
    // Some file systems keep whole seconds.
    let is_new = written + Duration::from_secs(1) >= since;
    is_new.then(|| fs::read_to_string(path).ok()).flatten().filter(|table| !table.is_empty())
}

/// Runs something that passes or fails as a whole.
fn check(name: &str, task: &[&str], arguments: &[&str]) -> Result<Counts> {
    ui::heading(name);
    let mut command = cargo();
    // `cargo fmt` has no colours to choose.
    let color = if task[0] == "fmt" { &[][..] } else { &["--color", color()][..] };
    command.args(task).args(color).args(arguments);
    let status = stream(&mut command, |line| println!("{line}"))?;
    let mut counts = Counts::default();
    if status.success() {
        counts.passed = 1;
    } else {
        counts.failed.push(name.to_owned());
    }
    Ok(counts)
}

/// Runs tests, all of them whatever fails. What `prepare` adds to the command are arguments of the test programs.
fn tests(name: &str, arguments: &[&str], prepare: impl Fn(&mut Command)) -> Result<Counts> {
    ui::heading(name);
    let mut command = cargo();
    command.args(["test", "--no-fail-fast", "--color", color()]).args(arguments);
    // Skipped tests say so in their output, which the harness shows of failed ones only unless told.
    command.args(["--", "--show-output", "--color", color()]);
    prepare(&mut command);
    let mut reader = Reader::default();
    let status = stream(&mut command, |line| {
        if reader.line(&strip_ansi_codes(line)) {
            println!("{line}");
        }
    })?;
    Ok(reader.finish(name, status.success()))
}

fn color() -> &'static str {
    if std::io::stdout().is_terminal() { "always" } else { "never" }
}

/// What was skipped, by the reasons in their order.
fn by_reason(skipped: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, reason) in skipped {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    reasons
}

/// Says what was skipped and what failed, and in the last line how much of all.
pub fn report(counts: &Counts) {
    if !counts.skipped.is_empty() {
        ui::heading("Skipped");
        for (reason, names) in by_reason(&counts.skipped) {
            match names.as_slice() {
                [name] => println!("  {name}: {reason}"),
                [first, .., last] => println!("  {} tests, {first} to {last}: {reason}", names.len()),
                [] => {}
            }
        }
    }
    if !counts.failed.is_empty() {
        ui::heading("Failed");
        for name in &counts.failed {
            println!("  {}", ui::verdict(false, name));
        }
    }
    println!();
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed.len(), counts.skipped.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_for_one_reason_is_told_at_once() {
        let skipped = [("a", "no GPU"), ("b", "no network"), ("c", "no GPU")];
        let skipped = skipped.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
        assert_eq!(by_reason(&skipped), [("no GPU", vec!["a", "c"]), ("no network", vec!["b"])]);
    }
}
