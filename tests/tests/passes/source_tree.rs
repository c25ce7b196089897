// SPDX-License-Identifier: MIT OR Apache-2.0

//! The sources of the kernel whose headers tests in C are compiled with.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Result;
use gpufas_guest::kernels;

use super::tools::KERNEL;

/// The folder with the kernel's sources, fetched if they are not there yet.
pub fn folder() -> Result<PathBuf> {
    static SOURCE: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    SOURCE
        .get_or_init(|| {
            let source = kernels::find(KERNEL).and_then(|kernel| kernel.source(&|_| {}));
            source.map_err(|error| error.to_string())
        })
        .clone()
        .map_err(|error| anyhow::anyhow!("no sources of kernel {KERNEL}: {error}"))
}
