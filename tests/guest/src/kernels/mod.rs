// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernels that guests run: which there are, and how to get them.
//!
//! A kernel is a distribution's, from its packages: image and headers are fetched through apt and unpacked,
//! not installed, into the user's cache folder. What is there is used without asking the network.

mod apt;
pub mod bundled;
mod distributed_modules;
mod fetch;
mod modules;
pub mod programs;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

pub use apt::machine_options as apt_options;
use serde::{Deserialize, Serialize};

use crate::cache;
use crate::error::{Error, Result};

/// Every kernel that programs are compiled for and guests can run. A new release is one more line.
pub const KERNELS: &[KernelSpec] = &[
    KernelSpec { name: "5.10", ..BULLSEYE },
    KernelSpec { name: "5.10-cloud", flavour: "cloud-amd64", often: false, recoveries: false, ..BULLSEYE },
    KernelSpec { name: "5.10-rt", flavour: "rt-amd64", often: false, recoveries: false, ..BULLSEYE },
    KernelSpec { name: "6.1", ..BOOKWORM },
    KernelSpec { name: "6.1-cloud", flavour: "cloud-amd64", often: false, ..BOOKWORM },
    KernelSpec { name: "6.1-rt", flavour: "rt-amd64", often: false, recoveries: false, ..BOOKWORM },
    KernelSpec { name: "6.12", ..TRIXIE },
    KernelSpec { name: "6.12-cloud", flavour: "cloud-amd64", often: false, recoveries: false, ..TRIXIE },
    KernelSpec { name: "6.12-rt", flavour: "rt-amd64", often: false, ..TRIXIE },
    KernelSpec { name: "7.2", ..TRIXIE_BACKPORTS },
    KernelSpec {
        name: "7.2-cloud",
        flavour: "cloud-amd64",
        often: false,
        recoveries: false,
        ..TRIXIE_BACKPORTS
    },
    KernelSpec { name: "7.2-rt", flavour: "rt-amd64", often: false, recoveries: false, ..TRIXIE_BACKPORTS },
];

const BULLSEYE: KernelSpec = KernelSpec {
    name: "",
    series: "5.10",
    suites: &["bullseye", "bullseye-security"],
    flavour: "amd64",
    often: true,
    recoveries: true,
};
const BOOKWORM: KernelSpec =
    KernelSpec { series: "6.1", suites: &["bookworm", "bookworm-security"], ..BULLSEYE };
const TRIXIE: KernelSpec = KernelSpec { series: "6.12", suites: &["trixie", "trixie-security"], ..BULLSEYE };
const TRIXIE_BACKPORTS: KernelSpec = KernelSpec { series: "7.2", suites: &["trixie-backports"], ..BULLSEYE };

/// The series whose real-time kernels are built from sources with a patch, which the package of the sources has.
const PATCHED_FOR_REALTIME: &[&str] = &["5.10"];

/// Kernels that are built with a patch that no package has any more.
const WITHOUT_SOURCES: &[&str] = &["6.1-rt"];

/// How a kernel is called here and where its packages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelSpec {
    /// Its name here.
    pub name: &'static str,
    /// The first numbers of its release. The newest build of these is meant.
    pub series: &'static str,
    /// The Debian suites that have it. No others are read.
    pub suites: &'static [&'static str],
    /// What its release ends with.
    pub flavour: &'static str,
    /// Whether every run of the tests uses it; the others are for `--matrix`.
    pub often: bool,
    /// Whether `--matrix` makes every fault on it and cures it many times, and puts tasks on its run queues, which takes half an hour:
    /// every series, one flavour for the cloud, one with PREEMPT_RT.
    pub recoveries: bool,
}

