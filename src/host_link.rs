// SPDX-License-Identifier: MIT OR Apache-2.0

//! Linking a program for the host of a virtual machine: a shared object that needs no other library.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Runner, find_in_path};
use crate::error::{Error, Result};

/// Names of the linker.
const LINKERS: &[&str] = &["ld.lld-22", "ld.lld"];

/// Finds the linker.
///
/// # Errors
///
/// [`Error::Missing`] with the remedy.
pub fn linker() -> Result<PathBuf> {
    let beside_llvm = Path::new("/usr/lib/llvm-22/bin/ld.lld");
    find_in_path(LINKERS)
        .or_else(|| beside_llvm.is_file().then(|| beside_llvm.to_owned()))
        .ok_or_else(|| Error::Missing("ld.lld is not installed (Debian: apt-get install lld-22)".into()))
}

/// Links an object.
///
/// # Errors
///
/// [`Error::Tool`] with what the linker says.
pub fn link(runner: Runner, object: &Path, output: &Path) -> Result<()> {
    let mut command = Command::new(linker()?);
    command
        .args([
            "-shared",
            "--no-undefined",
            "-z",
            "noexecstack",
            "-z",
            "now",
            "-z",
            "relro",
            "--build-id=sha1",
        ])
        .args(["--gc-sections", "-o"])
        .arg(output)
        .arg(object);
    runner.run(command)
}
