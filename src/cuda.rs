// SPDX-License-Identifier: MIT OR Apache-2.0

//! NVIDIA's tools: PTX to machine code, and both into a fatbinary.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Runner, ask, is_executable};
use crate::error::{Error, Result};
use gpufas_kernel::cache;

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
    /// What ptxas says that it can do.
    help: String,
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
    /// Finds the tools: in the folder that the user names, with an option or by `CUDA_HOME` or `CUDA_PATH`; else the first that are new
    /// enough in `PATH`, `/usr/local/cuda`, or where `cargo xtask` keeps them.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] with the remedy, also if the toolkit is too old.
    pub fn locate(named: Option<&Path>) -> Result<Self> {
        let mut too_old = None;
        for folder in places(named)? {
            let ptxas = folder.join("ptxas");
            let help = ask(&ptxas, &["--help"]).unwrap_or_default();
            let toolkit = Self { ptxas, fatbinary: folder.join("fatbinary"), help };
            if toolkit.help.contains(FAST_COMPILE) {
                return Ok(toolkit);
            }
            too_old.get_or_insert(toolkit);
        }
        Err(Error::Missing(match too_old {
            Some(toolkit) => format!(
                "{} is version {}; programs need 12.9 or newer, since without {FAST_COMPILE} it makes wrong code: install a newer \
                 CUDA toolkit, or name one with --cuda-path or CUDA_HOME",
                toolkit.ptxas.display(),
                toolkit.version().unwrap_or_else(|| "unknown".into())
            ),
            None => "ptxas and fatbinary are not installed; `cargo xtask doctor` says how to get them, or name a CUDA toolkit with \
                     --cuda-path or CUDA_HOME (programs for the host need none: --target host)"
                .to_owned(),
        }))
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
        let mut found: Vec<u32> =
            self.help.split('\'').filter_map(|word| word.strip_prefix("sm_")?.parse().ok()).collect();
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

/// Whether a folder has both tools.
fn has_tools(folder: &Path) -> bool {
    ["ptxas", "fatbinary"].iter().all(|tool| is_executable(&folder.join(tool)))
}

/// The folders that have both tools, in the order in which they are preferred: beside one that is named there is no other.
fn places(named: Option<&Path>) -> Result<Vec<PathBuf>> {
    if let Some(named) = named {
        let found = [named.join("bin"), named.to_owned()].into_iter().find(|folder| has_tools(folder));
        return found.map(|folder| vec![folder]).ok_or_else(|| {
            let named = named.display();
            Error::Missing(format!("ptxas and fatbinary are not in --cuda-path {named} or its bin folder"))
        });
    }
    for variable in ["CUDA_HOME", "CUDA_PATH"] {
        let folder = std::env::var_os(variable).map(|folder| PathBuf::from(folder).join("bin"));
        if let Some(folder) = folder.filter(|folder| has_tools(folder)) {
            return Ok(vec![folder]);
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
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
    let toolkits = std::iter::once(PathBuf::from("/usr/local/cuda")).chain(versions.into_iter().rev());
    let folders = std::env::split_paths(&path).chain(toolkits.map(|toolkit| toolkit.join("bin")));
    Ok(folders.filter(|folder| has_tools(folder)).collect())
}
