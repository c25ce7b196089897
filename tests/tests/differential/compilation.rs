// SPDX-License-Identifier: MIT OR Apache-2.0

//! Compiling the functions under test.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::kernels;
use gpufas_tests::tools::{Target, workspace};

use crate::symbols;

/// The compiler under test.
///
/// # Errors
///
/// If it is not known where it is.
pub fn compiler() -> Result<PathBuf> {
    let path = env::var_os("GPUFAS_CC")
        .context("GPUFAS_CC is not set; run cargo xtask test, which builds the compiler")?;
    let path = PathBuf::from(path);
    ensure!(path.is_file(), "GPUFAS_CC names {}, which is not there; run cargo xtask test", path.display());
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

/// gpufas-cc, and clang as it calls it.
pub struct Compiler {
    gpufas_cc: PathBuf,
    headers: PathBuf,
    /// The kernel's source tree.
    tree: PathBuf,
    sources: PathBuf,
    output: PathBuf,
    /// clang and its options, as gpufas-cc calls it.
    clang: Vec<String>,
    /// What programs for GPUs are for.
    architecture: Option<String>,
}

impl Compiler {
    /// A compiler that leaves everything in the folder `output`.
    ///
    /// # Errors
    ///
    /// If the tests were not started by `cargo xtask test`, or the kernel is not there.
    pub fn new(output: &Path) -> Result<Self> {
        let gpufas_cc = compiler()?;
        let headers = kernels::find("6.1")?.fetch(&|_| {})?.headers;
        let tree = kernels::find("6.1")?.source(&|_| {})?;
        let sources = workspace().join("tests/differential");
        let output = output.to_owned();
        let mut compiler =
            Self { gpufas_cc, headers, tree, sources, output, clang: Vec::new(), architecture: None };
        compiler.clang = compiler.clang_for(&compiler.sources.join("lists.c"))?;
        Ok(compiler)
    }

    /// Compiles programs for GPUs for that architecture alone.
    pub fn for_gpu(mut self, architecture: String) -> Self {
        self.architecture = Some(architecture);
        self
    }

    /// clang and its options for a file, as gpufas-cc calls it.
    fn clang_for(&self, source: &Path) -> Result<Vec<String>> {
        let mut command = Command::new(&self.gpufas_cc);
        command.args(["-###", "--target", "host"]).args(self.kernel_options()).arg(source);
        let said = run(&mut command)?;
        let line =
            said.lines().find(|line| line.contains("clang")).context("gpufas-cc -### names no clang")?;
        let clang = shlex::split(line).context("gpufas-cc -### quotes nothing that a shell would read")?;
        // What only bitcode for the passes needs.
        let end =
            clang.iter().position(|option| option == "-Xclang").context("no -Xclang in gpufas-cc -###")?;
        Ok(clang[..end].to_vec())
    }

    fn kernel_options(&self) -> [&OsStr; 4] {
        [
            "--kernel-headers".as_ref(),
            self.headers.as_os_str(),
            "--kernel-source".as_ref(),
            self.tree.as_os_str(),
        ]
    }

    /// The sources of the kernel that a file names in its comment "Kernel sources:", which are compiled along.
    fn kernel_sources(&self, name: &str) -> Result<Vec<PathBuf>> {
        self.named(name, "Kernel sources:")
    }

    /// The sources of the kernel that a file names in its comment "Native sources:", which are compiled along natively only: a
    /// recovery program has functions of its own in their place.
    fn native_sources(&self, name: &str) -> Result<Vec<PathBuf>> {
        self.named(name, "Native sources:")
    }

    fn named(&self, name: &str, comment: &str) -> Result<Vec<PathBuf>> {
        let files = words(&self.sources.join(name).with_extension("c"), comment)?;
        Ok(files.into_iter().map(|file| self.tree.join(file)).collect())
    }

    /// The folder that it leaves everything in.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Compiles and links files for this machine, with what they need of the kernel's sources.
    ///
    /// # Errors
    ///
    /// What the compiler and the linker say.
    pub fn native(&self, names: &[String], support: &[PathBuf], output: &str) -> Result<()> {
        let mut objects = Vec::new();
        let mut kernels: BTreeSet<PathBuf> = BTreeSet::new();
        for name in names {
            objects.push(self.object(&self.sources.join(name).with_extension("c"))?);
            kernels.extend(self.kernel_sources(name)?);
            kernels.extend(self.native_sources(name)?);
        }
        for source in kernels {
            objects.insert(0, self.kernel_object(&source)?);
        }
        // The first definition counts: the kernel's own functions, and those of the files themselves, stand in the place of
        // those in native/.
        objects.extend_from_slice(support);
        self.link(&objects, output)
    }

    /// Compiles a source of the kernel for this machine. Of what it defines only that is linked which is used: the rest needs the
    /// rest of the kernel.
    fn kernel_object(&self, source: &Path) -> Result<PathBuf> {
        let name = source.file_stem().context("a source without a name")?;
        let object = self.output.join(format!("kernel-{}.o", name.display()));
        let clang = self.clang_for(source)?;
        let [clang, options @ ..] = clang.as_slice() else { bail!("no clang") };
        let mut command = Command::new(clang);
        command.args(options).args([
            "-fPIC",
            "-fvisibility=hidden",
            "-ffunction-sections",
            "-fdata-sections",
        ]);
        run(command.arg("-c").arg("-o").arg(&object).arg(source))?;
        Ok(object)
    }

    /// Compiles a file for this machine.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn object(&self, source: &Path) -> Result<PathBuf> {
        let name = source.file_stem().context("a source without a name")?;
        let object = self.output.join(name).with_extension("o");
        let [clang, options @ ..] = self.clang.as_slice() else { bail!("no clang") };
        let mut command = Command::new(clang);
        command.args(options).args(["-Werror", "-fPIC", "-DDIFFERENTIAL_NATIVE"]);
        if name == "library" {
            // Else its loops would become calls of what they are in.
            command.arg("-fno-builtin");
        }
        run(command.arg("-c").arg("-o").arg(&object).arg(source))?;
        Ok(object)
    }

    fn link(&self, objects: &[PathBuf], output: &str) -> Result<()> {
        let library = self.output.join(output);
        let mut command = Command::new("ld.lld-22");
        command.args(["-shared", "--no-undefined", "-Bsymbolic", "--gc-sections", "-z", "muldefs"]);
        command.args(["--error-limit=0", "-o"]);
        command.arg(&library).args(objects);
        command.args(symbols::native().map(|(name, value)| format!("--defsym={name}={value:#x}")));
        run(&mut command).map(drop)
    }

    /// Compiles files to a recovery program, with the kernel's sources and the options that their comments name. `level` is an option
    /// or several, with spaces in between.
    ///
    /// # Errors
    ///
    /// What gpufas-cc says.
    pub fn program(&self, files: &[String], level: &str, target: Target, output: &Path) -> Result<()> {
        let mut kernels: BTreeSet<PathBuf> = BTreeSet::new();
        let mut command = Command::new(&self.gpufas_cc);
        for file in files {
            let path = self.sources.join(file).with_extension("c");
            kernels.extend(self.kernel_sources(file)?);
            command.args(words(&path, "Options:")?).arg(path);
        }
        command.args(&kernels).args(level.split(' ')).arg("-o").arg(output).args(["--target", target.name()]);
        if target == Target::Cuda
            && let Some(architecture) = &self.architecture
        {
            command.args(["--gpu-arch", architecture]);
        }
        run(command.args(self.kernel_options())).map(drop)
    }
}

/// The words of a comment in a file that begins so.
///
/// # Errors
///
/// If the file cannot be read.
pub fn words(file: &Path, beginning: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line = text.lines().find_map(|line| line.split_once(beginning));
    let words = line.map(|(_, words)| words.trim_end_matches("*/").split_whitespace());
    Ok(words.into_iter().flatten().map(str::to_owned).collect())
}

/// Runs a command; what it says.
///
/// # Errors
///
/// If it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?} failed ({}):\n{said}", output.status);
    Ok(said)
}
