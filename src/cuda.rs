// SPDX-License-Identifier: MIT OR Apache-2.0

//! NVIDIA's tools: PTX to machine code, and both into a fatbinary.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::command::{Runner, ask, find_in_path, is_executable};
use crate::error::{Error, Result};

/// How ptxas optimises (nvcc's `--Ofast-compile`, since CUDA 12.9): each function by itself.
///
/// Without it, ptxas (seen: 13.0.88, 13.1.115, 13.5.37) takes the whole program together, and loses moves of registers on the way: of a
/// value that two branches leave, one branch's is gone (docs/compiler.md, "What tools take and get wrong"). It also
/// gives each entry point copies of all functions that any of them reaches.
const FAST_COMPILE: &str = "--Ofast-compile";

/// Where NVIDIA's tools are.
#[derive(Clone, Debug)]
pub struct Toolkit {
    ptxas: PathBuf,
    fatbinary: PathBuf,
}

/// How PTX is assembled.
#[derive(Clone, Copy, Debug)]
pub struct Assembling {
    /// With source lines.
    pub lines: bool,
    /// To code that is linked later: what it does not define stays undefined.
    pub relocatable: bool,
}

impl Toolkit {
    /// Finds the tools: in the folder that the user names, `CUDA_HOME` or `CUDA_PATH`, `PATH`, `/usr/local/cuda`, or
    /// where `cargo xtask` keeps them.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] with the remedy, also if the toolkit is too old.
    pub fn locate(named: Option<&Path>) -> Result<Self> {
        let toolkit = Self { ptxas: tool(named, "ptxas")?, fatbinary: tool(named, "fatbinary")? };
        if toolkit.help().contains(FAST_COMPILE) {
            return Ok(toolkit);
        }
        Err(Error::Missing(format!(
            "{} is version {}; programs need 12.9 or newer, since without {FAST_COMPILE} it makes wrong code: install a newer \
             CUDA toolkit, or name one with --cuda-path or CUDA_HOME",
            toolkit.ptxas.display(),
            toolkit.version().unwrap_or_else(|| "unknown".into())
        )))
    }

    /// What ptxas says that it can do.
    fn help(&self) -> String {
        ask(&self.ptxas, &["--help"]).unwrap_or_default()
    }

    /// The version that ptxas says it has (`13.0.88`).
    pub fn version(&self) -> Option<String> {
        let text = ask(&self.ptxas, &["--version"])?;
        text.split_whitespace()
            .find(|word| word.starts_with('V') && word[1..].starts_with(|digit: char| digit.is_ascii_digit()))
            .map(|word| word[1..].to_owned())
    }

    /// The GPU architectures that ptxas knows, which its help lists as `'sm_90'`.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] if it does not say.
    pub fn architectures(&self) -> Result<Vec<u32>> {
        let text = self.help();
        let mut found: Vec<u32> =
            text.split('\'').filter_map(|word| word.strip_prefix("sm_")?.parse().ok()).collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            let output = "its --help lists no architectures".to_owned();
            return Err(Error::Tool { tool: self.ptxas.display().to_string(), output });
        }
        Ok(found)
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
        options: Assembling,
        cubin: &Path,
    ) -> Result<()> {
        let mut command = Command::new(&self.ptxas);
        command.arg("-m64").arg(format!("-arch=sm_{architecture}"));
        if options.lines {
            command.arg("-lineinfo");
        }
        // What is linked later is compiled by functions anyway.
        command.arg(if options.relocatable { "-c".into() } else { format!("{FAST_COMPILE}=min") });
        // Without this an unresolved variable becomes one of the program's own, with a warning only.
        command.arg("--warning-as-error");
        // Programs may call themselves; their stack is bounded as they run (runtime/device/src/budget.rs).
        command.arg("--suppress-stack-size-warning");
        command.arg(ptx).arg("-o").arg(cubin);
        runner.run(command)
    }

    /// Puts cubins and PTX into a fatbinary. `identifier` is what cuobjdump says that the code is for.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] with what fatbinary says.
    pub fn bundle(
        &self,
        runner: Runner,
        identifier: &str,
        cubins: &[(u32, PathBuf)],
        ptx: &[(u32, PathBuf)],
        output: &Path,
    ) -> Result<()> {
        let mut command = Command::new(&self.fatbinary);
        command.arg("-64").arg("--compress-all").arg(format!("--create={}", output.display()));
        command.arg(format!("--ident={identifier}"));
        for (kind, images) in [("elf", cubins), ("ptx", ptx)] {
            for (architecture, file) in images {
                command.arg(format!("--image3=kind={kind},sm={architecture},file={}", file.display()));
            }
        }
        runner.run(command)
    }
}

fn tool(named: Option<&Path>, name: &str) -> Result<PathBuf> {
    if let Some(named) = named {
        let found =
            [named.join("bin").join(name), named.join(name)].into_iter().find(|file| is_executable(file));
        return found.ok_or_else(|| {
            Error::Missing(format!("{name} is not in --cuda-path {} or its bin folder", named.display()))
        });
    }
    let mut places: Vec<PathBuf> = Vec::new();
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
