// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own sources: the tree that the kernel was built from, and how its build compiles a file of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Kernel, definition, generated};
use crate::error::{Error, Result};

/// The numbers of a kernel's version, as its Makefile has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version([u32; 3]);

impl Version {
    /// `VERSION`, `PATCHLEVEL` and `SUBLEVEL` of the Makefile in a folder.
    fn of(folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join("Makefile")).ok()?;
        let value = |name: &str| {
            text.lines().find_map(|line| {
                let (variable, value) = line.split_once('=')?;
                if variable.trim() == name { value.trim().parse().ok() } else { None }
            })
        };
        Some(Self([value("VERSION")?, value("PATCHLEVEL")?, value("SUBLEVEL")?]))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [version, patch_level, sublevel] = self.0;
        write!(formatter, "{version}.{patch_level}.{sublevel}")
    }
}

/// A source tree.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The folder as the user named it.
    folder: PathBuf,
    /// The same without symbolic links.
    canonical: PathBuf,
    version: Version,
}

impl Sources {
    /// The tree in `folder`, which must be of the version that the headers in `headers` are of.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if it is no kernel's, or of another version.
    pub fn open(folder: &Path, headers: &Path, release: &str) -> Result<Self> {
        let canonical = folder.canonicalize().map_err(Error::read(folder))?;
        let version = Version::of(folder)
            .filter(|_| folder.join("kernel/sched").is_dir() && folder.join("include/linux").is_dir());
        let Some(version) = version else {
            return Err(Error::Usage(format!(
                "{} holds no kernel sources: name the folder with the kernel's Makefile and its folders kernel, lib and mm",
                folder.display()
            )));
        };
        match Version::of(headers) {
            Some(wanted) if wanted == version => Ok(Self { folder: folder.to_owned(), canonical, version }),
            Some(wanted) => Err(Error::Usage(format!(
                "{} holds the sources of Linux {version}, but the headers of kernel {release} are of Linux {wanted}; name the \
                 sources that the kernel was built from",
                folder.display()
            ))),
            None => Err(Error::Missing(format!(
                "the headers of kernel {release} do not say which sources they belong to: {} does not set VERSION",
                headers.join("Makefile").display()
            ))),
        }
    }

    /// Whether Kbuild puts a prefix before module names in `__KBUILD_MODNAME`, as that of 6.12 does and that of 7.2 does not.
    fn has_module_prefix(&self) -> bool {
        let rules = std::fs::read_to_string(self.folder.join("scripts/Makefile.lib")).unwrap_or_default();
        rules.contains("-D__KBUILD_MODNAME=kmod_")
    }

    /// The first two numbers of the version.
    pub fn series(&self) -> [u32; 2] {
        let Version([version, patch_level, _]) = self.version;
        [version, patch_level]
    }

    /// The name of a file in the tree.
    pub fn file(&self, path: &str) -> String {
        self.folder.join(path).display().to_string()
    }

    /// The path of a file from the tree's top on, if it is in the tree.
    pub fn inside(&self, file: &str) -> Option<PathBuf> {
        let canonical = Path::new(file).canonicalize().ok()?;
        canonical.strip_prefix(&self.canonical).ok().map(Path::to_owned)
    }
}

impl Kernel {
    /// The path of an input from the top of the kernel's source tree on, if it is one of the kernel's sources.
    pub fn source_path(&self, input: &str) -> Option<PathBuf> {
        self.sources.as_ref()?.inside(input)
    }

    /// Which files of the kernel's source tree define functions, by name, if the user names the tree.
    pub fn definitions(&self, names: &[&str]) -> HashMap<String, PathBuf> {
        let sources = self.sources.as_ref().filter(|_| !names.is_empty());
        sources.map(|sources| definition::find(&sources.folder, names)).unwrap_or_default()
    }

    /// clang's options for one input, besides those for all: for a kernel source as Kbuild has them (scripts/Makefile.lib), with
    /// the files that the kernel's build would have made.
    ///
    /// # Errors
    ///
    /// Those of [`generated::make`].
    pub fn options_of(&self, input: &str) -> Result<Vec<String>> {
        let Some(sources) = &self.sources else { return Ok(names("gpufas", "gpufas")) };
        let Some(path) = self.source_path(input) else {
            let mut options = names("gpufas", "gpufas");
            options.push(KEEPS_PARAVIRT.into());
            // Headers that lie beside sources: "kernel/sched/sched.h".
            options.extend(["-idirafter".into(), sources.folder.display().to_string()]);
            return Ok(options);
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut options = names(&stem, &path.with_extension("").display().to_string());
        // Initcalls are named after it.
        let prefix = if sources.has_module_prefix() { "kmod_" } else { "" };
        options.push(format!("-D__KBUILD_MODNAME={prefix}{}", fixed(&stem)));
        // What the kernel's authors write is no mistake of the user's.
        options.push("-w".into());
        // `#include TRACE_INCLUDE()` and the like, for which Makefiles add the folder of the source.
        let folder = path.parent().unwrap_or(Path::new(""));
        options.extend(["-idirafter".into(), sources.folder.join(folder).display().to_string()]);
        options.extend(makefile_options(&sources.folder.join(folder), &stem));
        options.extend(kept_checks(&path));
        if path.starts_with("kernel/sched") {
            options.push(KEEPS_PARAVIRT.into());
        }
        if path.starts_with("lib") && stem.starts_with("fdt") {
            options
                .extend(["-isystem".into(), sources.folder.join("scripts/dtc/libfdt").display().to_string()]);
        }
        if let Some(folder) = generated::make(&sources.folder, &path, &self.generated)? {
            options.extend(["-iquote".into(), folder.display().to_string()]);
        }
        Ok(options)
    }
}

/// What the Makefile of a folder adds for a file that bears on what its code means: `CFLAGS_string.o := -ffreestanding` keeps
/// `strlen()` from being made a call of itself.
fn makefile_options(folder: &Path, stem: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("Makefile")).unwrap_or_default();
    let variable = format!("CFLAGS_{stem}.o");
    let values = text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim_end_matches([':', '+']).trim() == variable).then_some(value)
    });
    let bears = |word: &&str| {
        ["-ffreestanding", "-fno-builtin"].contains(word) || (word.starts_with("-D") && !word.contains('$'))
    };
    values.flat_map(str::split_whitespace).filter(bears).map(str::to_owned).collect()
}

