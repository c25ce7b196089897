// SPDX-License-Identifier: MIT OR Apache-2.0

//! Target machines and code generation.

use gpufas_abi::manifest::Target;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Module, machine};
use inkwell::targets::{FileType, TargetMachine};

use crate::error::{Error, Result};

/// GPU architectures that LLVM knows, from the first with a memory model of acquire and release on, each with the first PTX
/// version that knows it (PTX ISA, "Release Notes"), as LLVM's feature names it.
const ARCHITECTURES: &[(u32, u32)] = &[
    (70, 60),
    (72, 61),
    (75, 63),
    (80, 70),
    (86, 71),
    (87, 74),
    (88, 90),
    (89, 78),
    (90, 78),
    (100, 86),
    (101, 86),
    (103, 88),
    (110, 90),
    (120, 87),
    (121, 88),
];

/// The oldest PTX version that is written; drivers from CUDA 11.8 on compile it.
const OLDEST_PTX: u32 = 78;

/// All GPU architectures that code can be generated for.
pub fn architectures() -> impl Iterator<Item = u32> {
    ARCHITECTURES.iter().map(|&(architecture, _)| architecture)
}

/// Whether code can be generated for a GPU architecture.
pub fn is_known(architecture: u32) -> bool {
    architectures().any(|known| known == architecture)
}

/// The machine that code is generated for; `architecture` means nothing for the host.
///
/// # Errors
///
/// [`Error::Internal`] if LLVM was built without the target.
pub fn machine(target: Target, architecture: u32, optimization: u8) -> Result<TargetMachine> {
    let machine = match target {
        Target::Cuda => {
            let known = ARCHITECTURES.iter().find(|(known, _)| *known == architecture);
            let version = known.map_or(OLDEST_PTX, |&(_, version)| version.max(OLDEST_PTX));
            let (cpu, features) = (format!("sm_{architecture}"), format!("+ptx{version}"));
            machine::create(target, &cpu, &features, optimization)
        }
        Target::Host => machine::host(optimization),
    };
    machine.map_err(Error::Internal)
}

/// Generates assembly (PTX for GPUs) or an object. The module is used up by it: code generation rewrites it.
///
/// # Errors
///
/// [`Error::Internal`] with LLVM's reason.
pub fn generate(
    machine: &TargetMachine,
    module: &Module<'_>,
    log: &DiagnosticLog<'_>,
    kind: FileType,
) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::Internal(format!("LLVM generates no code: {}", reason.trim()));
    let buffer = machine
        .write_to_memory_buffer(module.inner(), kind)
        .map_err(|error| failed(error.to_str().unwrap_or_default().to_owned()))?;
    // Back ends report what they cannot do, and go on with something else in its place.
    let errors = log.take_errors();
    if !errors.is_empty() {
        return Err(failed(errors.join("; ")));
    }
    let bytes = buffer.as_slice();
    // inkwell's slice of an assembly buffer ends with LLVM's terminating NUL.
    Ok(bytes.strip_suffix(&[0]).filter(|_| kind == FileType::Assembly).unwrap_or(bytes).to_vec())
}

/// A module as LLVM IR in text, or as bitcode.
pub fn encode(module: &Module<'_>, as_text: bool) -> Vec<u8> {
    if as_text {
        module.inner().print_to_string().to_bytes().to_vec()
    } else {
        module.inner().write_bitcode_to_memory().as_slice().to_vec()
    }
}
