// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finds a kernel's packages and unpacks them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::apt::Apt;
use super::{KernelSpec, Resolved, Tell};
use crate::cache;
use crate::error::{Error, Result};
use crate::kernels::Progress;

/// How many builds are tried, from the newest on.
const TRIES: usize = 5;

/// Fetches the newest build of a kernel and unpacks image and headers into `folder/RELEASE`.
///
/// An archive may have lost a package that its lists still name; then it is the newest that can be had.
pub fn fetch(spec: &KernelSpec, folder: &Path, tell: &Tell) -> Result<Resolved> {
    let apt = Apt::open(spec.suites)?;
    apt.update(tell)?;

    tell(Progress::Step("resolving the kernel's packages"));
    let mut first_failure = None;
    for release in releases(spec, &apt.names("linux-headers-")?).into_iter().take(TRIES) {
        match fetch_release(&apt, release, folder, tell) {
            Err(error @ Error::ProgramFailed { .. }) => {
                tell(Progress::Step(&error.to_string()));
                first_failure.get_or_insert(error);
            }
            other => return other,
        }
    }
    Err(first_failure.unwrap_or_else(|| Error::KernelMissing {
        wanted: format!("linux-headers-{}.*-{}", spec.series, spec.flavour),
        suites: spec.suites.join(", "),
    }))
}

fn fetch_release(apt: &Apt, release: String, folder: &Path, tell: &Tell) -> Result<Resolved> {
    let (image, headers) = (format!("linux-image-{release}"), format!("linux-headers-{release}"));
    let common = apt.dependency(&headers, is_common_headers)?;
    let version = apt.version(&headers)?;

    let mut packages = vec![image.clone(), headers, common.clone()];
    // From 7.x on the image's package is empty and depends on those with the contents.
    packages.extend(apt.dependencies(&image)?.into_iter().filter(|name| is_image_part(name)));

    let target = folder.join(&release);
    if !target.is_dir() {
        let partial = cache::partial(folder)?;
        apt.download(&packages, partial.path(), tell)?;
        let root = partial.path().join("root");
        unpack(partial.path(), &root, tell)?;
        cache::publish(&root, &target)?;
    }
    Ok(Resolved { release, common, version })
}

/// What of the source package is not unpacked. Of the tests of user space, test modules include headers.
const UNWANTED: &[&str] = &[
    "Documentation",
    "arch/[!x]*",
    "drivers",
    "samples",
    "sound",
    "tools/perf",
    "tools/testing/selftests/*/*",
];

/// What was left out once, and is there in every version.
const WANTED: &str = "tools/testing/selftests/kselftest_module.h";

/// Whether a folder holds all sources that are wanted: one that was unpacked by an older version of this program may not.
pub fn is_whole_source(folder: &Path) -> bool {
    folder.join(WANTED).is_file()
}

/// Fetches the sources that packages of a version were built from, and unpacks them as the folder `target`.
pub fn source(spec: &KernelSpec, version: &str, folder: &Path, target: &Path, tell: &Tell) -> Result<()> {
    let apt = Apt::open(spec.suites)?;
    apt.update(tell)?;
    let partial = cache::partial(folder)?;
    let package = format!("linux-source-{}", spec.series);
    apt.download(&[format!("{package}={version}")], partial.path(), tell)?;
    let root = partial.path().join("root");
    unpack(partial.path(), &root, tell)?;
    let archive = root.join(format!("usr/src/{package}.tar.xz"));
    tell(Progress::Step(&format!("unpacking {package}.tar.xz")));
    let sources = partial.path().join("sources");
    cache::make_dir(&sources)?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(&sources).arg("--strip-components=1");
    tar.args(UNWANTED.iter().map(|name| format!("--exclude={package}/{name}")));
    cache::run(&mut tar)?;
    let patch = root.join(format!("usr/src/linux-patch-{}-rt.patch.xz", spec.series));
    if spec.is_patched() {
        tell(Progress::Step("applying the real-time patch"));
        apply(&patch, &sources)?;
    }
    cache::publish(&sources, target)
}

