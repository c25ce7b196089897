// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tools that are tested, and the programs that they compile.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use gpufas_guest::{Kernel, kernels};

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// On the host's processor.
    Host,
    /// On a GPU.
    Cuda,
}

impl Target {
    /// Its name in the options of `gpufas-cc --target` and `gpufas run --device`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cuda => "cuda",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Host => "so",
            Self::Cuda => "fatbin",
        }
    }
}

/// The compiler, `gpufas`, and a kernel that programs are compiled for and guests run.
pub struct Tools {
    compiler: PathBuf,
    gpufas: PathBuf,
    kernel: Kernel,
    folder: PathBuf,
    /// What was compiled in this process; by source and target.
    made: Mutex<HashMap<(String, Target), PathBuf>>,
}

impl Tools {
    /// The tools that `cargo xtask test` has built, with the kernel 6.1. Programs are compiled into `folder`.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or there is no such kernel.
    pub fn new(folder: &Path) -> Result<Arc<Self>> {
        let folder = folder.join("recovery");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Arc::new(Self {
            compiler: tool("GPUFAS_CC")?,
            gpufas: tool("GPUFAS")?,
            kernel: kernels::find("6.1")?.fetch(&|_| {})?,
            folder,
            made: Mutex::default(),
        }))
    }

    /// The `gpufas` command.
    pub fn gpufas(&self) -> &Path {
        &self.gpufas
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Compiles a program and says where it is. `source` is a path in the repository, as in `examples/kill.c`.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn compile(&self, source: &str, target: Target) -> Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.to_owned(), target);
        if let Some(program) = made.get(&key) {
            return Ok(program.clone());
        }
        let name = Path::new(source).file_stem().context("a source without a name")?;
        let output = self.folder.join(name).with_extension(target.extension());
        // Under another name first: a test that runs at the same time may be reading the file.
        let new = self.folder.join(format!("{}-{}", std::process::id(), name.display()));
        let mut command = Command::new(&self.compiler);
        command.arg(workspace().join(source)).arg("-o").arg(&new).args(["--target", target.name()]);
        command.arg("--kernel-headers").arg(&self.kernel.headers);
        let result = command.output().with_context(|| format!("cannot run {}", self.compiler.display()))?;
        if !result.status.success() {
            bail!("{command:?} failed ({}):\n{}", result.status, String::from_utf8_lossy(&result.stderr));
        }
        fs::rename(&new, &output).with_context(|| format!("cannot rename {}", new.display()))?;
        made.insert(key, output.clone());
        Ok(output)
    }
}

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The program that an environment variable names.
fn tool(variable: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).with_context(|| {
        format!("{variable} is not set; run cargo xtask test, which builds what is tested")
    })?;
    let path = PathBuf::from(path);
    if !path.is_file() {
        bail!("{variable} names {}, which is not there; run cargo xtask test", path.display());
    }
    Ok(path)
}
