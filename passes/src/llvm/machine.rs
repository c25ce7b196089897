// SPDX-License-Identifier: MIT OR Apache-2.0

//! Target machines.

use gpufas_abi::manifest::Target;
use inkwell::OptimizationLevel;
use inkwell::targets::{
    CodeModel, InitializationConfig, RelocMode, Target as LlvmTarget, TargetMachine, TargetTriple,
};

/// The triple with which code for a target is linked.
pub fn triple(target: Target) -> &'static str {
    match target {
        Target::Cuda => "nvptx64-nvidia-cuda",
        Target::Host => "x86_64-unknown-linux-gnu",
    }
}

/// A machine of a target. `cpu` and `features` are LLVM's names, the optimisation level is 0 to 3.
///
/// # Errors
///
/// What LLVM says, which was then built without the target.
pub fn create(target: Target, cpu: &str, features: &str, optimization: u8) -> Result<TargetMachine, String> {
    let relocation = match target {
        Target::Cuda => RelocMode::Default,
        Target::Host => RelocMode::PIC,
    };
    relocated(target, cpu, features, optimization, relocation)
}

fn relocated(
    target: Target,
    cpu: &str,
    features: &str,
    optimization: u8,
    relocation: RelocMode,
) -> Result<TargetMachine, String> {
    match target {
        Target::Cuda => LlvmTarget::initialize_nvptx(&InitializationConfig::default()),
        Target::Host => LlvmTarget::initialize_x86(&InitializationConfig::default()),
    }
    let triple = TargetTriple::create(triple(target));
    let llvm_target = LlvmTarget::from_triple(&triple)
        .map_err(|error| format!("LLVM has no target {triple}: {error:?}"))?;
    let level = match optimization {
        0 => OptimizationLevel::None,
        1 => OptimizationLevel::Less,
        2 => OptimizationLevel::Default,
        _ => OptimizationLevel::Aggressive,
    };
    llvm_target
        .create_target_machine(&triple, cpu, features, level, relocation, CodeModel::Default)
        .ok_or_else(|| format!("LLVM makes no target machine for {triple} {cpu}"))
}

/// LLVM's names of the host's processor and of what else it has.
const HOST_CPU: &str = "x86-64";
const HOST_FEATURES: &str = "+cx16";

/// The machine of the host: any x86-64 that can run a virtual machine. All of these exchange 16 bytes at once (`cmpxchg16b`),
/// for which LLVM would call a library otherwise.
///
/// # Errors
///
/// Those of [`create`].
pub fn host(optimization: u8) -> Result<TargetMachine, String> {
    create(Target::Host, HOST_CPU, HOST_FEATURES, optimization)
}

/// The machine for which programs of either target are optimised before their accesses are translated. Its code is where it
/// is: for code that may be anywhere LLVM makes tables of 32-bit distances out of tables of pointers, which do not reach
/// from the program to the kernel.
///
/// # Errors
///
/// Those of [`create`].
pub fn optimizer(optimization: u8) -> Result<TargetMachine, String> {
    relocated(Target::Host, HOST_CPU, HOST_FEATURES, optimization, RelocMode::Static)
}

/// The data layout of a machine.
pub fn data_layout(machine: &TargetMachine) -> String {
    machine.get_target_data().get_data_layout().as_str().to_string_lossy().into_owned()
}
