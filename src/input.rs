// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inputs of all kinds, each as a module.

use std::io::Read;
use std::path::Path;

use gpufas_abi::manifest::Kernel as ManifestKernel;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Context, Linkage, Module};
use gpufas_passes::marker::HEADERS_METADATA;
use inkwell::memory_buffer::MemoryBuffer;

use crate::arguments::Locks;
use crate::crash;
use crate::error::{Error, Result};
use crate::memory_limit::MemoryLimit;
use crate::source_names::SourceNames;

/// Named metadata that says which kernel a module was compiled for.
pub const KERNEL_METADATA: &str = "gpufas.kernel";

/// Named metadata that says what taking a lock means in a module, as its compiler was told or by default.
pub const LOCKS_METADATA: &str = "gpufas.locks";

/// Largest input that is read.
const LARGEST: u64 = 1 << 30;

/// Whether an input is C, by its name.
pub fn is_source(input: &str) -> bool {
    input == "-" || matches!(extension(input), Some("c" | "i" | "h"))
}

fn extension(input: &str) -> Option<&str> {
    Path::new(input).extension().and_then(|extension| extension.to_str())
}

/// Checks that an input is there, and is neither a folder nor of an unknown kind.
///
/// # Errors
///
/// [`Error::Read`], [`Error::Input`].
pub fn check(input: &str) -> Result<()> {
    if input == "-" {
        return Ok(());
    }
    let metadata = Path::new(input).metadata().map_err(Error::read(input))?;
    if metadata.is_dir() {
        return Err(Error::read(input)(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    Ok(())
}

/// Reads LLVM IR or bitcode. Until [`crash::clear_suspect`] bitcode is taken to be what LLVM crashes at: what is damaged in debug
/// information comes out only where it is used.
///
/// # Errors
///
/// [`Error::Read`], and those of [`parse`].
pub fn load<'c>(context: &'c Context, log: &DiagnosticLog<'_>, input: &str) -> Result<Module<'c>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(input).map_err(Error::read(input))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(Error::read(input))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::Input {
            path: input.to_owned(),
            reason: format!("it is larger than {} MiB", LARGEST >> 20),
        });
    }
    crash::doing(&format!("reading {input}"));
    crash::keep_input(input, &bytes);
    if is_bitcode(&bytes) {
        crash::suspect(input);
    }
    let limit = MemoryLimit::for_file(bytes.len() as u64);
    let module = parse(context, log, input, &bytes);
    drop(limit);
    module
}

fn is_bitcode(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(&[0xde, 0xc0, 0x17, 0x0b])
}

/// Makes a module of LLVM IR or bitcode.
///
/// # Errors
///
/// [`Error::Input`] for what is neither, or not valid.
pub fn parse<'c>(
    context: &'c Context,
    log: &DiagnosticLog<'_>,
    input: &str,
    bytes: &[u8],
) -> Result<Module<'c>> {
    let rejected = |reason: String| Error::Input { path: input.to_owned(), reason };
    let is_bitcode = is_bitcode(bytes);
    if !is_bitcode && let Some(reason) = no_text(input, bytes) {
        return Err(rejected(reason));
    }
    let buffer = MemoryBuffer::create_from_memory_range_copy(bytes, input);
    let parsed = if is_bitcode {
        inkwell::module::Module::parse_bitcode_from_buffer(&buffer, context)
    } else {
        context.create_module_from_ir(buffer)
    };
    let said = log.take_errors();
    let module = parsed.map_err(|error| {
        let text = error.to_str().map_or_else(|_| String::new(), |text| text.trim().to_owned());
        let text = if text.is_empty() { said.join("; ") } else { text };
        if text.starts_with(&format!("{input}:")) {
            return Error::Source(text);
        }
        if text.contains("Incompatible epoch") {
            return rejected(format!("it was written by another version of LLVM: {text}"));
        }
        rejected(format!("LLVM cannot read it: {text}"))
    })?;
    let module = Module::new(context, module);
    module.verify().map_err(|reason| rejected(format!("it is no valid LLVM IR: {}", reason.trim())))?;
    Ok(module)
}

/// What an input is that cannot be LLVM IR as text.
fn no_text(input: &str, bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(b"\x7fELF") {
        return Some("it is an ELF file; gpufas-cc links bitcode, as `gpufas-cc -c` makes it".into());
    }
    if bytes.is_empty() {
        return Some("it is empty".into());
    }
    if bytes.contains(&0) || std::str::from_utf8(bytes).is_err() {
        return Some("it is neither LLVM IR nor LLVM bitcode".into());
    }
    let known = matches!(extension(input), Some("ll" | "bc" | "o"));
    (!known).then(|| "its kind is not known: C sources are called .c, LLVM IR .ll, bitcode .bc or .o".into())
}

/// Checks that a module was compiled for the kernel's machine.
///
/// # Errors
///
/// [`Error::Input`].
pub fn check_target(module: &Module<'_>, input: &str) -> Result<()> {
    let triple = module.triple();
    if triple.is_empty() || triple.starts_with("x86_64-") {
        return Ok(());
    }
    Err(Error::Input {
        path: input.to_owned(),
        reason: format!(
            "it is compiled for {triple}; recovery programs are compiled as code of the kernel is, for x86_64-linux-gnu, and \
             brought to their own target afterwards"
        ),
    })
}

/// Forgets which CPU a module was compiled for. It runs on none such; and of a name that is none LLVM would not say so, but end
/// the process in the middle of optimisation.
pub fn forget_cpu(module: &Module<'_>) {
    for function in module.functions() {
        for attribute in ["target-cpu", "tune-cpu"] {
            function.remove_text_attribute(attribute);
        }
    }
}

/// Notes in a module which kernel it is for and where the headers were.
pub fn mark(module: &Module<'_>, kernel: &ManifestKernel, names: &SourceNames) {
    let mut words = vec![kernel.release.as_str(), kernel.version.as_deref().unwrap_or_default()];
    words.extend(kernel.build_id.as_deref());
    module.add_text_metadata(KERNEL_METADATA, &words);
    let folders: Vec<&str> = names.folders().iter().map(String::as_str).collect();
    module.add_text_metadata(HEADERS_METADATA, &folders);
}

/// Notes in a module what taking a lock means, whether it takes any or not.
pub fn mark_locks(module: &Module<'_>, locks: Locks) {
    module.add_text_metadata(LOCKS_METADATA, &[locks.name()]);
}

/// Makes all functions of a module visible to other files, so that none is left out because this one does not call it.
pub fn export_functions(module: &Module<'_>) {
    for function in module.defined_functions() {
        if function.linkage() == Linkage::LLVMInternalLinkage {
            function.set_linkage(Linkage::LLVMExternalLinkage);
        }
    }
}

/// Reads back a module that this compiler has written.
///
/// # Errors
///
/// [`Error::Internal`] with what LLVM says.
pub fn reparse<'c>(context: &'c Context, log: &DiagnosticLog<'_>, bytes: &[u8]) -> Result<Module<'c>> {
    parse(context, log, "program.ll", bytes).map_err(|error| Error::Internal(error.to_string()))
}
