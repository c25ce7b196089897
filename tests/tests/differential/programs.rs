// SPDX-License-Identifier: MIT OR Apache-2.0

//! The functions under test, compiled: once for this machine, and as recovery programs of the host target and for GPUs.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use gpufas::launch::cuda::Gpu;
use gpufas::program::Program;
use gpufas_abi::manifest::Entry;
use gpufas_tests::bundle;
use gpufas_tests::releases;
use gpufas_tests::suite::Skipped;
use gpufas_tests::tools::Target;
use libloading::Library;
use tempfile::TempDir;

use crate::compilation::Compiler;
use crate::fields::Fields;

/// Optimisation levels of the recovery programs, and their other translation.
const LEVELS: &[&str] = &["-O0", "-O1", "-O2", "-O3", "-O2 --translate=every"];

/// The same in a matrix.
const ALL_LEVELS: &[&str] = &[
    "-O0",
    "-O1",
    "-O2",
    "-O3",
    "-O0 --translate=every",
    "-O1 --translate=every",
    "-O2 --translate=every",
    "-O3 --translate=every",
];

/// Those of programs in a bundle, and of programs for GPUs that are made of the kernel's own sources.
const FEW_LEVELS: &[&str] = &["-O0", "-O2", "-O2 --translate=every"];

/// That of other programs for GPUs, whose assembler takes its time, and of [`TOGETHER`].
const ONE_LEVEL: &[&str] = &["-O2"];

/// What the names of sources begin with that are compiled with the kernel's own.
const LIBRARY: &str = "library_";

/// The source whose functions differ on purpose.
pub const DIFFERING: &str = "differing";

/// The source whose functions take any address.
pub const PROBE: &str = "probe";

/// The sources that take the kernel's own string functions natively, which would be all files' then. Its strscpy() reads past the
/// end of a string, by words, and that of another file's may be in the program's own memory.
const STRINGS: &[&str] = &["functions_string", "library_string"];

/// The source that has node allocators of its own, which would be all files' then.
const NODES: &[&str] = &["library_nodes"];

/// The source whose functions free what must not be freed, or leave their own memory to the kernel.
pub const MISTAKES: &str = "mistakes";

/// The program of all other sources.
pub const TOGETHER: &str = "all";

/// The folder of all this in a bundle, with the sources by whose names it is found.
const IN_BUNDLE: &str = "differential";

/// What is compiled for this machine of sources that are linked apart, and of all others.
const SEPARATE: &[(&[&str], &str)] = &[(STRINGS, "strings.so"), (NODES, "nodes.so")];
const NATIVE: &str = "native.so";

/// A function compiled for this machine. It takes what it needs of these.
pub type Native = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64) -> i32;

/// All functions under test, with the programs that they are for the host.
pub struct Programs {
    /// The layout of what they work on.
    pub fields: Fields,
    native: Library,
    /// The functions of each group of [`SEPARATE`].
    separate: Vec<(&'static [&'static str], Library)>,
    /// The recovery programs.
    pub sources: Sources,
}

/// The recovery programs for a target.
pub struct Sources(Vec<Source>);

/// The recovery programs made of a source file, or of several.
pub struct Source {
    /// Its name without `.c`, or [`TOGETHER`].
    pub name: String,
    /// What the programs run on.
    pub target: Target,
    /// Each with its optimisation level.
    pub programs: Vec<(&'static str, Program)>,
}

impl Source {
    /// The programs that translate by arithmetic where memory is linear. The others go by page tables there, which those of a scene
    /// leave out, or may be corrupt.
    pub fn by_arithmetic(&self) -> Vec<&(&'static str, Program)> {
        self.programs.iter().filter(|(level, _)| !level.contains("every")).collect()
    }

