// SPDX-License-Identifier: MIT OR Apache-2.0

//! The manifest of a program.

use gpufas_abi::manifest::{Entry, Kernel, Manifest, Target, Tool, Variant};
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

/// What the manifest says of the program for one kernel.
pub fn variant(kernel: Kernel, suffix: String, program: Program, names: &SourceNames) -> Variant {
    let mut sites = program.sites.into_sites();
    sites.iter_mut().for_each(|site| names.shorten(site));
    Variant {
        kernel,
        suffix,
        symbols: program.symbols,
        weak: program.weak,
        speculative: program.speculative,
        functions: program.functions,
        contents: program.contents,
        structures: program.structures,
        enumerators: program.enumerators,
        relocatable: program.relocatable,
        writes: program.writes,
        checks_locks: program.checks_locks,
        all_or_nothing: program.all_or_nothing,
        interrupts: program.interrupts,
        this_cpu: program.this_cpu,
        sites,
    }
}

/// The entry points of all variants, which must have the same names and arguments.
///
/// # Errors
///
/// [`Error::Usage`] with the kernels for which they differ.
pub fn common_entries<'a>(
    mut variants: impl Iterator<Item = (&'a Variant, &'a Vec<Entry>)>,
) -> Result<Vec<Entry>> {
    let Some((first, entries)) = variants.next() else { return Ok(Vec::new()) };
    for (other, others) in variants {
        let (one, two) = (&first.kernel.release, &other.kernel.release);
        let lacks = |entries: &[Entry], name: &str| entries.iter().all(|entry| entry.name != name);
        let missing = |entry: &Entry, there: &str, not_there: &str| {
            Err(Error::Usage(format!(
                "the entry point `{}` is there for kernel {there} and not for kernel {not_there}; entry points must be the \
                 same for all kernels",
                entry.name
            )))
        };
        if let Some(entry) = entries.iter().find(|entry| lacks(others, &entry.name)) {
            return missing(entry, one, two);
        }
        if let Some(entry) = others.iter().find(|entry| lacks(entries, &entry.name)) {
            return missing(entry, two, one);
        }
        for entry in entries {
            let same = others.iter().find(|same| same.name == entry.name);
            if let Some(same) = same.filter(|same| same.arguments != entry.arguments) {
                return Err(Error::Usage(format!(
                    "the entry point `{}` takes {} for kernel {one} and {} for kernel {two}; entry points must be the same \
                     for all kernels",
                    entry.name,
                    arguments(entry),
                    arguments(same)
                )));
            }
        }
    }
    Ok(entries.clone())
}

/// The arguments of an entry point, for messages.
fn arguments(entry: &Entry) -> String {
    let arguments: Vec<String> = entry
        .arguments
        .iter()
        .map(|argument| format!("{} ({})", argument.name, format!("{:?}", argument.kind).to_lowercase()))
        .collect();
    if arguments.is_empty() { "nothing".into() } else { arguments.join(", ") }
}

/// The manifest as JSON.
///
/// # Errors
///
/// [`Error::Internal`] if it cannot be written as such.
pub fn encode(
    target: Target,
    architectures: Vec<String>,
    entries: Vec<Entry>,
    variants: Vec<Variant>,
    toolchain: Vec<Tool>,
) -> Result<Vec<u8>> {
    let manifest =
        Manifest { abi: gpufas_abi::ABI_VERSION, target, architectures, entries, variants, toolchain };
    serde_json::to_vec(&manifest).map_err(|error| Error::Internal(format!("the manifest: {error}")))
}
