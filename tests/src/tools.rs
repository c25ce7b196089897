// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tools that are tested, and the programs that they compile.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::{Kernel, kernels};

use crate::bundle;
use crate::suite::Skipped;

/// The longest text in a program's file name that says what it was compiled with: file systems take names of 255 bytes.
const LONGEST: usize = 100;

/// The kernel of most guests. A bundle's demonstration has it too: programs for it are named after their sources alone.
const KERNEL: &str = "6.1";

/// The folder of consoles in that of tests, or of a bundle.
const CONSOLES: &str = "consoles";

/// The folder of compiled programs in a bundle.
const PROGRAMS: &str = "programs";

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

    /// How the names of cases begin whose programs run there; xtask chooses those on a GPU by it.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Host => "",
            Self::Cuda => "gpu, ",
        }
    }

    /// The ending of a program's file name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Host => "so",
            Self::Cuda => "fatbin",
        }
    }
}

/// How many programs this process has begun to compile.
static COMPILED: AtomicUsize = AtomicUsize::new(0);

/// `gpufas`, a kernel that guests run, and programs that were compiled for it.
pub struct Tools {
    /// None: programs come compiled.
    compiler: Option<PathBuf>,
    gpufas: PathBuf,
    /// The kernel, once somebody has asked for it: if it cannot be had, that is the failure of those cases alone that need it.
    kernel: OnceLock<Kernel>,
    /// Its name in the list of kernels.
    kernel_name: String,
    /// Where compiled programs are.
    folder: PathBuf,
    /// Where the consoles of guests are kept that came to harm.
    consoles: PathBuf,
    /// What was compiled in this process; by source and target.
    made: Mutex<HashMap<(String, Target), PathBuf>>,
}

impl Tools {
    /// The tools that `cargo xtask test` has built, with the kernel 6.1. Programs are compiled into `folder`.
    ///
    /// On a machine with a GPU and without a compiler, `GPUFAS_BUNDLE` in the environment names an unpacked bundle of
    /// `cargo xtask bundle --tests`, which has all of them.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or there is no such kernel.
    pub fn new(folder: &Path) -> Result<Arc<Self>> {
        Self::for_guest(folder, KERNEL)
    }

    /// The same with another kernel, for guests of it.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or there is no such kernel.
    pub fn for_guest(folder: &Path, kernel: &str) -> Result<Arc<Self>> {
        let made = Mutex::default();
        let kernel_name = kernel.to_owned();
        if let Some(bundle) = bundle::used() {
            let (gpufas, folder) = (bundle.join("gpufas"), bundle.join(PROGRAMS));
            let kernel = kernels::bundled::find(&bundle, kernel)?.map_or_else(OnceLock::new, OnceLock::from);
            let consoles = bundle.join(CONSOLES);
            return Ok(Arc::new(Self {
                compiler: None,
                gpufas,
                kernel,
                kernel_name,
                folder,
                consoles,
                made,
            }));
        }
        let consoles = folder.join(CONSOLES);
        let folder = match bundle::filled() {
            Some(bundle) => bundle.join(PROGRAMS),
            None => folder.join("recovery"),
        };
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        kernels::find(kernel)?;
        let kernel = OnceLock::new();
        let (compiler, gpufas) = (Some(tool("GPUFAS_CC")?), tool("GPUFAS")?);
        Ok(Arc::new(Self { compiler, gpufas, kernel, kernel_name, folder, consoles, made }))
    }

    /// The `gpufas` command.
    pub fn gpufas(&self) -> &Path {
        &self.gpufas
    }

    /// The kernel.
    ///
    /// # Errors
    ///
    /// [`Skipped`] if a bundle has no such kernel; if it cannot be fetched.
    pub fn kernel(&self) -> Result<&Kernel> {
        if let Some(kernel) = self.kernel.get() {
            return Ok(kernel);
        }
        let name = &self.kernel_name;
        if bundle::used().is_some() {
            let missing = format!("the bundle has no kernel {name}: cargo xtask bundle --kernel {name}");
            return Err(Skipped(missing).into());
        }
        let fetched = kernels::find(name)?.fetch(&|_| {});
        let kernel = fetched.with_context(|| format!("the set-up of kernel {name}"))?;
        Ok(self.kernel.get_or_init(|| kernel))
    }

    /// The folder where the consoles of guests are kept that came to harm; it may not be there yet.
    pub fn consoles(&self) -> &Path {
        &self.consoles
    }

    /// The kernel's name in the list of kernels.
    pub fn kernel_name(&self) -> &str {
        &self.kernel_name
    }

