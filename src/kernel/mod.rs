// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel that a program is compiled for: where its headers are, which flags its release and configuration ask for,
//! and what is known of its build.

mod boot_image;
mod build_id;
mod definition;
mod flags;
mod generated;
mod named;
mod scheduler;
mod sources;
pub mod type_information;

use std::path::{Path, PathBuf};

use gpufas_abi::manifest::Kernel as ManifestKernel;

use crate::error::{Error, Result};
use sources::Sources;

pub use named::{check_different, locate, use_sources};
pub use scheduler::KERNEL_SYMBOLS as SCHEDULER_SYMBOLS;

/// A prepared kernel source tree or an installed header package.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What the manifest says of it.
    pub identity: ManifestKernel,
    /// What it is called among several: its release, with a number if there are others of the release.
    pub label: String,
    /// The folder with what the kernel's own build generated.
    generated: PathBuf,
    /// The folder with the sources' headers; the same unless the build was made elsewhere.
    source: PathBuf,
    /// The kernel's own sources, if the user names them.
    sources: Option<Sources>,
}

/// Where header packages of a release are looked for, `{}` being the release.
const PLACES: &[&str] = &[
    "/usr/src/linux-headers-{}",
    "/lib/modules/{}/build",
    "/usr/lib/modules/{}/build",
    "/usr/src/kernels/{}",
];

impl Kernel {
    /// Finds the headers by release, or takes the folder that the user names.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there are none, [`Error::Usage`] if folder and release differ.
    pub fn locate(release: Option<&str>, headers: Option<&Path>) -> Result<Self> {
        let generated = match (release, headers) {
            (_, Some(headers)) => headers.to_owned(),
            (Some(release), None) => installed(release)?,
            (None, None) => {
                return Err(Error::Usage(
                    "no kernel named; say which one the program is for with --kernel RELEASE (as `uname -r` prints it \
                     there), or --kernel-headers DIR"
                        .into(),
                ));
            }
        };
        let utsrelease = generated.join("include/generated/utsrelease.h");
        let Some(found) = defined_string(&utsrelease, "UTS_RELEASE") else {
            return Err(Error::Missing(format!(
                "{} holds no prepared kernel headers: include/generated/utsrelease.h is missing; name the folder that \
                 /lib/modules/RELEASE/build points to",
                generated.display()
            )));
        };
        if let Some(release) = release
            && release != found
        {
            return Err(Error::Usage(format!(
                "{} holds the headers of kernel {found}, not of {release}",
                generated.display()
            )));
        }
        let source = source_of(&generated)?;
        let version = ["utsversion.h", "compile.h"]
            .iter()
            .find_map(|file| defined_string(&generated.join("include/generated").join(file), "UTS_VERSION"));
        let label = found.clone();
        Ok(Self {
            identity: ManifestKernel { release: found, version, build_id: None },
            label,
            generated,
            source,
            sources: None,
        })
    }

    /// Takes the kernel's own sources from `folder`, and from there its headers, too: a source and what it includes are of one
    /// tree.
    ///
    /// # Errors
    ///
    /// Those of [`Sources::open`].
    pub fn use_sources(&mut self, folder: &Path) -> Result<()> {
        self.sources = Some(Sources::open(folder, &self.source, &self.identity.release)?);
        self.source = folder.to_owned();
        Ok(())
    }

    /// Looks for the build id, which headers do not say; see [`build_id`].
    pub fn find_build_id(&mut self) {
        self.identity.build_id = build_id::find(&self.identity, &self.folders());
    }

    /// The folders that hold the kernel's headers.
    pub fn folders(&self) -> [&Path; 2] {
        [&self.source, &self.generated]
    }
}

/// The installed headers of a release.
fn installed(release: &str) -> Result<PathBuf> {
    if release.is_empty() || release.contains('/') {
        return Err(Error::Usage(format!("`{release}` is no kernel release; `uname -r` prints it")));
    }
    let mut places: Vec<PathBuf> =
        PLACES.iter().map(|place| PathBuf::from(place.replace("{}", release))).collect();
    if let Some(cache) = gpufas_kernel::cache::folder() {
        places.push(cache.join(format!("kernels/{release}/usr/src/linux-headers-{release}")));
    }
    places.iter().find(|place| place.is_dir()).cloned().ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Error::Missing(format!(
            "no headers of kernel {release} (looked in {}); install them (Debian: linux-headers-{release}) or name \
             their folder with --kernel-headers DIR",
            looked.join(", ")
        ))
    })
}

