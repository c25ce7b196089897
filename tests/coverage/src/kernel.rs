// SPDX-License-Identifier: MIT OR Apache-2.0

//! All that is measured of one kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gpufas_guest::Kernel;

use crate::compiler::{Compiled, Compiler, Types};
use crate::configuration::{self, Part};
use crate::error::{Error, Result};
use crate::functions::{Functions, Total};
use crate::templates::{self, Templates};

/// The headers whose functions are measured.
pub(crate) const HEADERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/headers.c");

/// Kernel functions that the runtime has in C.
const RUNTIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/include/gpufas/functions");

/// How they are named there.
const RUNTIME_PREFIX: &str = "gpufas_kernel_";

/// What gpufas-cc defines where it compiles them by itself.
const RUNTIME_OPTIONS: &[&str] = &["-DGPUFAS_LOCKS_CHECK", "-DGPUFAS_TARGET_HOST"];

/// The folder of the kernel's sources of which every file is compiled.
const LIBRARY: &str = "lib";

/// Other sources, from parts of the kernel that recovery programs care for.
const OTHERS: &[&str] = &[
    "kernel/exit.c",
    "kernel/pid.c",
    "kernel/sched/build_policy.c",
    "kernel/sched/core.c",
    "kernel/sched/fair.c",
    "kernel/signal.c",
    "mm/oom_kill.c",
];

/// Sources that are compiled in every run of the tests.
pub const SELECTION: &[&str] = &[
    "lib/bitmap.c",
    "lib/find_bit.c",
    "lib/list_debug.c",
    "lib/list_sort.c",
    "lib/radix-tree.c",
    "lib/rbtree.c",
    "lib/sort.c",
    "lib/string.c",
    "lib/vsprintf.c",
    "lib/xarray.c",
    "kernel/sched/build_policy.c",
    "mm/oom_kill.c",
];

/// What of the headers compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The functions.
    pub total: Total,
    /// Why there is no code for one of the targets of the module that holds them, if there is none; none of them counts then.
    pub failed: Option<String>,
}

/// What of the sources compiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files that there are.
    pub listed: usize,
    /// Those that clang does not take, each with its first error and what becomes of it in the kernel's build.
    pub rejected: Vec<(String, String, Part)>,
    /// Of the others, those of which no x86-64 object was made, each with the reason.
    pub without_object: Vec<(String, String)>,
    /// And no cubin.
    pub without_cubin: Vec<(String, String)>,
}

/// A kernel's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// `uname -r`.
    pub release: String,
    /// Its headers.
    pub headers: Headers,
    /// The types of its headers.
    pub types: Types,
    /// The templates of inline assembly of its headers.
    pub templates: Templates,
    /// Its sources.
    pub sources: Sources,
}

/// Measures a kernel whose sources are in a folder. `tell` is told each file that is done, and how many there are.
///
/// # Errors
///
/// See [`Error`]; what does not compile is a figure and no error, but for the headers, which must be taken by clang.
pub fn measure(
    compiler: &Compiler,
    kernel: &Kernel,
    source: &Path,
    tell: &(dyn Fn(&str, usize, usize) + Sync),
) -> Result<Measured> {
    let files = files(source)?;
    let (next, done, first_error) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(None));
    let results: Vec<Mutex<Option<Compiled>>> = (0..=files.len()).map(|_| Mutex::default()).collect();
    // Those that take longest go first.
    let work = |number: usize| match number.checked_sub(1) {
        None => compile_headers(compiler, kernel, true),
        Some(number) => compile_source(compiler, kernel, source, &files[number]),
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = results.get(number) else { break };
                    match work(number) {
                        Ok(compiled) => {
                            *place.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(compiled);
                        }
                        Err(error) => {
                            next.store(results.len(), Ordering::Relaxed);
                            if let Ok(mut first) = first_error.lock() {
                                first.get_or_insert(error);
                            }
                        }
                    }
                    let name = number.checked_sub(1).map_or("headers", |number| files[number].as_str());
                    tell(name, done.fetch_add(1, Ordering::Relaxed) + 1, results.len());
                }
            });
        }
    });
    if let Some(error) = first_error.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        return Err(error);
    }
    let mut results =
        results.into_iter().map(|result| result.into_inner().ok().flatten().unwrap_or_default());
    let headers = results.next().unwrap_or_default();
    let compiled: Vec<(String, Compiled)> = files.into_iter().zip(results).collect();
    Ok(Measured {
        release: kernel.release.clone(),
        headers: count_headers(compiler, kernel, &headers, &library(&compiled))?,
        types: types(compiler, kernel)?,
        templates: templates::templates(compiler, kernel, &templates::headers(compiler, kernel)?)?,
        sources: sources(kernel, source, &compiled)?,
    })
}