    /// Compiles a program for the guests' kernel and says where it is. `source` is a path in the repository, as in `examples/kill.c`.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn compile(&self, source: &str, target: Target) -> Result<PathBuf> {
        let name = &self.kernel_name;
        let of = if name == KERNEL { String::new() } else { format!("-for-{name}") };
        self.make(source, target, &of, &|| {
            Ok(vec!["--kernel-headers".into(), self.kernel()?.headers.clone().into_os_string()])
        })
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
        let of = [releases, options].concat().join("").replace([',', '-'], "_");
        self.make(source, target, &format!("-{of}"), &|| {
            let mut arguments: Vec<OsString> = options.iter().map(Into::into).collect();
            for release in releases {
                let kernel = kernels::find(release)?.fetch(&|_| {})?;
                arguments.extend(["--kernel-headers".into(), kernel.headers.into_os_string()]);
            }
            Ok(arguments)
        })
    }

    /// Compiles programs for every target; for a bundle.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn compile_all(&self, sources: &[&str]) -> Result<()> {
        for source in sources {
            for target in [Target::Host, Target::Cuda] {
                self.compile(source, target)?;
            }
        }
        Ok(())
    }

    /// Compiles a program for the guests' kernel together with files of that kernel's own sources, by their paths in its tree, with
    /// options of the compiler's.
    ///
    /// # Errors
    ///
    /// What the compiler says; if the sources cannot be had.
    pub fn compile_along(
        &self,
        source: &str,
        target: Target,
        files: &[&str],
        options: &[&str],
    ) -> Result<PathBuf> {
        let of: String = [&[self.kernel_name.as_str()], files, options].concat().join("_");
        let mut of = of.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "_");
        if of.len() > LONGEST {
            let mut hasher = DefaultHasher::new();
            of.hash(&mut hasher);
            of = format!("{}-{:016x}", self.kernel_name, hasher.finish());
        }
        self.make(source, target, &format!("-{of}"), &|| {
            let mut arguments: Vec<OsString> = options.iter().map(Into::into).collect();
            arguments.extend(["--kernel-headers".into(), self.kernel()?.headers.clone().into_os_string()]);
            if !files.is_empty() {
                let tree = kernels::find(&self.kernel_name)?.source(&|_| {})?;
                arguments.extend(files.iter().map(|file| tree.join(file).into_os_string()));
                arguments.extend(["--kernel-source".into(), tree.into_os_string()]);
            }
            Ok(arguments)
        })
    }

    /// Compiles a program for the guests' kernel that wakes tasks in some ways, as `--schedule` names them, with options of the compiler's.
    ///
    /// # Errors
    ///
    /// What the compiler says; if the kernel's sources cannot be had.
    pub fn compile_scheduled(
        &self,
        source: &str,
        target: Target,
        schedule: &str,
        options: &[&str],
    ) -> Result<PathBuf> {
        let of = [&[self.kernel_name.as_str(), schedule], options].concat().join("_");
        self.make(source, target, &format!("-{}", of.replace([',', '-', ' '], "_")), &|| {
            let tree = kernels::find(&self.kernel_name)?.source(&|_| {})?;
            let mut arguments: Vec<OsString> = options.iter().map(Into::into).collect();
            arguments.extend(["--schedule".into(), schedule.into()]);
            arguments.extend(["--kernel-headers".into(), self.kernel()?.headers.clone().into_os_string()]);
            arguments.extend(["--kernel-source".into(), tree.into_os_string()]);
            Ok(arguments)
        })
    }

    /// `of` is what distinguishes it from others of the same source; `arguments` are the compiler's.
    fn make(
        &self,
        source: &str,
        target: Target,
        of: &str,
        arguments: &dyn Fn() -> Result<Vec<OsString>>,
    ) -> Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (format!("{source}{of}"), target);
        if let Some(program) = made.get(&key) {
            return Ok(program.clone());
        }
        let name = Path::new(source).file_stem().context("a source without a name")?;
        let output = self.folder.join(format!("{}{of}.{}", name.display(), target.extension()));
        let Some(compiler) = &self.compiler else {
            ensure!(
                output.is_file(),
                "the bundle has no {}: the test program must compile it when a bundle is filled",
                output.display()
            );
            return Ok(output);
        };
        let is_filled = bundle::filled().is_some();
        if is_filled && output.is_file() {
            // Of those that the demonstration needs as well.
            return Ok(output);
        }
        // Under another name first, which is nobody else's: a test that runs at the same time may be reading the file, or making one.
        let number = COMPILED.fetch_add(1, Ordering::Relaxed);
        let new = self.folder.join(format!("{}-{number}-{}", std::process::id(), name.display()));
        let mut command = Command::new(compiler);
        command.arg(workspace().join(source)).arg("-o").arg(&new).args(["--target", target.name()]);
        command.args(arguments()?);
        if is_filled && target == Target::Cuda {
            command.args(["--gpu-arch", &bundle::architecture()]);
        }
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

/// The program that an environment variable names, which `cargo xtask test` sets.
///
/// # Errors
///
/// If there is no such variable, or no such program.
pub fn tool(variable: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).with_context(|| {
        format!("{variable} is not set; run cargo xtask test, which builds what is tested")
    })?;
    let path = PathBuf::from(path);
    if !path.is_file() {
        bail!("{variable} names {}, which is not there; run cargo xtask test", path.display());
    }
    Ok(path)
}
