// SPDX-License-Identifier: MIT OR Apache-2.0

//! A bundle of `cargo xtask bundle --tests`: what tests need on a machine with a GPU that has no compiler.
//!
//! The test programs know what they compile, so it is they that fill a bundle. xtask/src/bundle/tests.rs starts them
//! for that, with the names that stand here.

use std::env;
use std::path::PathBuf;

use gpufas_guest::kernels::bundled;

/// The environment variable that names an unpacked bundle, out of which tests run.
const USED: &str = "GPUFAS_BUNDLE";

/// The environment variable that names a bundle in the making: a test program that finds it compiles what its tests
/// need into it, and runs none of them.
const FILLED: &str = "GPUFAS_FILL_BUNDLE";

/// The bundle that tests run out of, if they do.
pub fn used() -> Option<PathBuf> {
    env::var_os(USED).map(PathBuf::from)
}

/// The bundle that is to be filled, if one is.
pub fn filled() -> Option<PathBuf> {
    env::var_os(FILLED).map(PathBuf::from)
}

/// The one or the other.
pub fn any() -> Option<PathBuf> {
    used().or_else(filled)
}

/// Whether the bundle that tests run out of, or that is to be filled, has a kernel. None where there is no bundle.
pub fn has_kernel(name: &str) -> Option<bool> {
    let bundle = any()?;
    // One that cannot be read is there; whoever uses it says what is wrong with it.
    Some(bundled::find(&bundle, name).map_or(true, |kernel| kernel.is_some()))
}

/// The environment variable that names the GPU architecture that a bundle's programs are compiled for.
const ARCHITECTURE: &str = "GPUFAS_FILL_ARCHITECTURE";

/// The GPU architecture that programs in a bundle that is filled are for. One is enough for tests, and each takes the assembler
/// its time.
pub fn architecture() -> String {
    env::var(ARCHITECTURE).unwrap_or_else(|_| "sm_90".to_owned())
}

/// The environment variable that says which differential tests a bundle has: beginnings of their sources' names, separated by
/// commas; all unless told.
const SOURCES: &str = "GPUFAS_FILL_SOURCES";

/// Whether a bundle that is filled has the differential tests of a source.
pub fn wants(source: &str) -> bool {
    let Ok(wanted) = env::var(SOURCES) else { return true };
    wanted.split(',').any(|beginning| source.starts_with(beginning))
}
