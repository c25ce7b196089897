// SPDX-License-Identifier: MIT OR Apache-2.0

//! The same input gives the same bytes: nothing depends on addresses, or on the order in which a hash table lists its entries.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::tools;

/// The bundled programs.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// A name, a program and a target for each case.
pub fn cases() -> Vec<(String, PathBuf, &'static str)> {
    let mut cases = Vec::new();
    for program in ["ps", "kill", "kill-hog"] {
        for target in ["cuda", "host"] {
            let path = Path::new(PROGRAMS).join(program).with_extension("c");
            cases.push((format!("determinism: {program}.c for {target}"), path, target));
        }
    }
    cases
}

/// Compiles a program several times.
pub fn check(program: &Path, target: &str) -> Result<()> {
    let first = compile(program, target)?;
    ensure!(first.len() > 1000, "hardly anything comes out");
    for _ in 0..3 {
        ensure!(compile(program, target)? == first, "two runs gave different IR");
    }
    Ok(())
}

fn compile(program: &Path, target: &str) -> Result<Vec<u8>> {
    let mut command = Command::new(tools::gpufas_cc()?);
    command.args(["--target", target, "--emit", "llvm-ir", "-o", "-", "--kernel-headers"]);
    let output = command.arg(tools::kernel_headers()?).arg(program).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}
