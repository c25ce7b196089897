// SPDX-License-Identifier: MIT OR Apache-2.0

//! The device runtime, which becomes part of each program behind the last pass: linked in, internalised, and optimised with
//! the program.

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols;
use gpufas_passes::llvm::Module;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::machine::triple;
use gpufas_passes::pipeline::{Pipeline, optimise};
use gpufas_passes::retarget;
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::targets::TargetMachine;

use crate::crash;
use crate::error::{Error, Result};

/// The device runtime for each target, made by the build script.
const DEVICE_CUDA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/device-cuda.bc"));
const DEVICE_HOST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/device-host.bc"));

/// The compiler that made it.
pub const DEVICE_RUSTC: &str = env!("GPUFAS_DEVICE_RUSTC");

/// What the loader writes before a launch.
const LOADED: [&str; 3] = [symbols::CONTEXT, symbols::SYMBOL_TABLE, symbols::RELOCATION_TABLE];

/// Links the device runtime in and optimises the whole.
///
/// # Errors
///
/// [`Error::Internal`] if something is left undefined, which neither PTX nor its assembler would say.
pub fn link<'c>(
    module: &Module<'c>,
    log: &DiagnosticLog<'_>,
    pipeline: &Pipeline,
    machine: &TargetMachine,
    keep_debug: bool,
) -> Result<()> {
    crash::doing("linking the device runtime");
    let bitcode = match pipeline.target {
        Target::Cuda => DEVICE_CUDA,
        Target::Host => DEVICE_HOST,
    };
    let buffer = MemoryBuffer::create_from_memory_range_copy(bitcode, "device runtime");
    let runtime = inkwell::module::Module::parse_bitcode_from_buffer(&buffer, module.context())
        .map_err(|error| Error::Internal(format!("LLVM cannot read the device runtime: {error:?}")))?;
    let runtime = Module::new(module.context(), runtime);
    // Its Rust target may differ in detail from the machine's.
    runtime.set_triple(triple(pipeline.target));
    runtime.set_data_layout(&pipeline.data_layout);
    retarget::remove_cpu_attributes(&runtime);
    if !module.link(runtime) {
        return Err(Error::Internal(format!(
            "the device runtime does not link: {}",
            log.take_errors().join("; ")
        )));
    }
    module.internalise(|name| name.starts_with(symbols::ENTRY_PREFIX) || LOADED.contains(&name));
    // Else the program would look up in a table where they are, at every translation. PTX knows no visibility.
    if matches!(pipeline.target, Target::Host) {
        for global in LOADED.iter().filter_map(|name| module.global(name)) {
            global.set_protected_visibility();
        }
    }
    prepare(module, pipeline, machine, keep_debug)?;
    let undefined = undefined(module);
    if !undefined.is_empty() {
        return Err(Error::Internal(format!("undefined after the link: {}", undefined.join(", "))));
    }
    Ok(())
}

/// Optimises what the passes have inserted, or code whose runtime is linked in later.
///
/// # Errors
///
/// [`Error::Internal`].
pub fn prepare(
    module: &Module<'_>,
    pipeline: &Pipeline,
    machine: &TargetMachine,
    keep_debug: bool,
) -> Result<()> {
    if !keep_debug {
        module.strip_debug();
    }
    settle_calls(module);
    optimise(module, machine, pipeline.optimization)?;
    module.verify().map_err(|reason| Error::Internal(format!("the linked program is invalid: {reason}")))
}

/// Keeps functions apart that the first optimisation has left apart, but for what must be inlined of the runtime.
///
/// LLVM takes calls on a GPU for so expensive that it would inline nearly everything. But what a program waits for is
/// memory at the other end of a bus, and ptxas gives each entry point a copy of all code as it is.
fn settle_calls(module: &Module<'_>) {
    for function in module.defined_functions() {
        if !function.has_attribute("alwaysinline") {
            function.add_attribute(module.context(), "noinline");
        }
    }
}

/// Names that are used and defined nowhere.
fn undefined(module: &Module<'_>) -> Vec<String> {
    let functions = module.functions().into_iter().filter(|function| function.intrinsic_id() == 0);
    functions
        .chain(module.globals())
        .filter(|global| global.is_declaration() && global.is_used())
        .map(|global| global.name())
        .collect()
}
