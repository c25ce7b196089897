// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel modules for guests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gpufas_guest::kernels;

use crate::bundle;
use crate::suite::Skipped;
use crate::tools::{Tools, workspace};

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

impl Module {
    /// Builds it for the kernel of the guests, and says where it is.
    ///
    /// # Errors
    ///
    /// If it does not compile; [`Skipped`] where tests run out of a bundle, in which nothing is compiled.
    pub fn build(&self, tools: &Tools) -> Result<PathBuf> {
        if bundle::used().is_some() {
            return Err(Skipped("the bundle has no kernel modules".to_owned()).into());
        }
        let kernel = kernels::find(tools.kernel_name())?;
        let folder = kernel.modules(&workspace().join(self.folder), self.headers, &|_| {})?;
        Ok(folder.join(self.name).with_extension("ko"))
    }
}

/// Compiles a program of one C file for guests, which have no libraries, and says where it is.
///
/// # Errors
///
/// What the compiler says.
pub fn user_program(source: &str, include: &str, folder: &Path) -> Result<PathBuf> {
    let source = workspace().join(source);
    let program = folder.join(source.file_stem().context("a source without a name")?);
    let mut gcc = Command::new("gcc");
    gcc.args(["-static", "-O1", "-Wall", "-Werror", "-I"]).arg(workspace().join(include));
    let output = gcc.arg(&source).arg("-o").arg(&program).output().context("cannot run gcc")?;
    ensure!(output.status.success(), "{gcc:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}
