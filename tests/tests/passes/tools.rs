// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the tests run: the compiler under test, LLVM's tools, and a kernel's headers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use gpufas_guest::kernels;

/// The kernel whose headers tests in C are compiled with.
pub const KERNEL: &str = "6.1";

/// Where Debian's packages of LLVM have their tools.
const LLVM: &str = "/usr/lib/llvm-22/bin";

/// The compiler under test.
pub fn gpufas_cc() -> Result<PathBuf> {
    gpufas_tests::tools::tool("GPUFAS_CC")
}

/// A tool of LLVM 22, such as `FileCheck`.
pub fn llvm(tool: &str) -> Result<PathBuf> {
    let packaged = Path::new(LLVM).join(tool);
    if packaged.is_file() {
        return Ok(packaged);
    }
    let name = format!("{tool}-22");
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!("{name} is not installed: run cargo xtask test, or install Debian's package llvm-22")
        })
}

/// The folder with the headers of [`KERNEL`], fetched if they are not there yet.
pub fn kernel_headers() -> Result<PathBuf> {
    static HEADERS: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    HEADERS
        .get_or_init(|| headers_of(KERNEL).map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow::anyhow!(error))
}

/// The folder with the headers of a kernel of the list.
pub fn headers_of(name: &str) -> Result<PathBuf> {
    let kernel = kernels::find(name).and_then(|kernel| kernel.fetch(&|_| {}));
    Ok(kernel.with_context(|| format!("no headers of kernel {name}"))?.headers)
}