/// The source tree of a build folder: the one that its Makefile includes, or itself.
fn source_of(generated: &Path) -> Result<PathBuf> {
    let makefile = std::fs::read_to_string(generated.join("Makefile")).unwrap_or_default();
    let included = makefile
        .lines()
        .filter_map(|line| line.trim().strip_prefix("include "))
        .find_map(|file| file.trim().strip_suffix("/Makefile").map(PathBuf::from));
    let mut candidates = Vec::new();
    if let Some(included) = included {
        // A package that was unpacked elsewhere has both folders side by side.
        if let (Some(parent), Some(name)) = (generated.parent(), included.file_name()) {
            candidates.push(parent.join(name));
        }
        candidates.push(included);
    }
    candidates.push(generated.join("source"));
    candidates.push(generated.to_owned());
    candidates.into_iter().find(|folder| folder.join("include/linux/kconfig.h").is_file()).ok_or_else(|| {
        Error::Missing(format!(
            "the headers in {} are incomplete: include/linux/kconfig.h is missing (on Debian it is in the package \
             linux-headers-*-common)",
            generated.display()
        ))
    })
}

/// The value of `#define NAME "value"` in a header.
fn defined_string(header: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(header).ok()?;
    text.lines().find_map(|line| {
        let rest = line.strip_prefix("#define")?.trim_start().strip_prefix(name)?;
        let value = rest.trim().strip_prefix('"')?.strip_suffix('"')?;
        Some(value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_is_not_installed_is_named_with_the_remedy() {
        let message = Kernel::locate(Some("0.0.1-none"), None).unwrap_err().to_string();
        assert!(message.contains("linux-headers-0.0.1-none"), "{message}");
        assert!(Kernel::locate(None, None).unwrap_err().to_string().contains("--kernel"));
        assert!(Kernel::locate(Some("../../etc"), None).unwrap_err().to_string().contains("uname -r"));
    }

    #[test]
    fn headers_name_their_release_and_version() {
        let folder = tempfile::tempdir().unwrap();
        let generated = folder.path().join("include/generated");
        std::fs::create_dir_all(&generated).unwrap();
        std::fs::create_dir_all(folder.path().join("include/linux")).unwrap();
        let message = Kernel::locate(None, Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("utsrelease.h"), "{message}");
        std::fs::write(generated.join("utsrelease.h"), "#define UTS_RELEASE \"5.10.0-1-amd64\"\n").unwrap();
        let message = Kernel::locate(None, Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("kconfig.h"), "{message}");
        std::fs::write(folder.path().join("include/linux/kconfig.h"), "").unwrap();
        std::fs::write(generated.join("utsversion.h"), "#define UTS_VERSION \"#1 SMP\"\n").unwrap();
        let kernel = Kernel::locate(None, Some(folder.path())).unwrap();
        assert_eq!(kernel.identity.release, "5.10.0-1-amd64");
        assert_eq!(kernel.identity.version.as_deref(), Some("#1 SMP"));
        assert!(kernel.clang_options().contains(&"-std=gnu89".to_owned()));
        let message = Kernel::locate(Some("6.1.0"), Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("5.10.0-1-amd64") && message.contains("6.1.0"), "{message}");
    }

    #[test]
    fn a_build_folder_names_its_source_wherever_both_were_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (build, common) = (folder.path().join("build"), folder.path().join("common"));
        std::fs::create_dir_all(common.join("include/linux")).unwrap();
        std::fs::write(common.join("include/linux/kconfig.h"), "").unwrap();
        std::fs::create_dir_all(&build).unwrap();
        std::fs::write(build.join("Makefile"), "include /usr/src/common/Makefile\n").unwrap();
        assert_eq!(source_of(&build).unwrap(), common);
    }
}
