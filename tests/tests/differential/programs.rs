// SPDX-License-Identifier: MIT OR Apache-2.0

//! The functions under test, compiled: once for this machine, and as recovery programs of the host target.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use gpufas::program::Program;
use gpufas_abi::manifest::Entry;
use gpufas_guest::kernels;
use libloading::Library;

use crate::fields::Fields;
use crate::symbols;

/// Optimisation levels of the recovery programs.
const LEVELS: &[&str] = &["-O0", "-O1", "-O2", "-O3"];

/// The source whose functions differ on purpose.
pub const DIFFERING: &str = "differing";

/// The source whose functions take any address.
pub const PROBE: &str = "probe";

/// The source that takes the kernel's own string functions, which would be all files' then. Its strscpy() reads past the end of a
/// string, by words, and that of another file's may be in the program's own memory.
const STRINGS: &str = "library_string";

/// The source that takes the compiler's string functions, which natively are the kernel's own.
const FUNCTIONS: &str = "functions_string";

/// The program of all other sources.
pub const TOGETHER: &str = "all";

/// A function compiled for this machine. It takes what it needs of these.
pub type Native = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64) -> i32;

/// All functions under test.
pub struct Programs {
    /// The layout of what they work on.
    pub fields: Fields,
    native: Library,
    /// The functions of [`STRINGS`] and [`FUNCTIONS`], with the kernel's own string functions.
    strings: Library,
    sources: Vec<Source>,
}

/// The recovery programs made of a source file, or of several.
pub struct Source {
    /// Its name without `.c`, or [`TOGETHER`].
    pub name: String,
    /// Each with its optimisation level.
    pub programs: Vec<(&'static str, Program)>,
}

impl Source {
    /// The entry points; all programs have the same.
    pub fn entries(&self) -> &[Entry] {
        self.programs.first().map_or(&[], |(_, program)| &program.manifest().entries)
    }
}

impl Programs {
    /// Compiles everything in tests/differential.
    ///
    /// # Errors
    ///
    /// What the compilers say.
    pub fn compile() -> Result<Self> {
        let compiler = Compiler::new()?;
        let names = sources(&compiler.sources)?;
        let natives = sources(&compiler.sources.join("native"))?;
        let of_native =
            |name: &String| compiler.object(&compiler.sources.join("native").join(name).with_extension("c"));
        let support: Vec<PathBuf> = natives.iter().map(of_native).collect::<Result<_>>()?;
        let apart = [DIFFERING, PROBE, STRINGS];
        let (strings, others): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| name == STRINGS || name == FUNCTIONS);
        let native = compiler.native(&others, &support, "native.so")?;
        let strings = compiler.native(&strings, &support, "strings.so")?;
        // SAFETY: what was just compiled has no initialisers.
        let [native, strings] = [native, strings].map(|library| unsafe { Library::new(&library) });
        let native = native.context("cannot load the native functions")?;
        let strings = strings.context("cannot load the native functions")?;
        // SAFETY: fields.c defines it.
        let table = unsafe { native.get::<*const u8>(b"scene_fields\0") }?;
        // SAFETY: the symbol's address is the table's; `native` is never unloaded before `Fields` is read.
        let fields = unsafe { Fields::read(table.try_as_raw_ptr().context("no address")?.cast()) };
        let sources = names.iter().map(|name| compiler.source(name, &[name], LEVELS));
        let mut sources = sources.collect::<Result<Vec<_>>>()?;
        let together: Vec<_> = names.iter().filter(|name| !apart.contains(&name.as_str())).collect();
        sources.push(compiler.source(TOGETHER, &together, &["-O2"])?);
        Ok(Self { fields, native, strings, sources })
    }

    /// A source file by its name without `.c`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn source(&self, name: &str) -> Result<&Source> {
        self.sources.iter().find(|source| source.name == name).with_context(|| format!("no {name}.c"))
    }

    /// The function of an entry point.
    ///
    /// # Errors
    ///
    /// If it was not compiled natively.
    pub fn native(&self, entry: &str) -> Result<Native> {
        let is_of_strings = entry.starts_with(STRINGS) || entry.starts_with(FUNCTIONS);
        let library = if is_of_strings { &self.strings } else { &self.native };
        // SAFETY: GPUFAS_ENTRY() of scene.h defines it with integers and pointers as parameters, all of which are
        // passed in registers.
        Ok(*unsafe { library.get::<Native>(format!("native_{entry}\0").as_bytes()) }?)
    }
}

/// Names, without `.c`, of the C files in a folder.
pub fn sources(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("c"))
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "{} holds no C file", folder.display());
    Ok(names)
}