/// Measures the headers alone, without generating code. `along` are the sources that are compiled along.
///
/// # Errors
///
/// As [`measure`].
pub fn headers(compiler: &Compiler, kernel: &Kernel, along: &[(String, Compiled)]) -> Result<Headers> {
    count_headers(compiler, kernel, &compile_headers(compiler, kernel, false)?, &library(along))
}

/// Compiles those of [`SELECTION`] that this kernel has.
///
/// # Errors
///
/// As [`measure`].
pub fn selection(compiler: &Compiler, kernel: &Kernel, source: &Path) -> Result<Vec<(String, Compiled)>> {
    let there = SELECTION.iter().filter(|name| source.join(name).is_file());
    there.map(|&name| Ok((name.to_owned(), compile_source(compiler, kernel, source, name)?))).collect()
}

/// Compares the named types that the headers declare with the kernel's type information.
///
/// # Errors
///
/// As [`measure`].
pub fn types(compiler: &Compiler, kernel: &Kernel) -> Result<Types> {
    compiler.types(kernel, Path::new(HEADERS))
}

/// The functions of files of the library that have become code for both targets.
fn library(compiled: &[(String, Compiled)]) -> Vec<Functions> {
    let whole = compiled.iter().filter(|(name, compiled)| name.starts_with("lib/") && compiled.is_whole());
    whole.map(|(_, compiled)| compiled.functions()).collect()
}

fn compile_headers(compiler: &Compiler, kernel: &Kernel, with_code: bool) -> Result<Compiled> {
    compiler.compile(kernel, Path::new(HEADERS), &["-fkeep-inline-functions"], with_code)
}

fn compile_source(compiler: &Compiler, kernel: &Kernel, source: &Path, file: &str) -> Result<Compiled> {
    let tree = source.display().to_string();
    compiler.compile(kernel, &source.join(file), &["--kernel-source", &tree], true)
}

fn count_headers(
    compiler: &Compiler,
    kernel: &Kernel,
    compiled: &Compiled,
    library: &[Functions],
) -> Result<Headers> {
    if let Some(reason) = &compiled.rejected {
        let (path, release) = (PathBuf::from(HEADERS), kernel.release.clone());
        return Err(Error::Headers { path, release, reason: reason.clone() });
    }
    let total = compiled.functions().total(&runtime(compiler, kernel)?, library);
    let failed = compiled.object_failed.clone().or_else(|| compiled.cubin_failed.clone());
    Ok(Headers { total, failed })
}

/// The kernel functions that the runtime has in C, compiled for a kernel.
fn runtime(compiler: &Compiler, kernel: &Kernel) -> Result<Vec<Functions>> {
    let mut files = Vec::new();
    for name in listed(Path::new(RUNTIME))? {
        let file = Path::new(RUNTIME).join(name);
        let compiled = compiler.compile(kernel, &file, RUNTIME_OPTIONS, false)?;
        if let Some(said) = compiled.rejected.clone().or_else(|| compiled.object_failed.clone()) {
            return Err(Error::Compile { path: file, said });
        }
        files.push(compiled.functions().without_prefix(RUNTIME_PREFIX));
    }
    Ok(files)
}

/// Names of the C sources in a folder, in order.
fn listed(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(Error::file("list", folder))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".c")).collect();
    names.sort();
    Ok(names)
}

/// Adds up what came of files.
fn sources(kernel: &Kernel, tree: &Path, compiled: &[(String, Compiled)]) -> Result<Sources> {
    let config = fs::read_to_string(&kernel.config).map_err(Error::file("read", &kernel.config))?;
    // Messages are the same wherever the files lie.
    let [tree_name, headers] = [tree, &kernel.headers].map(|folder| format!("{}/", folder.display()));
    let short = |reason: &String| reason.replace(&tree_name, "").replace(&headers, "");
    let mut sources = Sources { listed: compiled.len(), ..Sources::default() };
    for (name, compiled) in compiled {
        let with = |reason: &String| (name.clone(), short(reason));
        if let Some(reason) = &compiled.rejected {
            let part = configuration::part(tree, name, &config);
            sources.rejected.push((name.clone(), short(reason), part));
        }
        sources.without_object.extend(compiled.object_failed.as_ref().map(with));
        sources.without_cubin.extend(compiled.cubin_failed.as_ref().map(with));
    }
    Ok(sources)
}

/// The files that are compiled, from the top of the sources on, those that take longest first.
fn files(source: &Path) -> Result<Vec<String>> {
    let library = listed(&source.join(LIBRARY))?;
    let mut files: Vec<String> = OTHERS.iter().map(|&name| name.to_owned()).collect();
    // Not every release has all of them.
    files.retain(|name| source.join(name).is_file());
    files.extend(library.iter().map(|name| format!("{LIBRARY}/{name}")));
    Ok(files)
}
