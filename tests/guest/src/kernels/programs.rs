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

/// A program and what it needs.
struct Program {
    name: &'static str,
    packages: &'static [&'static str],
    /// Files of the packages: the program, its loader, and the libraries that they name (`DT_NEEDED`), whatever these need as
    /// well. Nothing else of the packages that the program's package depends on is needed.
    files: &'static [&'static str],
}

const EARLYOOM: Program = Program {
    name: "earlyoom",
    packages: &["earlyoom", "libc6"],
    files: &[
        "usr/bin/earlyoom",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    ],
};

/// With bookworm's own libraries for graphics: those of its backports bring a compiler with them. 33 MB, or 10 MB with gzip.
const STRESS_NG: Program = Program {
    name: "stress-ng",
    packages: &[
        "stress-ng",
        "libapparmor1",
        "libbsd0",
        "libc6",
        "libcrypt1",
        "libdrm2",
        "libegl1",
        "libexpat1",
        "libffi8",
        "libgbm1",
        "libgles2",
        "libglvnd0",
        "libipsec-mb1",
        "libjpeg62-turbo",
        "libjudydebian1",
        "libkmod2",
        "liblzma5",
        "libmd0",
        "libsctp1",
        "libssl3",
        "libwayland-server0",
        "libxxhash0",
        "libzstd1",
        "zlib1g",
    ],
    files: &[
        "usr/bin/stress-ng",
        "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib/x86_64-linux-gnu/libcrypt.so.1",
        "lib/x86_64-linux-gnu/libexpat.so.1",
        "lib/x86_64-linux-gnu/liblzma.so.5",
        "lib/x86_64-linux-gnu/libm.so.6",
        "lib/x86_64-linux-gnu/libpthread.so.0",
        "lib/x86_64-linux-gnu/libz.so.1",
        "usr/lib/x86_64-linux-gnu/libEGL.so.1",
        "usr/lib/x86_64-linux-gnu/libGLESv2.so.2",
        "usr/lib/x86_64-linux-gnu/libGLdispatch.so.0",
        "usr/lib/x86_64-linux-gnu/libIPSec_MB.so.1",
        "usr/lib/x86_64-linux-gnu/libJudy.so.1",
        "usr/lib/x86_64-linux-gnu/libapparmor.so.1",
        "usr/lib/x86_64-linux-gnu/libbsd.so.0",
        "usr/lib/x86_64-linux-gnu/libcrypto.so.3",
        "usr/lib/x86_64-linux-gnu/libdrm.so.2",
        "usr/lib/x86_64-linux-gnu/libffi.so.8",
        "usr/lib/x86_64-linux-gnu/libgbm.so.1",
        "usr/lib/x86_64-linux-gnu/libjpeg.so.62",
        "usr/lib/x86_64-linux-gnu/libkmod.so.2",
        "usr/lib/x86_64-linux-gnu/libmd.so.0",
        "usr/lib/x86_64-linux-gnu/libsctp.so.1",
        "usr/lib/x86_64-linux-gnu/libwayland-server.so.0",
        "usr/lib/x86_64-linux-gnu/libxxhash.so.0",
        "usr/lib/x86_64-linux-gnu/libzstd.so.1",
    ],
};

/// earlyoom, the C library and its loader, for [`GuestBuilder::module`](crate::GuestBuilder::module); from the cache, or fetched
/// first.
///
/// # Errors
///
/// Where they are not in the cache and apt does not get them.
pub fn earlyoom(tell: &Tell) -> Result<Vec<PathBuf>> {
    EARLYOOM.fetch(tell)
}

/// stress-ng, its libraries and their loader.
///
/// # Errors
///
/// See [`earlyoom`].
pub fn stress_ng(tell: &Tell) -> Result<Vec<PathBuf>> {
    STRESS_NG.fetch(tell)
}

impl Program {
    fn fetch(&self, tell: &Tell) -> Result<Vec<PathBuf>> {
        let folder = cache::cache_dir()?.join("programs");
        let target = folder.join(self.name);
        if !target.is_dir() {
            let _lock = cache::lock(&folder)?;
            // Another process may have fetched it while this one waited.
            if !target.is_dir() {
                fetch_files(self.packages, self.files, &folder, &target, tell)?;
            }
        }
        Ok(self.files.iter().map(|file| target.join(name(file))).collect())
    }
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