/// Applies a compressed patch to sources of which not all are there.
fn apply(patch: &Path, sources: &Path) -> Result<()> {
    cache::run(Command::new("xz").arg("-d").arg(patch))?;
    let mut git = Command::new("git");
    // A work tree around the cache would make it leave out what is not below it.
    git.current_dir(sources).env("GIT_CEILING_DIRECTORIES", sources).arg("apply");
    git.args(UNWANTED.iter().flat_map(|name| [format!("--exclude={name}"), format!("--exclude={name}/*")]));
    cache::run(git.arg(patch.with_extension(""))).map(drop)
}

/// The releases of a kernel for which there are headers, by the names of packages, from the newest to the oldest.
fn releases(spec: &KernelSpec, packages: &[String]) -> Vec<String> {
    let releases = packages.iter().filter_map(|name| {
        let release = name.strip_prefix("linux-headers-")?;
        let build = release.strip_suffix(spec.flavour)?.strip_suffix('-')?;
        let after = build.strip_prefix(spec.series)?;
        // Neither 6.12 for 6.1 nor another flavour.
        let is_this = after.starts_with('.') && !build.ends_with("-cloud") && !build.ends_with("-rt");
        is_this.then(|| (numbers(build), release.to_owned()))
    });
    let mut releases: Vec<_> = releases.collect();
    releases.sort_unstable_by(|one, other| other.cmp(one));
    releases.into_iter().map(|(_, release)| release).collect()
}

/// The numbers in the name of a build.
fn numbers(build: &str) -> Vec<u64> {
    build.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn is_common_headers(name: &str) -> bool {
    name.starts_with("linux-headers-") && name.split('-').any(|part| part == "common")
}

fn is_image_part(name: &str) -> bool {
    ["linux-binary-", "linux-modules-"].iter().any(|prefix| name.starts_with(prefix))
}

/// Unpacks all packages in a folder into another.
pub fn unpack(packages: &Path, root: &Path, tell: &Tell) -> Result<()> {
    cache::make_dir(root)?;
    for entry in fs::read_dir(packages).map_err(Error::file("list", packages))? {
        let path = entry.map_err(Error::file("list", packages))?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            tell(Progress::Step(&format!("unpacking {name}")));
            cache::run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(root))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels;

    #[test]
    fn common_headers_are_told_from_the_flavours_own() {
        assert!(is_common_headers("linux-headers-6.1.0-56-common"));
        assert!(is_common_headers("linux-headers-5.10.0-40-common-rt"));
        assert!(!is_common_headers("linux-headers-6.1.0-56-amd64"));
        assert!(!is_common_headers("linux-kbuild-6.1"));
    }

    #[test]
    fn the_newest_build_of_a_series_and_flavour_comes_first() {
        let names = [
            "linux-headers-6.1.0-9-amd64",
            "linux-headers-6.1.0-56-amd64",
            "linux-headers-6.1.0-57-cloud-amd64",
            "linux-headers-6.1.0-58-rt-amd64",
            "linux-headers-6.1.0-59-common",
            "linux-headers-6.12.115+deb13-amd64",
            "linux-headers-6.12.115+deb13.1-amd64",
            "linux-headers-amd64",
        ]
        .map(str::to_owned);
        let releases = |kernel| releases(kernels::find(kernel).unwrap(), &names);
        assert_eq!(releases("6.1"), ["6.1.0-56-amd64", "6.1.0-9-amd64"]);
        assert_eq!(releases("6.1-rt"), ["6.1.0-58-rt-amd64"]);
        assert_eq!(releases("6.12"), ["6.12.115+deb13.1-amd64", "6.12.115+deb13-amd64"]);
        assert!(releases("7.2").is_empty());
    }
}