    /// The entry points; all programs have the same.
    pub fn entries(&self) -> &[Entry] {
        self.programs.first().map_or(&[], |(_, program)| &program.manifest().entries)
    }
}

impl Programs {
    /// Compiles everything in tests/differential but what is for GPUs, or takes it from the bundle.
    ///
    /// # Errors
    ///
    /// What the compilers say.
    pub fn new() -> Result<Self> {
        match bundle::used() {
            Some(bundle) => Self::open(&bundle.join(IN_BUNDLE), FEW_LEVELS),
            None => {
                let folder = new_folder()?;
                let compiler = Compiler::new(folder.path())?;
                compile_native(&compiler)?;
                let levels = if releases::is_matrix() { ALL_LEVELS } else { LEVELS };
                compile(&compiler, Target::Host, levels)?;
                Self::open(folder.path(), levels)
            }
        }
    }

    /// Takes what was compiled into a folder.
    fn open(folder: &Path, levels: &[&'static str]) -> Result<Self> {
        // SAFETY: what compile_native() makes has no initialisers.
        let load =
            |name| unsafe { Library::new(folder.join(name)) }.context("cannot load the native functions");
        let native = load(NATIVE)?;
        let separate = SEPARATE.iter().map(|(group, name)| Ok((*group, load(name)?)));
        let separate = separate.collect::<Result<_>>()?;
        // SAFETY: fields.c defines it.
        let table = unsafe { native.get::<*const u8>(b"scene_fields\0") }?;
        // SAFETY: the symbol's address is the table's; `native` is never unloaded before `Fields` is read.
        let fields = unsafe { Fields::read(table.try_as_raw_ptr().context("no address")?.cast()) };
        let sources = Sources::open(folder, Target::Host, levels)?;
        Ok(Self { fields, native, separate, sources })
    }

    /// The function of an entry point.
    ///
    /// # Errors
    ///
    /// If it was not compiled natively.
    pub fn native(&self, entry: &str) -> Result<Native> {
        let separate =
            self.separate.iter().find(|(group, _)| group.iter().any(|source| entry.starts_with(source)));
        let library = separate.map_or(&self.native, |(_, library)| library);
        // SAFETY: GPUFAS_ENTRY() of scene.h defines it with integers and pointers as parameters, all of which are
        // passed in registers.
        Ok(*unsafe { library.get::<Native>(format!("native_{entry}\0").as_bytes()) }?)
    }
}

impl Sources {
    /// Compiles the programs for GPUs, or takes them from the bundle.
    ///
    /// # Errors
    ///
    /// What the compiler says.
    pub fn for_gpus() -> Result<Self> {
        match bundle::used() {
            Some(bundle) => Self::open(&bundle.join(IN_BUNDLE), Target::Cuda, FEW_LEVELS),
            None => {
                let folder = new_folder()?;
                let compiler = Compiler::new(folder.path())?.for_gpu(Gpu::open(0)?.architecture()?);
                compile(&compiler, Target::Cuda, FEW_LEVELS)?;
                Self::open(folder.path(), Target::Cuda, FEW_LEVELS)
            }
        }
    }

