// SPDX-License-Identifier: MIT OR Apache-2.0

//! Coverage does not fall unseen: a selection of what `cargo xtask coverage` measures, against floors that are data
//! (tests/coverage/floors.json).
//!
//! `cargo xtask test` sets what it needs; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test coverage`.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use gpufas_coverage::{Compiler, SELECTION, floors, headers};
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::releases;
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for spec in releases::kernels() {
        let mut add = |name: &str, check: fn(&KernelSpec) -> Result<()>| {
            let run = move || check(spec).map_err(|error| Failed::from(format!("{error:#}")));
            trials.push(Trial::test(format!("{}: {name}", spec.name), run));
        };
        add("functions of headers", check_headers);
        add("kernel sources", check_sources);
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The compiler under test, with a folder for what it makes.
fn compiler() -> Result<(TempDir, Compiler)> {
    let path = std::env::var_os("GPUFAS_CC").context("GPUFAS_CC is not set; run cargo xtask test")?;
    let folder = tempfile::tempdir()?;
    let compiler = Compiler { path: path.into(), folder: folder.path().to_owned() };
    Ok((folder, compiler))
}

/// No fewer functions of the headers compile than there were.
fn check_headers(spec: &KernelSpec) -> Result<()> {
    let floors = floors()?;
    // Flavours have the functions of their release.
    let release = spec.name.split('-').next().unwrap_or(spec.name);
    let floor = floors.get(release).with_context(|| format!("floors.json has none for {release}"))?;
    let (_folder, compiler) = compiler()?;
    let total = headers(&compiler, &spec.fetch(&|_| {})?)?.total;
    ensure!(total.functions > 5000, "only {} functions in all headers", total.functions);
    let percent = |part: usize| 100.0 * part as f64 / total.functions as f64;
    for (what, part, floor) in
        [("compile", total.compiled, floor.compiled), ("are complete", total.complete, floor.complete)]
    {
        let found = percent(part);
        ensure!(
            found >= floor,
            "{found:.2} % of the functions {what}, and it should be {floor} %; refused: {:?}",
            total.by_kind()
        );
    }
    Ok(())
}

/// Each source of the selection becomes an object and a cubin.
fn check_sources(spec: &KernelSpec) -> Result<()> {
    let kernel = spec.fetch(&|_| {})?;
    let source = spec.source(&|_| {})?;
    let tree = source.display().to_string();
    let (_folder, compiler) = compiler()?;
    for name in SELECTION {
        let file = source.join(name);
        if !file.is_file() {
            // 5.10 has no such file; all later releases have it.
            ensure!(spec.series == "5.10" && name.ends_with("build_policy.c"), "no {name}");
            continue;
        }
        let compiled = compiler.compile(&kernel, &file, &["--kernel-source", &tree], true)?;
        ensure!(compiled.is_whole(), "{name}: {compiled:?}");
    }
    Ok(())
}
