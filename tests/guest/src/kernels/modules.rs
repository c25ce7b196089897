// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel modules for guests, built with Kbuild as the distribution's own packages would: the kernel's headers and the build
//! programs of its `linux-kbuild` package.
//!
//! What is installed has absolute paths in a Makefile, which do not hold in the cache. So a module is built in a copy of
//! the installed layout: links to the headers, a Makefile with the cache's paths, and the build programs. Those of a newer
//! Debian than the machine's do not run with the machine's C library; they get that of their own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt::Apt;
use super::{Kernel, KernelSpec, Progress, Tell, fetch};
use crate::cache;
use crate::error::{Error, Result};

/// The programs of `linux-kbuild` that building a module runs, of those that are linked with libraries.
const PROGRAMS: &[&str] = &[
    "scripts/basic/fixdep",
    "scripts/genksyms/genksyms",
    "scripts/mod/modpost",
    "scripts/mod/modpost.real-lsb-64",
    "tools/objtool/objtool",
    "tools/objtool/objtool.real-x86",
];

/// The packages of the libraries that they are linked with, and another name for the same.
const LIBRARIES: &[(&str, &str)] =
    &[("libc6", "libc6"), ("libelf1t64", "libelf1"), ("zlib1g", "zlib1g"), ("libzstd1", "libzstd1")];

/// What is told to make beside the module's folder.
const VARIABLES: &[&str] = &[
    // Debian's headers name the compiler that built the kernel; any later or earlier one of the same family does.
    "CC=gcc",
    "KCFLAGS=-Werror",
    // An option of gcc 14. Without it the kernel's Makefile asks for the same alignment in a way that all know.
    "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=",
    // Needs pahole, and no kernel of the list asks for it when it loads a module.
    "CONFIG_DEBUG_INFO_BTF_MODULES=",
];

/// What objtool and modpost complain of with a success.
const COMPLAINTS: &[&str] = &["objtool:", "WARNING: modpost", "WARNING: \""];

impl KernelSpec {
    /// Builds the modules of a folder with a Kbuild file, and says in which folder they are, each as `NAME.ko`. Sources that
    /// were built before for this kernel are not built again.
    ///
    /// `headers` are further files that the sources include, relative to the folder's parent: `include/a.h` is found by
    /// `ccflags-y := -I$(src)/../include`.
    ///
    /// # Errors
    ///
    /// Where the kernel or its build programs cannot be had, and where the modules do not compile without a warning.
    pub fn modules(&self, source: &Path, headers: &[&str], tell: &Tell) -> Result<PathBuf> {
        let kernel = self.fetch(tell)?;
        let files = files_of(source, headers)?;
        let folder = cache::cache_dir()?.join("modules").join(&kernel.release);
        let target = folder.join(format!("{:016x}", contents(&files)?));
        if !target.is_dir() {
            let build = self.kbuild(&kernel, tell)?;
            tell(Progress::Step(&format!("building {} for {}", source.display(), kernel.release)));
            let partial = cache::partial(&folder)?;
            let finished = partial.path().join("finished");
            compile(&build, &files, partial.path(), source, &finished)?;
            cache::publish(&finished, &target).or_else(|error| match target.is_dir() {
                // Another process was faster.
                true => Ok(()),
                false => Err(error),
            })?;
        }
        Ok(target)
    }

    /// The folder that `make -C` gets for this kernel, made first where it is not in the cache.
    fn kbuild(&self, kernel: &Kernel, tell: &Tell) -> Result<PathBuf> {
        let folder = cache::cache_dir()?.join("kbuild");
        let target = folder.join(&kernel.release);
        let name = format!("linux-headers-{}", kernel.release);
        let _lock = cache::lock(&folder)?;
        if !target.is_dir() {
            let partial = cache::partial(&folder)?;
            let package = kbuild_package(kernel)?;
            let apt = Apt::open(self.suites)?;
            apt.update(tell)?;
            apt.download(std::slice::from_ref(&package), partial.path(), tell)?;
            drop(apt);
            let root = partial.path().join("root");
            fetch::unpack(partial.path(), &root, tell)?;
            let programs = root.join("usr/lib").join(&package);
            self.give_libraries(&folder, &programs, tell)?;
            lay_out(kernel, &root, &target)?;
            cache::publish(&root, &target)?;
        }
        Ok(target.join("usr/src").join(name))
    }