    fn open(folder: &Path, target: Target, levels: &[&'static str]) -> Result<Self> {
        let mut sources = Vec::new();
        for Parts { name, levels, .. } in list(target, levels)? {
            if bundle::used().is_some() && !file(folder, &name, levels[0], target).is_file() {
                continue;
            }
            let read =
                |level: &&'static str| Ok((*level, Program::read(&file(folder, &name, level, target))?));
            let programs = levels.iter().map(read).collect::<Result<_>>()?;
            sources.push(Source { name, target, programs });
        }
        Ok(Self(sources))
    }

    /// A source file by its name without `.c`.
    ///
    /// # Errors
    ///
    /// If there is none; [`Skipped`] if the bundle was made without.
    pub fn get(&self, name: &str) -> Result<&Source> {
        let found = self.0.iter().find(|source| source.name == name);
        match bundle::used() {
            Some(_) => found.ok_or_else(|| Skipped(format!("the bundle has no programs of {name}.c")).into()),
            None => found.with_context(|| format!("no {name}.c")),
        }
    }
}

/// Compiles sources for GPUs, to machine code of one architecture.
///
/// # Errors
///
/// What the compiler says.
pub fn compile_for_gpus(names: &[&str]) -> Result<()> {
    let folder = new_folder()?;
    let compiler = Compiler::new(folder.path())?.for_gpu("sm_90".to_owned());
    let files: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    compiler.program(&files, "-O2", Target::Cuda, &folder.path().join("program.fatbin"))
}

/// Compiles everything into a bundle.
///
/// # Errors
///
/// What the compilers say.
pub fn fill(bundle: &Path) -> Result<()> {
    let to = bundle.join(IN_BUNDLE);
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in names(&folder())? {
        let source = folder().join(&name).with_extension("c");
        fs::copy(&source, to.join(&name).with_extension("c"))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }
    // What is made on the way is not for the bundle.
    let folder = new_folder()?;
    let compiler = Compiler::new(folder.path())?.for_gpu(bundle::architecture());
    compile_native(&compiler)?;
    for target in [Target::Host, Target::Cuda] {
        compile(&compiler, target, FEW_LEVELS)?;
    }
    for entry in fs::read_dir(folder.path())? {
        let path = entry?.path();
        let is_wanted = path.extension().is_some_and(|extension| extension == "so" || extension == "fatbin");
        if is_wanted && let Some(name) = path.file_name() {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn new_folder() -> Result<TempDir> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("cannot make a folder")
}

/// What programs are made of.
struct Parts {
    /// Their name.
    name: String,
    /// The sources.
    files: Vec<String>,
    /// The level of each program.
    levels: Vec<&'static str>,
}

/// The recovery programs: those of each source at some levels, and the one of all others.
fn list(target: Target, levels: &[&'static str]) -> Result<Vec<Parts>> {
    let names = names(&folder())?;
    let apart = [&[DIFFERING, MISTAKES, PROBE], STRINGS, NODES].concat();
    let together: Vec<_> = names.iter().filter(|name| !apart.contains(&name.as_str())).cloned().collect();
    let alone = |name: String| {
        let is_library = name.starts_with(LIBRARY);
        let levels = if target == Target::Cuda && !is_library { ONE_LEVEL } else { levels };
        Parts { name: name.clone(), files: vec![name], levels: levels.to_vec() }
    };
    let mut programs: Vec<_> = names.into_iter().map(alone).collect();
    if target == Target::Host {
        programs.push(Parts { name: TOGETHER.to_owned(), files: together, levels: ONE_LEVEL.to_vec() });
    }
    Ok(programs)
}

/// Compiles the recovery programs for a target.
fn compile(compiler: &Compiler, target: Target, levels: &[&'static str]) -> Result<()> {
    for Parts { name, files, levels } in
        list(target, levels)?.into_iter().filter(|parts| bundle::wants(&parts.name))
    {
        for level in levels {
            compiler.program(&files, level, target, &file(compiler.output(), &name, level, target))?;
        }
    }
    Ok(())
}

/// The file of a recovery program.
fn file(folder: &Path, name: &str, level: &str, target: Target) -> PathBuf {
    folder.join(format!("{name}{}.{}", level.replace(' ', ""), target.extension()))
}

/// Compiles the functions for this machine.
fn compile_native(compiler: &Compiler) -> Result<()> {
    let support = folder().join("native");
    let of_native = |name: String| compiler.object(&support.join(name).with_extension("c"));
    let support: Vec<PathBuf> = names(&support)?.into_iter().map(of_native).collect::<Result<_>>()?;
    let mut others = names(&folder())?;
    for (group, output) in SEPARATE {
        let (separate, rest) = others.into_iter().partition(|name| group.contains(&name.as_str()));
        others = rest;
        compiler.native(&separate, &support, output)?;
    }
    compiler.native(&others, &support, NATIVE)
}

/// The names of the sources, without `.c`.
///
/// # Errors
///
/// If there are none.
pub fn sources() -> Result<Vec<String>> {
    names(&folder())
}

/// Names, without `.c`, of the C files in a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
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
    match bundle::used() {
        Some(bundle) => bundle.join(IN_BUNDLE),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("differential"),
    }
}
