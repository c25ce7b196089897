// SPDX-License-Identifier: MIT OR Apache-2.0

//! Coverage does not fall unseen: a selection of what `cargo xtask coverage` measures, against floors that are data
//! (tests/coverage/floors.json).
//!
//! `cargo xtask test` sets what it needs; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test coverage`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use gpufas_coverage::{Compiled, Compiler, Floor, Reasons, SELECTION, floors, headers, selection, types};
use gpufas_guest::kernels::{KERNELS, KernelSpec};
use gpufas_tests::releases;
use gpufas_tests::tools::tool;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for spec in releases::kernels() {
        let measurement = Arc::new(Measurement { spec, selection: OnceLock::new() });
        let mut add = |name: &str, check: fn(&Measurement) -> Result<()>| {
            let measurement = measurement.clone();
            let run = move || check(&measurement).map_err(|error| Failed::from(format!("{error:#}")));
            trials.push(Trial::test(format!("{}: {name}", spec.name), run));
        };
        add("functions of headers", check_headers);
        add("types of headers", check_types);
        add("kernel sources", check_sources);
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What is measured of a kernel.
struct Measurement {
    spec: &'static KernelSpec,
    /// What came of the sources in [`SELECTION`], for two of the tests.
    selection: OnceLock<std::result::Result<Vec<(String, Compiled)>, String>>,
}

impl Measurement {
    /// The floors of the kernel; a flavour without any has those of its release, and a new release those of the one before it.
    fn floor(&self) -> Result<Floor> {
        let floors = floors()?;
        let before = KERNELS.iter().take_while(|spec| *spec != self.spec).collect::<Vec<_>>();
        let names = [self.spec.name, self.spec.series];
        let mut names = names.into_iter().chain(before.iter().rev().map(|spec| spec.series));
        let floor = names.find_map(|name| floors.get(name));
        floor.copied().with_context(|| format!("floors.json has none for {} or before", self.spec.series))
    }

    fn selection(&self) -> Result<&[(String, Compiled)]> {
        let compile = || {
            let (kernel, source) = (self.spec.fetch(&|_| {})?, self.spec.source(&|_| {})?);
            with_compiler(|compiler| Ok(selection(compiler, &kernel, &source)?))
        };
        let compiled = self.selection.get_or_init(|| compile().map_err(|error| format!("{error:#}")));
        compiled.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
    }
}

/// The compiler under test, with a folder for what it makes.
fn with_compiler<T>(work: impl FnOnce(&Compiler) -> Result<T>) -> Result<T> {
    let folder = tempfile::tempdir()?;
    work(&Compiler { path: tool("GPUFAS_CC")?, folder: folder.path().to_owned() })
}

/// No fewer functions of the headers compile than there were, and what is refused is so for documented reasons.
fn check_headers(measurement: &Measurement) -> Result<()> {
    let floor = measurement.floor()?;
    let kernel = measurement.spec.fetch(&|_| {})?;
    let along = measurement.selection()?;
    let total = with_compiler(|compiler| Ok(headers(compiler, &kernel, along)?))?.total;
    ensure!(total.functions > 5000, "only {} functions in all headers", total.functions);
    ensure!(
        total.complete_with_library > total.complete,
        "nothing of the kernel's library that is compiled along makes a function complete"
    );
    let percent = |part: usize| 100.0 * part as f64 / total.functions as f64;
    for (what, part, floor) in [
        ("compile", total.compiled, floor.compiled),
        ("are complete", total.complete_with_library, floor.complete),
    ] {
        let found = percent(part);
        ensure!(
            found >= floor,
            "{found:.2} % of the functions of the headers of {} {what}, and it should be {floor} % (tests/coverage/floors.json): \
             either gpufas-cc has become worse, or the kernel is newer than the one that was measured and has what gpufas-cc \
             does not know yet; refused are {:?}",
            kernel.release,
            total.by_kind()
        );
    }
    let reasons = Reasons::read()?;
    let undocumented = total.refused_for_any(&|class| !reasons.has(class));
    ensure!(
        undocumented == 0,
        "{undocumented} functions of the headers of {} are refused for reasons that are not in the table of docs/compiler.md; \
         `gpufas-cc -c --emit summary` says for which: {:?}",
        kernel.release,
        total.by_kind()
    );
    Ok(())
}

/// All named types of the headers are laid out as the kernel has them.
fn check_types(measurement: &Measurement) -> Result<()> {
    let floor = measurement.floor()?.types;
    let kernel = measurement.spec.fetch(&|_| {})?;
    let types = with_compiler(|compiler| Ok(types(compiler, &kernel)?))?;
    ensure!(types.different.is_empty(), "types of {} differ: {:?}", kernel.release, types.different);
    ensure!(
        types.compared >= floor,
        "{} types of {} are compared with its BTF, and it should be {floor}; absent there are {:?}",
        types.compared,
        kernel.release,
        types.absent
    );
    Ok(())
}

/// Each source of the selection becomes an object and a cubin.
fn check_sources(measurement: &Measurement) -> Result<()> {
    let compiled = measurement.selection()?;
    for name in SELECTION {
        match compiled.iter().find(|(compiled, _)| compiled == name) {
            Some((_, compiled)) => ensure!(compiled.is_whole(), "{name}: {compiled:?}"),
            // 5.10 has no such file; all later releases have it.
            None => ensure!(
                measurement.spec.series == "5.10" && Path::new(name).ends_with("build_policy.c"),
                "no {name}"
            ),
        }
    }
    Ok(())
}