    /// Makes programs that the machine's libraries are too old for run with those of their own distribution.
    fn give_libraries(&self, folder: &Path, programs: &Path, tell: &Tell) -> Result<()> {
        let mut unable = Vec::new();
        for name in PROGRAMS {
            let program = programs.join(name);
            if program.is_file() && !runs_here(&program)? {
                unable.push(program);
            }
        }
        if unable.is_empty() {
            return Ok(());
        }
        // Backports have no libraries of their own.
        let suites = self.suites.iter().filter(|suite| !suite.ends_with("-security"));
        let suite = suites.map(|suite| suite.trim_end_matches("-backports")).next().unwrap_or_default();
        let libraries = folder.join(format!("libraries-{suite}"));
        if !libraries.is_dir() {
            let partial = cache::partial(folder)?;
            let apt = Apt::open(&[suite])?;
            apt.update(tell)?;
            let mut packages = Vec::new();
            for (name, other) in LIBRARIES {
                let there = apt.names(name)?.iter().any(|there| there == name);
                packages.push((if there { name } else { other }).to_string());
            }
            apt.download(&packages, partial.path(), tell)?;
            let root = partial.path().join("root");
            fetch::unpack(partial.path(), &root, tell)?;
            cache::publish(&root, &libraries)?;
        }
        unable.iter().try_for_each(|program| start_with(&libraries, program))
    }
}

/// The package with a kernel's build programs: the headers link to it.
fn kbuild_package(kernel: &Kernel) -> Result<String> {
    let link = kernel.headers.join("scripts");
    let target = fs::read_link(&link).map_err(Error::file("read the link", &link))?;
    let names = target.iter().map(|part| part.to_string_lossy().into_owned());
    let mut names = names.filter(|name| name.starts_with("linux-kbuild-"));
    names.next().ok_or_else(|| Error::KernelIncomplete {
        wanted: "link to a package linux-kbuild-*".to_owned(),
        root: kernel.headers.clone(),
    })
}

/// Whether the machine has the libraries of a program, in versions that are new enough.
fn runs_here(program: &Path) -> Result<bool> {
    let mut ldd = Command::new("ldd");
    ldd.env("LC_ALL", "C").arg(program);
    // It succeeds where libraries lack versions.
    let output = ldd.output().map_err(|error| cache::start_error(&ldd, error))?;
    let said = [output.stdout, output.stderr].concat();
    Ok(!String::from_utf8_lossy(&said).contains("not found"))
}

/// Puts a script in a program's place that starts it with the libraries of an unpacked distribution.
fn start_with(libraries: &Path, program: &Path) -> Result<()> {
    let mut moved = program.as_os_str().to_owned();
    moved.push(".elf");
    fs::rename(program, &moved).map_err(Error::file("rename", program))?;
    let root = libraries.display();
    let script = format!(
        "#!/bin/sh\nexec '{root}/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2' --library-path \
         '{root}/usr/lib/x86_64-linux-gnu' \"$0.elf\" \"$@\"\n"
    );
    fs::write(program, script).map_err(Error::file("write", program))?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(Error::file("change", program))
}

/// Completes a root folder with the headers as they lie when installed: as links, and the Makefile with the paths of `target`,
/// which is what the root is to be called.
fn lay_out(kernel: &Kernel, root: &Path, target: &Path) -> Result<()> {
    for headers in [&kernel.headers, &kernel.common_headers] {
        let copy = root.join("usr/src").join(headers.file_name().unwrap_or_default());
        cache::make_dir(&copy)?;
        for entry in fs::read_dir(headers).map_err(Error::file("list", headers))? {
            let entry = entry.map_err(Error::file("list", headers))?;
            let (from, to) = (entry.path(), copy.join(entry.file_name()));
            // Links among the packages hold in the copy; others need not.
            let linked = match fs::read_link(&from) {
                Ok(link) if link.is_relative() => link,
                _ => from,
            };
            symlink(linked, &to).map_err(Error::file("make the link", to))?;
        }
    }
    let name = kernel.headers.join("Makefile");
    let text = fs::read_to_string(&name).map_err(Error::file("read", &name))?;
    let moved = text.replace("/usr/src/", &format!("{}/usr/src/", target.display()));
    let makefile = root.join("usr/src").join(kernel.headers.file_name().unwrap_or_default()).join("Makefile");
    fs::remove_file(&makefile).map_err(Error::file("remove", &makefile))?;
    fs::write(&makefile, moved).map_err(Error::file("write", &makefile))
}