/// Sources that define or test the functions which checks call, and the checks: else these are left out
/// (`gpufas/kernel_config.h`).
const CHECKS: &[(&str, &str)] = &[
    ("lib/fortify_kunit.c", "STRING"),
    ("lib/list_debug.c", "LIST"),
    ("lib/tests/fortify_kunit.c", "STRING"),
];

/// The option for what may include `kernel/sched/sched.h`, on whose structures an option of the kernel's bears that is else left
/// out.
const KEEPS_PARAVIRT: &str = "-DGPUFAS_KEEPS_PARAVIRT";

/// The option that keeps a check for the source that does not compile without it.
fn kept_checks(path: &Path) -> Option<String> {
    let (_, check) = CHECKS.iter().find(|(source, _)| Path::new(source) == path)?;
    Some(format!("-DGPUFAS_KEEPS_{check}_CHECKS"))
}

/// A name with what no identifier has replaced (`name-fix-token` of scripts/Makefile.lib).
fn fixed(name: &str) -> String {
    name.replace([',', '-'], "_")
}

/// The names that Kbuild gives a file: its own and its module's, which is the same for code in the kernel's image.
fn names(stem: &str, path: &str) -> Vec<String> {
    let name = fixed(stem);
    vec![
        format!("-DKBUILD_BASENAME=\"{name}\""),
        format!("-DKBUILD_MODNAME=\"{name}\""),
        format!("-DKBUILD_MODFILE=\"{path}\""),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for inside in ["kernel/sched", "include/linux", "lib"] {
            std::fs::create_dir_all(folder.path().join(inside)).unwrap();
        }
        let [major, minor, patch] = version.split('.').collect::<Vec<_>>()[..] else { panic!("{version}") };
        let makefile = format!("# SPDX\nVERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = {patch}\n");
        std::fs::write(folder.path().join("Makefile"), makefile).unwrap();
        std::fs::write(folder.path().join("lib/list_sort.c"), "").unwrap();
        folder
    }

    #[test]
    fn sources_of_another_version_are_refused_and_both_are_named() {
        let (sources, headers) = (tree("6.1.190"), tree("6.1.192"));
        let message =
            Sources::open(sources.path(), headers.path(), "6.1.0-56-amd64").unwrap_err().to_string();
        assert!(message.contains("6.1.190") && message.contains("6.1.192"), "{message}");
        assert!(message.contains("6.1.0-56-amd64"), "{message}");
        let same = tree("6.1.190");
        let opened = Sources::open(sources.path(), same.path(), "6.1.0-56-amd64").unwrap();
        let file = sources.path().join("lib/../lib/list_sort.c").display().to_string();
        assert_eq!(opened.inside(&file).as_deref(), Some(Path::new("lib/list_sort.c")));
        assert_eq!(opened.inside("/etc/passwd"), None);
    }

    #[test]
    fn what_is_no_source_tree_is_refused() {
        let (folder, headers) = (tempfile::tempdir().unwrap(), tree("6.1.1"));
        let message = Sources::open(folder.path(), headers.path(), "6.1.1").unwrap_err().to_string();
        assert!(message.contains("no kernel sources"), "{message}");
    }

    #[test]
    fn options_of_single_files_are_those_of_the_makefile() {
        let folder = tempfile::tempdir().unwrap();
        let text = "CFLAGS_string.o := -ffreestanding\nCFLAGS_string.o += -fno-stack-protector -DX=1 $(call cc-option,-fy)\n\
                    CFLAGS_other.o := -fno-builtin\nobj-y = string.o\n";
        std::fs::write(folder.path().join("Makefile"), text).unwrap();
        assert_eq!(makefile_options(folder.path(), "string"), ["-ffreestanding", "-DX=1"]);
        assert_eq!(makefile_options(folder.path(), "other"), ["-fno-builtin"]);
        assert!(makefile_options(folder.path(), "none").is_empty());
    }

    #[test]
    fn sources_of_checks_keep_them() {
        assert_eq!(kept_checks(Path::new("lib/list_debug.c")).as_deref(), Some("-DGPUFAS_KEEPS_LIST_CHECKS"));
        assert_eq!(kept_checks(Path::new("lib/list_sort.c")), None);
        // What the header asks for is what is defined here.
        let header = include_str!("../../runtime/include/gpufas/kernel_config.h");
        for (source, check) in CHECKS {
            assert!(header.contains(&format!("#ifndef GPUFAS_KEEPS_{check}_CHECKS\n")), "{source}");
        }
    }

    #[test]
    fn files_are_named_as_kbuild_names_them() {
        let options = names("list-sort,x", "lib/list-sort,x");
        assert!(options.contains(&"-DKBUILD_BASENAME=\"list_sort_x\"".to_owned()), "{options:?}");
        assert!(options.contains(&"-DKBUILD_MODFILE=\"lib/list-sort,x\"".to_owned()), "{options:?}");
    }
}