/// A kernel's files, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// `uname -r` of it.
    pub release: String,
    /// The image that a boot loader starts.
    pub vmlinuz: PathBuf,
    /// Its configuration and generated headers: the folder `usr/src/linux-headers-RELEASE`. The Makefile in it
    /// names [`Kernel::common_headers`] by the absolute path that it has when installed.
    pub headers: PathBuf,
    /// The headers that the distribution's flavours of this kernel share.
    pub common_headers: PathBuf,
    /// Its modules: the folder `lib/modules/RELEASE`.
    pub modules: PathBuf,
    /// Its configuration, which the headers' package has for every release.
    pub config: PathBuf,
}

/// What is being done, for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress<'a> {
    /// A step begins.
    Step(&'a str),
    /// How much of the step is done, in percent.
    Percent(f64),
}

/// Where progress is told.
pub type Tell<'a> = dyn Fn(Progress) + 'a;

/// The kernel of that name.
///
/// # Errors
///
/// [`Error::UnknownKernel`].
pub fn find(name: &str) -> Result<&'static KernelSpec> {
    KERNELS.iter().find(|kernel| kernel.name == name).ok_or_else(|| Error::UnknownKernel {
        name: name.to_owned(),
        known: KERNELS.iter().map(|kernel| kernel.name).collect::<Vec<_>>().join(", "),
    })
}

/// Which build a name stands for, as the cache keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Resolved {
    release: String,
    /// The folder's name in [`Kernel::common_headers`].
    common: String,
    /// The version of the packages, by which the source's is found.
    version: String,
}

impl KernelSpec {
    /// The kernel, if it is in the cache.
    ///
    /// # Errors
    ///
    /// Where the cache cannot be read, or the kernel there is not whole.
    pub fn cached(&self) -> Result<Option<Kernel>> {
        let folder = kernels_dir()?;
        let name = self.index(&folder);
        match fs::read(&name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", name)(error)),
            // A file of an older form is as good as none.
            Ok(bytes) => match serde_json::from_slice::<Resolved>(&bytes) {
                Ok(resolved) if folder.join(&resolved.release).is_dir() => {
                    Kernel::unpacked(&folder, &resolved).map(Some)
                }
                _ => Ok(None),
            },
        }
    }

    /// The kernel from the cache, fetched first where it is not there.
    ///
    /// # Errors
    ///
    /// Where it is not in the cache and apt does not get it.
    pub fn fetch(&self, tell: &Tell) -> Result<Kernel> {
        match self.cached()? {
            Some(kernel) => Ok(kernel),
            None => self.fetch_while_locked(tell, false),
        }
    }

    /// The newest build that there is, whatever is in the cache. Other builds stay there.
    ///
    /// # Errors
    ///
    /// Where apt does not get it.
    pub fn update(&self, tell: &Tell) -> Result<Kernel> {
        self.fetch_while_locked(tell, true)
    }

    /// The folder with the kernel's own sources, as its build had them, from the cache or fetched first. Left out is what no
    /// recovery program is made of: drivers, sound, documentation.
    ///
    /// # Errors
    ///
    /// Where they are not in the cache and apt does not get them.
    pub fn source(&self, tell: &Tell) -> Result<PathBuf> {
        self.fetch(tell)?;
        let (version, target) = self.source_folder()?;
        let folder = sources_dir()?;
        if !fetch::is_whole_source(&target) {
            let _lock = cache::lock(&folder)?;
            if !fetch::is_whole_source(&target) {
                fetch::source(self, &version, &folder, &target, tell)?;
            }
        }
        Ok(target)
    }

    /// Whether [`KernelSpec::source`] gives what it was built from, and not only what others of its series were.
    pub fn has_own_sources(&self) -> bool {
        !WITHOUT_SOURCES.contains(&self.name)
    }

    /// Whether its build had other sources than the rest of its series: PREEMPT_RT was a patch then.
    fn is_patched(&self) -> bool {
        self.flavour.starts_with("rt-") && PATCHED_FOR_REALTIME.contains(&self.series)
    }

