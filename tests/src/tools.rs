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

/// `gpufas`, a kernel that guests run, and programs that were compiled for it.
pub struct Tools {
    /// None: programs come compiled.
    compiler: Option<PathBuf>,
    gpufas: PathBuf,
    kernel: Kernel,
    /// Where compiled programs are.
    folder: PathBuf,
    /// What was compiled in this process; by source and target.
    made: Mutex<HashMap<(String, Target), PathBuf>>,
}

impl Tools {
    /// The tools that `cargo xtask test` has built, with the kernel 6.1. Programs are compiled into `folder`.
    ///
    /// On a machine with a GPU and without a compiler, `GPUFAS_BUNDLE` in the environment names an unpacked bundle of
    /// `cargo xtask bundle`, which has all of them.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or there is no such kernel.
    pub fn new(folder: &Path) -> Result<Arc<Self>> {
        if let Some(bundle) = env::var_os("GPUFAS_BUNDLE") {
            return Self::bundled(Path::new(&bundle)).map(Arc::new);
        }
        let folder = folder.join("recovery");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Arc::new(Self {
            compiler: Some(tool("GPUFAS_CC")?),
            gpufas: tool("GPUFAS")?,
            kernel: kernels::find("6.1")?.fetch(&|_| {})?,
            folder,
            made: Mutex::default(),
        }))
    }

    fn bundled(bundle: &Path) -> Result<Self> {
        let release = fs::read_to_string(bundle.join("release"))
            .with_context(|| format!("{} is no bundle of cargo xtask bundle", bundle.display()))?;
        let kernel = Kernel {
            release: release.trim().to_owned(),
            vmlinuz: bundle.join("vmlinuz"),
            // Nothing is compiled there.
            headers: PathBuf::new(),
            common_headers: PathBuf::new(),
            modules: PathBuf::new(),
            config: PathBuf::new(),
        };
        let (gpufas, folder) = (bundle.join("gpufas"), bundle.join("programs"));
        Ok(Self { compiler: None, gpufas, kernel, folder, made: Mutex::default() })
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
        let Some(compiler) = &self.compiler else {
            return Ok(output);
        };
        // Under another name first: a test that runs at the same time may be reading the file.
        let new = self.folder.join(format!("{}-{}", std::process::id(), name.display()));
        let mut command = Command::new(compiler);
        command.arg(workspace().join(source)).arg("-o").arg(&new).args(["--target", target.name()]);
        command.arg("--kernel-headers").arg(&self.kernel.headers);
        let result = command.output().with_context(|| format!("cannot run {}", compiler.display()))?;
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
