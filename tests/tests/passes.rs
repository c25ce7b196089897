// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the compiler's passes. Each file in `tests/passes/PASS/` is a test of its own: it says in its RUN lines what to
//! run, and in its CHECK lines what must come out (LLVM's FileCheck). The meaning of inline assembly is tested by
//! executing it, too.
//!
//! `cargo xtask test` sets what they need; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test
//! passes`.

#[path = "passes/determinism.rs"]
mod determinism;
#[path = "passes/generated.rs"]
mod generated;
#[path = "passes/run_lines.rs"]
mod run_lines;
#[path = "passes/semantics.rs"]
mod semantics;
#[path = "passes/source_tree.rs"]
mod source_tree;
#[path = "passes/templates.rs"]
mod templates;
#[path = "passes/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gpufas_tests::releases;
use libtest_mimic::{Arguments, Failed, Trial};

/// The folder with one folder for each pass.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/passes");

/// That of cases of [`semantics`], which are no test files.
const SEMANTICS: &str = "semantics";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    match cases(Path::new(CASES)) {
        Ok(cases) => trials.extend(
            cases
                .into_iter()
                .map(|(name, path)| Trial::test(name, move || run_lines::check(&path).map_err(failed))),
        ),
        Err(error) => {
            eprintln!("cannot list {CASES}: {error}");
            return ExitCode::FAILURE;
        }
    }
    for (name, program, target) in determinism::cases() {
        trials.push(Trial::test(name, move || determinism::check(&program, target).map_err(failed)));
    }
    for source in semantics::SOURCES.iter() {
        let name = format!("semantics/{}", source.name);
        match source.cases() {
            Ok(cases) => trials.extend(cases.into_iter().map(|case| {
                Trial::test(format!("{name}: {case}"), move || source.check(&case).map_err(failed))
            })),
            Err(error) => trials.push(Trial::test(name, move || Err(failed(error)))),
        }
    }
    for (number, source) in semantics::generated().into_iter().enumerate() {
        let name = format!("semantics/{}-{number}", source.name);
        trials.push(Trial::test(name, move || source.check_all().map_err(failed)));
    }
    for kernel in releases::kernels() {
        let name = kernel.name;
        let check = move || templates::check(kernel).map_err(failed);
        trials.push(Trial::test(format!("templates: {name}"), check));
        // Those of the kernel for which each case is a test of its own have been run.
        let sources = if name == tools::KERNEL { Vec::new() } else { semantics::with_kernel(name) };
        for source in sources {
            let name = format!("semantics/{} with headers of {name}", source.name);
            trials.push(Trial::test(name, move || source.check_all().map_err(failed)));
        }
    }
    trials.push(Trial::test("templates: list", || templates::check_list().map_err(failed)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The whole chain of causes.
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}

/// The test files, each with its name: the folder's and its own.
fn cases(folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for pass in std::fs::read_dir(folder)? {
        let pass = pass?.path();
        if !pass.is_dir() || pass.ends_with(SEMANTICS) {
            continue;
        }
        for case in std::fs::read_dir(&pass)? {
            let case = case?.path();
            if case.extension().is_some_and(|extension| extension == "ll" || extension == "c") {
                let name = case.strip_prefix(folder).unwrap_or(&case).display().to_string();
                found.push((name, case));
            }
        }
    }
    found.sort();
    Ok(found)
}
