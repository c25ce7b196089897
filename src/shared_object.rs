// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program for the host of a virtual machine: a shared object that needs no other library. The variants for several kernels
//! are in one, under names of their own: so debuggers and `nm` see all of them, and a page that is not used is not read.

use std::path::{Path, PathBuf};
use std::process::Command;

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols::MANIFEST_SECTION;
use gpufas_passes::llvm::Module;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use inkwell::targets::FileType;

use crate::command::{Runner, find_in_path};
use crate::error::{Error, Result};
use crate::intermediate::{self, Intermediate};
use crate::{crash, output, target};

/// Names of the linker.
const LINKERS: &[&str] = &["ld.lld-22", "ld.lld"];

/// Finds the linker.
fn linker() -> Result<PathBuf> {
    let beside_llvm = Path::new("/usr/lib/llvm-22/bin/ld.lld");
    find_in_path(LINKERS)
        .or_else(|| beside_llvm.is_file().then(|| beside_llvm.to_owned()))
        .ok_or_else(|| Error::Missing("ld.lld is not installed (Debian: apt-get install lld-22)".into()))
}

/// Generates code for the host, as an object or as assembly, with the manifest, if there is one, in a section of its own.
///
/// # Errors
///
/// [`Error::Internal`] with what LLVM says.
pub fn generate(
    module: &Module<'_>,
    log: &DiagnosticLog<'_>,
    manifest: Option<&[u8]>,
    optimization: u8,
    kind: FileType,
) -> Result<Vec<u8>> {
    crash::doing("generating code for the host");
    if let Some(manifest) = manifest {
        module.add_bytes_in_section("gpufas_manifest", MANIFEST_SECTION, manifest);
    }
    let machine = target::machine(Target::Host, 0, optimization)?;
    target::generate(&machine, module, log, kind)
}

/// Links objects, each with its folder, into a shared object. Without them, the command is only shown and nothing comes out.
///
/// # Errors
///
/// [`Error::Missing`] without a linker, [`Error::Tool`] with what it says.
pub fn link(
    runner: Runner,
    folder: &Intermediate,
    objects: &[(&Intermediate, Option<&[u8]>)],
) -> Result<Vec<u8>> {
    let linked = folder.file("host.so");
    let mut files = Vec::new();
    for (folder, object) in objects {
        let file = folder.file("host.o");
        if let Some(object) = object {
            output::write(&file, object)?;
        }
        files.push(file);
    }
    let mut command = Command::new(linker()?);
    command
        .args(["-shared", "--no-undefined", "-z", "noexecstack", "-z", "now", "-z", "relro"])
        .args(["--build-id=sha1", "--gc-sections", "-o"])
        .arg(&linked)
        .args(&files);
    runner.run(command).map_err(undefined)?;
    let is_shown = objects.iter().any(|(_, object)| object.is_none());
    if is_shown { Ok(Vec::new()) } else { intermediate::read("ld.lld", &linked) }
}

/// The symbols that a linker misses are the program's fault.
fn undefined(error: Error) -> Error {
    let Error::Tool { output, .. } = &error else { return error };
    let names = output.lines().filter_map(|line| line.split_once("undefined symbol: "));
    let names: Vec<String> = names.map(|(_, name)| name.trim().to_owned()).collect();
    if names.is_empty() { error } else { Error::Library(names) }
}