    /// The folder with the kernel's own sources, if it is in the cache.
    ///
    /// # Errors
    ///
    /// As [`KernelSpec::cached`].
    pub fn cached_source(&self) -> Result<Option<PathBuf>> {
        if self.cached()?.is_none() {
            return Ok(None);
        }
        let (_, target) = self.source_folder()?;
        Ok(fetch::is_whole_source(&target).then_some(target))
    }

    /// The version of the packages of the kernel in the cache, and the folder where its sources are or will be.
    fn source_folder(&self) -> Result<(String, PathBuf)> {
        let index = self.index(&kernels_dir()?);
        let bytes = fs::read(&index).map_err(Error::file("read", &index))?;
        let resolved: Resolved = serde_json::from_slice(&bytes).map_err(|error| Error::File {
            action: "understand",
            path: index,
            source: error.into(),
        })?;
        let patched = if self.is_patched() { "-rt" } else { "" };
        let target = sources_dir()?.join(format!("linux-{}{patched}", resolved.version));
        Ok((resolved.version, target))
    }

    fn fetch_while_locked(&self, tell: &Tell, newest: bool) -> Result<Kernel> {
        let folder = kernels_dir()?;
        let _lock = cache::lock(&folder)?;
        // Another process may have fetched it while this one waited.
        if !newest && let Some(kernel) = self.cached()? {
            return Ok(kernel);
        }
        let resolved = fetch::fetch(self, &folder, tell)?;
        let kernel = Kernel::unpacked(&folder, &resolved)?;
        let json = serde_json::to_vec_pretty(&resolved).expect("two texts are always JSON");
        cache::write_whole(&self.index(&folder), &json)?;
        Ok(kernel)
    }

    /// The file that keeps which build this name stands for.
    fn index(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.json", self.name))
    }
}

impl Kernel {
    fn unpacked(folder: &Path, resolved: &Resolved) -> Result<Self> {
        let root = folder.join(&resolved.release);
        let release = resolved.release.clone();
        let first = |candidates: &[String]| {
            let found = candidates.iter().map(|path| root.join(path)).find(|path| path.exists());
            found.ok_or_else(|| Error::KernelIncomplete {
                wanted: candidates.join(" or "),
                root: root.clone(),
            })
        };
        Ok(Self {
            // 7.x keeps the image with the modules.
            vmlinuz: first(&[
                format!("boot/vmlinuz-{release}"),
                format!("usr/lib/modules/{release}/vmlinuz"),
            ])?,
            headers: first(&[format!("usr/src/linux-headers-{release}")])?,
            common_headers: first(&[format!("usr/src/{}", resolved.common)])?,
            modules: first(&[
                format!("lib/modules/{release}/kernel"),
                format!("usr/lib/modules/{release}/kernel"),
            ])?
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default(),
            config: first(&[format!("usr/src/linux-headers-{release}/.config")])?,
            release,
        })
    }
}

/// The folder with one folder for each version of sources.
fn sources_dir() -> Result<PathBuf> {
    Ok(cache::cache_dir()?.join("sources"))
}

/// The folder with one folder for each kernel build, named by its release.
fn kernels_dir() -> Result<PathBuf> {
    Ok(cache::cache_dir()?.join("kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_unknown_ones_name_the_known() {
        assert_eq!(find("6.1").unwrap().flavour, "amd64");
        assert_eq!(find("7.2-rt").unwrap().flavour, "rt-amd64");
        let error = find("2.4").unwrap_err();
        assert!(error.is_setup());
        assert!(error.to_string().contains("6.1"), "{error}");
    }

    #[test]
    fn a_kernel_that_is_not_whole_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let resolved = Resolved { release: "1".into(), common: "common".into(), version: "1".into() };
        fs::create_dir_all(folder.path().join("1/boot")).unwrap();
        let error = Kernel::unpacked(folder.path(), &resolved).unwrap_err();
        assert!(error.to_string().contains("boot/vmlinuz-1"), "{error}");
    }
}