/// A file that goes into modules: where it is, and where it belongs in a copy, beside the folder of the sources.
type File = (PathBuf, PathBuf);

/// The files of modules.
fn files_of(source: &Path, headers: &[&str]) -> Result<Vec<File>> {
    let name = source.file_name().unwrap_or_default();
    let parent = source.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for entry in fs::read_dir(source).map_err(Error::file("list", source))? {
        let entry = entry.map_err(Error::file("list", source))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        // What make leaves behind is no source.
        if file == "Kbuild" || file.ends_with(".h") || (file.ends_with(".c") && !file.ends_with(".mod.c")) {
            files.push((entry.path(), Path::new(name).join(file)));
        }
    }
    files.extend(headers.iter().map(|header| (parent.join(header), PathBuf::from(header))));
    files.sort();
    Ok(files)
}

/// A number for the contents of files, and for what they are built with.
fn contents(files: &[File]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    VARIABLES.hash(&mut hasher);
    for (file, name) in files {
        name.hash(&mut hasher);
        fs::read(file).map_err(Error::file("read", file))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Builds copies of the files below `scratch`, and leaves the modules in the folder `finished`.
fn compile(build: &Path, files: &[File], scratch: &Path, source: &Path, finished: &Path) -> Result<()> {
    let copies = scratch.join("sources");
    for (file, name) in files {
        let copy = copies.join(name);
        cache::make_dir(copy.parent().unwrap_or(&copies))?;
        fs::copy(file, &copy).map_err(Error::file("copy", file))?;
    }
    let folder = copies.join(source.file_name().unwrap_or_default());
    let mut make = Command::new("make");
    // A make that may be running this has settings for its own.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env("LC_ALL", "C");
    make.arg("-C").arg(build).arg(format!("M={}", folder.display())).args(VARIABLES).arg("modules");
    let output = cache::run(&mut make)?;
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
    if COMPLAINTS.iter().any(|complaint| said.contains(complaint)) {
        return Err(cache::failed(&make, &output));
    }
    cache::make_dir(finished)?;
    for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))? {
        let path = entry.map_err(Error::file("list", &folder))?.path();
        if path.extension().is_some_and(|extension| extension == "ko") {
            // Debug information is most of a module, and a guest's memory is small.
            cache::run(Command::new("strip").arg("--strip-debug").arg(&path))?;
            let to = finished.join(path.file_name().unwrap_or_default());
            fs::rename(&path, &to).map_err(Error::file("rename", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_make_leaves_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("module");
        fs::create_dir(&source).unwrap();
        for name in ["Kbuild", "a.c", "a.h", "a.mod.c", "a.o", "a.ko", ".a.o.cmd"] {
            fs::write(source.join(name), name).unwrap();
        }
        let names: Vec<_> = files_of(&source, &["b.h"]).unwrap().into_iter().map(|(_, name)| name).collect();
        let expected = ["b.h", "module/Kbuild", "module/a.c", "module/a.h"].map(PathBuf::from);
        assert_eq!(names, expected);
    }

    #[test]
    fn other_sources_are_other_contents() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.c");
        let files = [(file.clone(), PathBuf::from("a.c"))];
        fs::write(&file, "1").unwrap();
        let before = contents(&files).unwrap();
        assert_eq!(contents(&files).unwrap(), before);
        fs::write(&file, "2").unwrap();
        assert_ne!(contents(&files).unwrap(), before);
    }
}
