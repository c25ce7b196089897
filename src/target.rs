// SPDX-License-Identifier: MIT OR Apache-2.0

//! Target machines and code generation.

use gpufas_abi::manifest::Target;
use gpufas_passes::llvm::Module;
use inkwell::OptimizationLevel;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target as LlvmTarget, TargetMachine, TargetTriple,
};

use crate::error::{Error, Result};

/// PTX version, as LLVM's feature names it, that first knows an architecture (PTX ISA, "Release Notes").
/// Older architectures get the oldest version here, which drivers from CUDA 12.0 on compile.
const PTX_VERSIONS: &[(u32, u32)] =
    &[(90, 78), (100, 86), (101, 86), (103, 88), (110, 90), (120, 87), (121, 88)];

/// The oldest PTX version that is written.
const OLDEST_PTX: u32 = 78;

/// The data layout and triple with which device code is linked.
pub fn triple(target: Target) -> &'static str {
    match target {
        Target::Cuda => "nvptx64-nvidia-cuda",
        Target::Host => "x86_64-unknown-linux-gnu",
    }
}

/// The machine that code is generated for; `architecture` means nothing for the host.
///
/// # Errors
///
/// [`Error::Internal`] if LLVM was built without the target.
pub fn machine(target: Target, architecture: u32, optimization: u8) -> Result<TargetMachine> {
    let internal = |reason: String| Error::Internal(reason);
    let (cpu, features, relocation) = match target {
        Target::Cuda => {
            LlvmTarget::initialize_nvptx(&InitializationConfig::default());
            let version = PTX_VERSIONS
                .iter()
                .find(|(first, _)| *first == architecture)
                .map_or(OLDEST_PTX, |&(_, version)| version.max(OLDEST_PTX));
            (format!("sm_{architecture}"), format!("+ptx{version}"), RelocMode::Default)
        }
        Target::Host => {
            LlvmTarget::initialize_x86(&InitializationConfig::default());
            ("x86-64".to_owned(), String::new(), RelocMode::PIC)
        }
    };
    let triple = TargetTriple::create(triple(target));
    let llvm_target = LlvmTarget::from_triple(&triple)
        .map_err(|error| internal(format!("LLVM has no target {triple}: {error:?}")))?;
    let level = match optimization {
        0 => OptimizationLevel::None,
        1 => OptimizationLevel::Less,
        2 => OptimizationLevel::Default,
        _ => OptimizationLevel::Aggressive,
    };
    llvm_target
        .create_target_machine(&triple, &cpu, &features, level, relocation, CodeModel::Default)
        .ok_or_else(|| internal(format!("LLVM makes no target machine for {triple} {cpu}")))
}

/// The data layout of a machine.
pub fn data_layout(machine: &TargetMachine) -> String {
    machine.get_target_data().get_data_layout().as_str().to_string_lossy().into_owned()
}

/// Generates assembly (PTX for GPUs) or an object.
///
/// # Errors
///
/// [`Error::Internal`] with LLVM's reason.
pub fn generate(machine: &TargetMachine, module: &Module<'_>, kind: FileType) -> Result<Vec<u8>> {
    let buffer = machine
        .write_to_memory_buffer(module.inner(), kind)
        .map_err(|error| Error::Internal(format!("LLVM generates no code: {error:?}")))?;
    let bytes = buffer.as_slice();
    // inkwell's slice of an assembly buffer ends with LLVM's terminating NUL.
    Ok(bytes.strip_suffix(&[0]).filter(|_| kind == FileType::Assembly).unwrap_or(bytes).to_vec())
}
