// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel modules for guests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gpufas_guest::kernels;

use crate::bundle;
use crate::suite::Skipped;
use crate::tools::{Tools, workspace};

/// The folder of modules in a bundle, with one folder for each kernel.
const MODULES: &str = "modules";

/// A kernel module of the repository's.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// The folder of its sources.
    folder: &'static str,
    /// What it includes besides, relative to the folder's parent.
    headers: &'static [&'static str],
}

/// The in-kernel recovery support.
pub const SUPPORT: Module = Module {
    name: "gpufas_support",
    folder: "runtime/support",
    headers: &["include/gpufas/support_protocol.h"],
};

/// The device that maps all of physical memory into a process.
pub const MEMORY: Module = Module { name: "gpufas_memory", ..SUPPORT };

/// Deadlocks, which the module's source describes.
pub const DEADLOCK: Module = Module { name: "deadlock", folder: "tests/modules/deadlock", headers: &[] };

/// Signals by the kernel's own sender, without anything of ours.
pub const SEND_SIGNAL: Module =
    Module { name: "send_signal", folder: "tests/modules/send_signal", headers: &[] };

/// A page of memory that is uncached.
pub const UNCACHED: Module = Module { name: "uncached", folder: "tests/modules/uncached", headers: &[] };

impl Module {
    /// Builds it for the kernel of the guests, and says where it is. Out of a bundle, it was built when that was filled.
    ///
    /// # Errors
    ///
    /// If it does not compile; [`Skipped`] if a bundle does not have it.
    pub fn build(&self, tools: &Tools) -> Result<PathBuf> {
        let bundled = |bundle: &Path| {
            bundle.join(MODULES).join(tools.kernel_name()).join(self.name).with_extension("ko")
        };
        if let Some(module) = bundle::used().map(|bundle| bundled(&bundle)) {
            if module.is_file() {
                return Ok(module);
            }
            return Err(Skipped(format!("the bundle has no {}", module.display())).into());
        }
        let kernel = kernels::find(tools.kernel_name())?;
        let folder = kernel.modules(&workspace().join(self.folder), self.headers, &|_| {})?;
        let module = folder.join(self.name).with_extension("ko");
        if let Some(copy) = bundle::filled().map(|bundle| bundled(&bundle)) {
            fs::create_dir_all(copy.parent().unwrap_or(&copy))
                .context("cannot make a folder in the bundle")?;
            fs::copy(&module, &copy).with_context(|| format!("cannot copy {}", module.display()))?;
        }
        Ok(module)
    }
}

/// Compiles a program of one C file for guests, which have no libraries, and says where it is.
///
/// # Errors
///
/// What the compiler says; [`Skipped`] where tests run out of a bundle.
pub fn user_program(source: &str, include: &str, folder: &Path) -> Result<PathBuf> {
    if bundle::used().is_some() {
        return Err(Skipped("nothing is compiled where a bundle is used".to_owned()).into());
    }
    let source = workspace().join(source);
    let program = folder.join(source.file_stem().context("a source without a name")?);
    let mut gcc = Command::new("gcc");
    gcc.args(["-static", "-O1", "-Wall", "-Werror", "-I"]).arg(workspace().join(include));
    let output = gcc.arg(&source).arg("-o").arg(&program).output().context("cannot run gcc")?;
    ensure!(output.status.success(), "{gcc:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}
