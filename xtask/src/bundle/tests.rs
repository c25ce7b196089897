// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tests in a bundle: their programs, and what these compile when they are asked to fill a bundle.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{copy, make_folder, script};
use crate::bundled_tests::{FOLDER, PROGRAMS};
use crate::cargo::cargo;
use crate::output;
use crate::ui::Step;

/// The environment variable that tests/src/bundle.rs reads.
const FILLED: &str = "GPUFAS_FILL_BUNDLE";

/// The same for the GPU architecture.
const ARCHITECTURE: &str = "GPUFAS_FILL_ARCHITECTURE";

/// The package of the tests.
const PACKAGE: &str = "gpufas-tests";

/// The command that runs the tests.
pub const SCRIPT: &str = "run-tests";

/// Runs the tests out of the folder.
const SCRIPT_TEXT: &str = r#"#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the tests that need a GPU, or others (--help). Needs nothing but this folder.
here=$(dirname "$(readlink -f "$0")")
PATH="$here/qemu:$PATH"
GPUFAS_INITRAMFS="$here/initramfs.cpio"
GPUFAS_BUNDLE="$here"
export PATH GPUFAS_INITRAMFS GPUFAS_BUNDLE
exec "$here/xtask" bundled-tests "$@"
"#;

/// The same for the sources of differential tests.
const SOURCES: &str = "GPUFAS_FILL_SOURCES";

/// Which tests a bundle has.
pub struct Wanted<'a> {
    /// Names of test programs; all if there are none.
    pub programs: &'a [String],
    /// The GPU architecture that their programs are compiled for.
    pub architecture: Option<&'a str>,
    /// Of the differential tests those of sources whose names begin so; all if there are none.
    pub sources: &'a [String],
}

/// Puts tests into a bundle. `binaries` is where gpufas-cc and gpufas are.
pub fn add(bundle: &Path, binaries: &Path, wanted: &Wanted<'_>) -> Result<()> {
    let folder = bundle.join(FOLDER);
    make_folder(&folder)?;
    for (name, program) in build(wanted)? {
        let step = Step::start(format!("compiling what the tests \"{name}\" run"));
        let mut fill = Command::new(&program);
        fill.env(FILLED, bundle);
        fill.envs(wanted.architecture.map(|architecture| (ARCHITECTURE, architecture)));
        if !wanted.sources.is_empty() {
            fill.env(SOURCES, wanted.sources.join(","));
        }
        fill.env("GPUFAS_CC", binaries.join("gpufas-cc")).env("GPUFAS", binaries.join("gpufas"));
        output::run(&mut fill, |_| true)?;
        let copied = folder.join(name);
        copy(&program, &copied)?;
        strip(&copied);
        step.done("");
    }
    script(&bundle.join(SCRIPT), SCRIPT_TEXT)
}

/// What cargo says of something that it has built.
#[derive(Deserialize)]
struct Built {
    target: BuiltTarget,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct BuiltTarget {
    name: String,
}

/// Builds the test programs; their names, and where they are.
fn build(wanted: &Wanted<'_>) -> Result<Vec<(&'static str, PathBuf)>> {
    let step = Step::start("building the tests".to_owned());
    let mut command = cargo();
    command.args(["test", "--no-run", "--package", PACKAGE, "--message-format", "json"]);
    let names = || {
        let is_wanted =
            |name: &&str| wanted.programs.is_empty() || wanted.programs.iter().any(|one| one == name);
        PROGRAMS.iter().map(|(name, _)| *name).filter(is_wanted)
    };
    for name in names() {
        command.args(["--test", name]);
    }
    let mut built = Vec::new();
    output::run(&mut command, |line| {
        let message: Option<Built> = serde_json::from_str(line).ok();
        let is_json = message.is_some();
        built.extend(message.and_then(|built| Some((built.target.name, built.executable?))));
        !is_json
    })?;
    let programs = names().map(|name| {
        let found = built.iter().find(|(target, _)| target == name);
        let (_, program) = found.with_context(|| format!("cargo has built no tests \"{name}\""))?;
        ensure!(program.is_file(), "{} is not there", program.display());
        Ok((name, program.clone()))
    });
    let programs = programs.collect::<Result<Vec<_>>>()?;
    step.done("");
    Ok(programs)
}

/// Leaves out what only debuggers read, where there is a tool for that.
pub fn strip(program: &Path) {
    // Without it the program is larger, and nothing else.
    let _ = Command::new("strip").arg(program).output();
}
