// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tools that are tested, and the programs that they compile.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
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
        Self::for_guest(folder, "6.1")
    }

    /// The same with another kernel, for guests of it.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or there is no such kernel.
    pub fn for_guest(folder: &Path, kernel: &str) -> Result<Arc<Self>> {
        let folder = folder.join("recovery");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Arc::new(Self {
            compiler: Some(tool("GPUFAS_CC")?),
            gpufas: tool("GPUFAS")?,
            kernel: kernels::find(kernel)?.fetch(&|_| {})?,
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
        let headers = ["--kernel-headers".into(), self.kernel.headers.clone().into_os_string()];
        self.make(source, target, "", &headers)
    }

    /// Compiles a program for other kernels than the guests', by their names in the list of kernels, with options of the compiler's.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn compile_for(
        &self,
        source: &str,
        target: Target,
        releases: &[&str],
        options: &[&str],
    ) -> Result<PathBuf> {
        let mut arguments: Vec<OsString> = options.iter().map(Into::into).collect();
        for release in releases {
            let kernel = kernels::find(release)?.fetch(&|_| {})?;
            arguments.extend(["--kernel-headers".into(), kernel.headers.into_os_string()]);
        }
        let of = [releases, options].concat().join("").replace([',', '-'], "_");
        self.make(source, target, &format!("-{of}"), &arguments)
    }

    /// `of` is what distinguishes it from others of the same source.
    fn make(&self, source: &str, target: Target, of: &str, arguments: &[OsString]) -> Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (format!("{source}{of}"), target);
        if let Some(program) = made.get(&key) {
            return Ok(program.clone());
        }
        let name = Path::new(source).file_stem().context("a source without a name")?;
        let output = self.folder.join(format!("{}{of}.{}", name.display(), target.extension()));
        let Some(compiler) = &self.compiler else {
            return Ok(output);
        };
        // Under another name first: a test that runs at the same time may be reading the file.
        let new = self.folder.join(format!("{}-{}", std::process::id(), name.display()));
        let mut command = Command::new(compiler);
        command.arg(workspace().join(source)).arg("-o").arg(&new).args(["--target", target.name()]);
        command.args(arguments);
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