/// The folder of the sources.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("differential")
}

/// The compiler under test.
fn compiler() -> Result<PathBuf> {
    let path = env::var_os("GPUFAS_CC")
        .context("GPUFAS_CC is not set; run cargo xtask test, which builds the compiler")?;
    let path = PathBuf::from(path);
    ensure!(path.is_file(), "GPUFAS_CC names {}, which is not there; run cargo xtask test", path.display());
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

struct Compiler {
    gpufas_cc: PathBuf,
    headers: PathBuf,
    /// The kernel's source tree.
    tree: PathBuf,
    sources: PathBuf,
    output: tempfile::TempDir,
    /// clang and its options, as gpufas-cc calls it.
    clang: Vec<String>,
}

impl Compiler {
    fn new() -> Result<Self> {
        let gpufas_cc = compiler()?;
        let headers = kernels::find("6.1")?.fetch(&|_| {})?.headers;
        let tree = kernels::find("6.1")?.source(&|_| {})?;
        let output = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("cannot make a folder")?;
        let sources = folder();
        let mut compiler = Self { gpufas_cc, headers, tree, sources, output, clang: Vec::new() };
        compiler.clang = compiler.clang_for(&compiler.sources.join("lists.c"))?;
        Ok(compiler)
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
        self.named_sources(name, "Kernel sources:")
    }

    /// The sources of the kernel that a file names behind `title`.
    fn named_sources(&self, name: &str, title: &str) -> Result<Vec<PathBuf>> {
        let file = self.sources.join(name).with_extension("c");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let line = text.lines().find_map(|line| line.split_once(title));
        let files = line.map(|(_, files)| files.trim_end_matches("*/").split_whitespace());
        Ok(files.into_iter().flatten().map(|file| self.tree.join(file)).collect())
    }

    /// Compiles and links files for this machine, with what they need of the kernel's sources.
    fn native(&self, names: &[String], support: &[PathBuf], output: &str) -> Result<PathBuf> {
        let mut objects = support.to_vec();
        let mut kernels: BTreeSet<PathBuf> = BTreeSet::new();
        for name in names {
            objects.push(self.object(&self.sources.join(name).with_extension("c"))?);
            kernels.extend(self.kernel_sources(name)?);
            kernels.extend(self.named_sources(name, "Native sources:")?);
        }
        // The kernel's own functions stand in the place of those in native/library.c.
        for source in kernels {
            objects.insert(0, self.kernel_object(&source)?);
        }
        self.link(&objects, output)
    }

    /// Compiles a source of the kernel for this machine. Of what it defines only that is linked which is used: the rest needs the
    /// rest of the kernel.
    fn kernel_object(&self, source: &Path) -> Result<PathBuf> {
        let name = source.file_stem().context("a source without a name")?;
        let object = self.output.path().join(format!("kernel-{}.o", name.display()));
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
    fn object(&self, source: &Path) -> Result<PathBuf> {
        let name = source.file_stem().context("a source without a name")?;
        let object = self.output.path().join(name).with_extension("o");
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

    fn link(&self, objects: &[PathBuf], output: &str) -> Result<PathBuf> {
        let library = self.output.path().join(output);
        let mut command = Command::new("ld.lld-22");
        command.args(["-shared", "--no-undefined", "-Bsymbolic", "--gc-sections", "-z", "muldefs", "-o"]);
        command.arg(&library).args(objects);
        command.args(symbols::native().map(|(name, value)| format!("--defsym={name}={value:#x}")));
        run(&mut command)?;
        Ok(library)
    }

    /// Compiles files to one program for each level.
    fn source(
        &self,
        name: &str,
        files: &[impl AsRef<Path>],
        levels: &'static [&'static str],
    ) -> Result<Source> {
        let kernels = files.iter().map(|file| self.kernel_sources(&file.as_ref().display().to_string()));
        let kernels: BTreeSet<PathBuf> = kernels.collect::<Result<Vec<_>>>()?.concat().into_iter().collect();
        let mut programs = Vec::new();
        for level in levels {
            let output = self.output.path().join(format!("{name}{level}.so"));
            let mut command = Command::new(&self.gpufas_cc);
            command.args(files.iter().map(|file| self.sources.join(file).with_extension("c")));
            command.args(&kernels).arg(level).arg("-o").arg(&output).args(["--target", "host"]);
            run(command.args(self.kernel_options()))?;
            programs.push((*level, Program::read(&output)?));
        }
        Ok(Source { name: name.to_owned(), programs })
    }
}

/// Runs a command; what it says.
fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?} failed ({}):\n{said}", output.status);
    Ok(said)
}
