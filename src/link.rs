// SPDX-License-Identifier: MIT OR Apache-2.0

//! The modules of a program, linked into one.

use std::collections::HashMap;
use std::path::PathBuf;

use gpufas_abi::manifest::Kernel as ManifestKernel;
use gpufas_passes::entry_points;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Linkage, Module};
use gpufas_passes::marker::HEADERS_METADATA;

use crate::arguments::Locks;
use crate::error::{Error, Result};
use crate::input::{KERNEL_METADATA, LOCKS_METADATA};
use crate::kernel::Kernel;
use crate::source_names::SourceNames;

/// What GPUFAS_ENTRY() puts before the name of an entry point in the name of its descriptor.
const DESCRIPTOR_PREFIX: &str = "gpufas_entry_descriptor_";

/// Links modules into the first. Each has the name of its input.
///
/// # Errors
///
/// [`Error::Input`] for what two inputs define, and with what else LLVM's linker says.
pub fn link<'c>(log: &DiagnosticLog<'_>, modules: Vec<(String, Module<'c>)>) -> Result<Module<'c>> {
    check_definitions(&modules)?;
    // LLVM's linker looks at the whole of what it links into each time. So neighbours are linked first, then pairs of them:
    // the order stays, and the time grows with the inputs and not with their square.
    let mut parts = modules;
    while parts.len() > 1 {
        let mut rest = parts.into_iter();
        let mut linked = Vec::new();
        while let Some((path, whole)) = rest.next() {
            if let Some((path, module)) = rest.next()
                && !whole.link(module)
            {
                return Err(Error::Input { path, reason: log.take_errors().join("; ") });
            }
            linked.push((path, whole));
        }
        parts = linked;
    }
    let whole = parts.pop().map(|(_, module)| module);
    whole.ok_or_else(|| Error::Usage("no input files".into()))
}

/// LLVM's linker does not say where else a symbol is defined.
fn check_definitions(modules: &[(String, Module<'_>)]) -> Result<()> {
    let mut symbols: HashMap<String, &str> = HashMap::new();
    let mut entries: HashMap<String, &str> = HashMap::new();
    let twice = |path: &str, what: String, other: &str| {
        let reason = match path == other {
            true => "the file is given twice".to_owned(),
            false => format!("{what} is also defined in {other}"),
        };
        Err(Error::Input { path: path.to_owned(), reason })
    };
    for (path, module) in modules {
        let globals = module.globals().into_iter().filter(|global| !global.is_declaration());
        for global in module.defined_functions().into_iter().chain(globals) {
            let name = global.name();
            if global.linkage() == Linkage::LLVMExternalLinkage
                && !name.starts_with("llvm.")
                && let Some(other) = symbols.insert(name.clone(), path)
            {
                return twice(path, format!("`{name}`"), other);
            }
            if let Some(entry) = name.strip_prefix(DESCRIPTOR_PREFIX)
                && global.section() == entry_points::SECTION
                && let Some(other) = entries.insert(entry.to_owned(), path)
            {
                return twice(path, format!("the entry point `{entry}`"), other);
            }
        }
    }
    Ok(())
}

/// Whether a module is for the kernel of a number. Bitcode says which kernel it was compiled for; what says none is for all.
///
/// # Errors
///
/// [`Error::Input`] if it was compiled for none of the kernels.
pub fn is_for(module: &Module<'_>, path: &str, number: usize, kernels: &[Kernel]) -> Result<bool> {
    let fits = |kernel: &Kernel| kernel_of(module, Some(&kernel.identity)).is_ok();
    if kernels.iter().any(fits) {
        return Ok(kernels.get(number).is_some_and(fits));
    }
    let said = kernel_of(module, None).map_or_else(|error| error.to_string(), |kernel| kernel.release);
    let reason = format!("it was compiled for kernel {said}, which is none of those that are named");
    Err(Error::Input { path: path.to_owned(), reason })
}

/// Whether a module says which kernel it was compiled for.
pub fn is_marked(module: &Module<'_>) -> bool {
    !module.text_metadata(KERNEL_METADATA).is_empty()
}

/// The kernel that a program is for: as its parts say, or as the user says.
///
/// # Errors
///
/// [`Error::Usage`] if they differ or nobody says it.
pub fn kernel_of(module: &Module<'_>, named: Option<&ManifestKernel>) -> Result<ManifestKernel> {
    let said = module.text_metadata(KERNEL_METADATA).into_iter().filter_map(|words| {
        let mut words = words.into_iter();
        let release = words.next()?;
        let version = words.next().filter(|version| !version.is_empty());
        Some(ManifestKernel { release, version, build_id: words.next() })
    });
    let mut kernels = said.chain(named.cloned());
    let Some(first) = kernels.next() else {
        return Err(Error::Usage(
            "the inputs do not say which kernel they are for; name it with --kernel RELEASE".into(),
        ));
    };
    kernels.try_fold(first, |known, other| {
        let differ =
            |one: &Option<String>, two: &Option<String>| one.is_some() && two.is_some() && one != two;
        if known.release != other.release {
            return Err(Error::Usage(format!(
                "the parts of the program are for different kernels, {} and {}",
                known.release, other.release
            )));
        }
        if differ(&known.version, &other.version) || differ(&known.build_id, &other.build_id) {
            return Err(Error::Usage(format!(
                "the parts of the program are for different builds of kernel {}: {} and {}",
                known.release,
                build(&known),
                build(&other)
            )));
        }
        Ok(ManifestKernel {
            version: known.version.or(other.version),
            build_id: known.build_id.or(other.build_id),
            release: known.release,
        })
    })
}

/// The kernel whose headers the parts of a program were compiled against, for what is compiled against them only now: its headers
/// where they were then, or where they are installed.
///
/// # Errors
///
/// [`Error::Usage`] if they are not found, or the parts are for different kernels.
pub fn headers_of(module: &Module<'_>) -> Result<Kernel> {
    let release = kernel_of(module, None)?.release;
    let folders = module.text_metadata(HEADERS_METADATA).into_iter().flatten();
    let there = folders.map(PathBuf::from).filter(|folder| folder.is_dir());
    let mut kernels = there.filter_map(|folder| Kernel::locate(Some(&release), Some(&folder)).ok());
    kernels.next().map_or_else(|| Kernel::locate(Some(&release), None), Ok).map_err(|error| {
        Error::Usage(format!(
            "the program calls functions of the kernel's that are compiled now, against its headers: {error}"
        ))
    })
}

/// Checks that parts which were compiled for locks of one meaning are not linked for another.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn check_locks(module: &Module<'_>, locks: Locks) -> Result<()> {
    let said = module.text_metadata(LOCKS_METADATA).into_iter().flatten();
    match said.into_iter().find(|said| said != locks.name()) {
        Some(other) => Err(Error::Usage(format!(
            "a part of the program was compiled with --locks {other}, and it is linked with --locks {}: say the same",
            locks.name()
        ))),
        None => Ok(()),
    }
}

/// A build in words.
fn build(kernel: &ManifestKernel) -> String {
    let version = kernel.version.as_deref().unwrap_or("of unknown version");
    let build_id = kernel.build_id.as_deref().map(|id| format!(" (build id {id})"));
    format!("{version}{}", build_id.unwrap_or_default())
}

/// Adds the folders in which the headers of a program's parts were.
pub fn add_header_folders(module: &Module<'_>, names: &mut SourceNames) {
    for folder in module.text_metadata(HEADERS_METADATA).into_iter().flatten() {
        names.add_text(&folder);
    }
}
