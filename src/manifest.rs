// SPDX-License-Identifier: MIT OR Apache-2.0

//! The manifest of a program.

use gpufas_abi::manifest::{Kernel, Manifest, Target, Tool};
use gpufas_passes::llvm::Module;
use gpufas_passes::program::Program;

use crate::device_runtime;
use crate::error::{Error, Result};
use crate::source_names::SourceNames;

/// Named metadata in which a compiler says its version.
const IDENTITY_METADATA: &str = "llvm.ident";

/// The tools that made a program up to here: this compiler, whatever compiled its parts, and what is built in.
pub fn toolchain(program: &Module<'_>) -> Vec<Tool> {
    let tool = |name: &str, version: String| Tool { name: name.to_owned(), version };
    let (major, minor, patch) = gpufas_passes::llvm::version();
    let mut tools = vec![
        tool("gpufas-cc", env!("CARGO_PKG_VERSION").to_owned()),
        tool("llvm", format!("{major}.{minor}.{patch}")),
        tool("rustc", device_runtime::DEVICE_RUSTC.to_owned()),
    ];
    for identity in program.text_metadata(IDENTITY_METADATA).into_iter().flatten() {
        // Debian's says "Debian clang version 22.1.8 (...)".
        let name = if identity.contains("clang") { "clang" } else { "compiler" };
        let found = tool(name, identity);
        if !tools.contains(&found) {
            tools.push(found);
        }
    }
    tools
}

/// The manifest as JSON.
///
/// # Errors
///
/// [`Error::Internal`] if it cannot be written as such.
pub fn encode(
    target: Target,
    architectures: Vec<String>,
    kernel: Kernel,
    program: Program,
    names: &SourceNames,
    toolchain: Vec<Tool>,
) -> Result<Vec<u8>> {
    let mut sites = program.sites.into_sites();
    sites.iter_mut().for_each(|site| names.shorten(site));
    let manifest = Manifest {
        abi: gpufas_abi::ABI_VERSION,
        target,
        architectures,
        kernel,
        entries: program.entries,
        symbols: program.symbols,
        writes: program.writes,
        sites,
        toolchain,
    };
    serde_json::to_vec(&manifest).map_err(|error| Error::Internal(format!("the manifest: {error}")))
}
