// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inputs of all kinds, linked into one module.

use std::path::Path;

use gpufas_abi::manifest::Kernel as ManifestKernel;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Context, Module};
use inkwell::memory_buffer::MemoryBuffer;

use crate::arguments::Arguments;
use crate::command::Runner;
use crate::error::{Error, Result};
use crate::frontend;
use crate::kernel::Kernel;

/// Named metadata that says which kernel a module was compiled for.
const KERNEL_METADATA: &str = "gpufas.kernel";

/// Whether an input is C, by its name.
pub fn is_source(input: &str) -> bool {
    input == "-"
        || matches!(
            Path::new(input).extension().and_then(|extension| extension.to_str()),
            Some("c" | "i" | "h")
        )
}

/// Reads or compiles one input.
///
/// # Errors
///
/// [`Error::Rejected`] and [`Error::Input`] for what is no program, [`Error::File`] for what cannot be read.
pub fn load<'c>(
    context: &'c Context,
    log: &DiagnosticLog<'_>,
    arguments: &Arguments,
    kernel: Option<&Kernel>,
    runner: Runner,
    input: &str,
    target_name: &Path,
) -> Result<Option<Module<'c>>> {
    let bytes = if is_source(input) {
        if input != "-" && !Path::new(input).is_file() {
            return Err(missing(input));
        }
        let Some(kernel) = kernel else { return Err(Error::Internal("no kernel for a C source".into())) };
        let bitcode = frontend::compile(arguments, kernel, runner, input, target_name)?;
        if runner.dry_run {
            return Ok(None);
        }
        bitcode
    } else {
        std::fs::read(input).map_err(|source| Error::File {
            action: "cannot read",
            path: input.into(),
            source,
        })?
    };
    let module = parse(context, log, input, &bytes)?;
    if is_source(input)
        && let Some(kernel) = kernel
    {
        mark(&module, &kernel.identity);
    }
    Ok(Some(module))
}

fn missing(input: &str) -> Error {
    Error::File {
        action: "cannot read",
        path: input.into(),
        source: std::io::Error::from(std::io::ErrorKind::NotFound),
    }
}

/// Reads LLVM IR or bitcode.
fn parse<'c>(context: &'c Context, log: &DiagnosticLog<'_>, input: &str, bytes: &[u8]) -> Result<Module<'c>> {
    let rejected = |reason: String| Error::Input { path: input.to_owned(), reason };
    let is_bitcode = bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b]);
    if !is_bitcode && (bytes.contains(&0) || std::str::from_utf8(bytes).is_err()) {
        return Err(rejected("neither C, LLVM IR nor LLVM bitcode".into()));
    }
    let buffer = MemoryBuffer::create_from_memory_range_copy(bytes, input);
    let parsed = if is_bitcode {
        inkwell::module::Module::parse_bitcode_from_buffer(&buffer, context)
            .map_err(|error| error.to_str().map_or_else(|_| format!("{error:?}"), str::to_owned))
    } else {
        context
            .create_module_from_ir(buffer)
            .map_err(|error| error.to_str().map_or_else(|_| format!("{error:?}"), str::to_owned))
    };
    let said = log.take_errors();
    let module = parsed.map_err(|reason| {
        let reason = if reason.trim().is_empty() { said.join("; ") } else { reason };
        rejected(format!("LLVM cannot read it: {}", reason.trim()))
    })?;
    let module = Module::new(context, module);
    module.verify().map_err(|reason| rejected(format!("it is no valid LLVM IR: {}", reason.trim())))?;
    Ok(module)
}

/// Notes in a module which kernel it is for, as text.
fn mark(module: &Module<'_>, kernel: &ManifestKernel) {
    let mut words = vec![kernel.release.as_str(), kernel.version.as_deref().unwrap_or_default()];
    words.extend(kernel.build_id.as_deref());
    module.add_text_metadata(KERNEL_METADATA, &words);
}

/// The kernel that a module's parts were compiled for.
///
/// # Errors
///
/// [`Error::Usage`] if they are for different kernels.
pub fn kernel_of(module: &Module<'_>) -> Result<Option<ManifestKernel>> {
    let mut found: Option<ManifestKernel> = None;
    for words in module.text_metadata(KERNEL_METADATA) {
        let mut words = words.into_iter();
        let Some(release) = words.next() else { continue };
        let kernel = ManifestKernel {
            release,
            version: words.next().filter(|version| !version.is_empty()),
            build_id: words.next(),
        };
        match &found {
            Some(other) if *other != kernel => {
                return Err(Error::Usage(format!(
                    "the inputs are compiled for different kernels, {} and {}",
                    other.release, kernel.release
                )));
            }
            _ => found = Some(kernel),
        }
    }
    Ok(found)
}

/// Links modules into the first.
///
/// # Errors
///
/// [`Error::Input`] with what LLVM's linker says, such as a symbol that is defined twice.
pub fn link<'c>(log: &DiagnosticLog<'_>, modules: Vec<(String, Module<'c>)>) -> Result<Module<'c>> {
    let mut modules = modules.into_iter();
    let Some((_, whole)) = modules.next() else { return Err(Error::Usage("no input files".into())) };
    for (path, module) in modules {
        if !whole.link(module) {
            return Err(Error::Input { path, reason: log.take_errors().join("; ") });
        }
    }
    Ok(whole)
}
