// SPDX-License-Identifier: MIT OR Apache-2.0

//! NVIDIA's tools: PTX to machine code, and both into a fatbinary.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::command::{Runner, find_in_path, is_executable};
use crate::error::{Error, Result};

/// Where NVIDIA's tools are.
#[derive(Clone, Debug)]
pub struct Toolkit {
    /// `ptxas`.
    pub ptxas: PathBuf,
    /// `fatbinary`.
    pub fatbinary: PathBuf,
}

impl Toolkit {
    /// Finds the tools: in the folder that the user names, `CUDA_HOME` or `CUDA_PATH`, `PATH`, `/usr/local/cuda`, or
    /// where `cargo xtask` keeps them.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] with the remedy.
    pub fn locate(named: Option<&Path>) -> Result<Self> {
        Ok(Self { ptxas: tool(named, "ptxas")?, fatbinary: tool(named, "fatbinary")? })
    }

    /// The version that ptxas says it has (`V13.0.88`).
    pub fn version(&self) -> Option<String> {
        let output = Command::new(&self.ptxas).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace()
            .find(|word| word.starts_with('V') && word[1..].starts_with(|digit: char| digit.is_ascii_digit()))
            .map(|word| word[1..].to_owned())
    }

    /// Assembles PTX for an architecture.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] with what ptxas says.
    pub fn assemble(
        &self,
        runner: Runner,
        ptx: &Path,
        architecture: u32,
        debug: bool,
        cubin: &Path,
    ) -> Result<()> {
        let mut command = Command::new(&self.ptxas);
        command.arg("-m64").arg(format!("-arch=sm_{architecture}"));
        if debug {
            command.arg("-lineinfo");
        }
        // Without this an unresolved variable becomes one of the program's own, with a warning only.
        command.arg("--warning-as-error");
        command.arg(ptx).arg("-o").arg(cubin);
        runner.run(command)
    }

    /// Puts cubins and PTX into a fatbinary.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] with what fatbinary says.
    pub fn bundle(
        &self,
        runner: Runner,
        cubins: &[(u32, PathBuf)],
        ptx: (u32, &Path),
        output: &Path,
    ) -> Result<()> {
        let mut command = Command::new(&self.fatbinary);
        command.arg("-64").arg(format!("--create={}", output.display()));
        for (architecture, cubin) in cubins {
            command.arg(format!("--image3=kind=elf,sm={architecture},file={}", cubin.display()));
        }
        command.arg(format!("--image3=kind=ptx,sm={},file={}", ptx.0, ptx.1.display()));
        runner.run(command)
    }
}

fn tool(named: Option<&Path>, name: &str) -> Result<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(named) = named {
        let found =
            [named.join("bin").join(name), named.join(name)].into_iter().find(|file| is_executable(file));
        return found.ok_or_else(|| {
            Error::Missing(format!("{name} is not in --cuda-path {} or its bin folder", named.display()))
        });
    }
    for variable in ["CUDA_HOME", "CUDA_PATH"] {
        places.extend(std::env::var_os(variable).map(|folder| PathBuf::from(folder).join("bin")));
    }
    if let Some(found) = places.iter().map(|place| place.join(name)).find(|file| is_executable(file)) {
        return Ok(found);
    }
    if let Some(found) = find_in_path(&[name]) {
        return Ok(found);
    }
    let mut places = vec![PathBuf::from("/usr/local/cuda/bin")];
    // Newest version first.
    let cached = cache::folder().map(|cache| cache.join("cuda"));
    let mut versions: Vec<PathBuf> = cached
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    places.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    places.iter().map(|place| place.join(name)).find(|file| is_executable(file)).ok_or_else(|| {
        Error::Missing(format!(
            "{name} is not installed; `cargo xtask doctor` says how to get it, or name a CUDA toolkit with --cuda-path or \
             CUDA_HOME (programs for the host need none: --target host)"
        ))
    })
}
