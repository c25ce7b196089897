// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs of a distribution's that run in guests, with the libraries that they need.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt::Apt;
use super::{Tell, fetch};
use crate::cache;
use crate::error::{Error, Result};

/// The suite that they are from.
const SUITES: &[&str] = &["bookworm"];

/// The packages of earlyoom, and the files of them that it needs: `ldd` names no others.
const EARLYOOM: (&[&str], &[&str]) = (
    &["earlyoom", "libc6"],
    &["usr/bin/earlyoom", "lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"],
);

/// earlyoom, the C library and its loader, for [`GuestBuilder::module`](crate::GuestBuilder::module); from the cache, or fetched
/// first.
///
/// # Errors
///
/// Where they are not in the cache and apt does not get them.
pub fn earlyoom(tell: &Tell) -> Result<Vec<PathBuf>> {
    let (packages, files) = EARLYOOM;
    let folder = cache::cache_dir()?.join("programs");
    let target = folder.join("earlyoom");
    if !target.is_dir() {
        let _lock = cache::lock(&folder)?;
        // Another process may have fetched it while this one waited.
        if !target.is_dir() {
            fetch_files(packages, files, &folder, &target, tell)?;
        }
    }
    Ok(files.iter().map(|file| target.join(name(file))).collect())
}

fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn fetch_files(packages: &[&str], files: &[&str], folder: &Path, target: &Path, tell: &Tell) -> Result<()> {
    let apt = Apt::open(SUITES)?;
    apt.update(tell)?;
    let partial = cache::partial(folder)?;
    let packages: Vec<String> = packages.iter().map(|&package| package.to_owned()).collect();
    apt.download(&packages, partial.path(), tell)?;
    let root = partial.path().join("root");
    fetch::unpack(partial.path(), &root, tell)?;
    let wanted = partial.path().join("wanted");
    cache::make_dir(&wanted)?;
    for file in files {
        let from = root.join(file);
        fs::copy(&from, wanted.join(name(file))).map_err(Error::file("copy", from))?;
    }
    cache::publish(&wanted, target)
}
