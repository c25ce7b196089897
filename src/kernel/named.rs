// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernels that a command line names, by releases, by folders of headers or by both.

use std::path::{Path, PathBuf};

use super::Kernel;
use crate::error::{Error, Result};

/// Finds the headers of all kernels: of each release that is named, those of a folder that is named and says so, else where
/// they are installed; without releases, of each folder.
///
/// # Errors
///
/// Those of [`Kernel::locate`]; [`Error::Usage`] if a folder is of no release that is named.
pub fn locate(releases: &[String], folders: &[PathBuf]) -> Result<Vec<Kernel>> {
    let mut kernels = match (releases, folders) {
        ([], []) => vec![Kernel::locate(None, None)?],
        ([], folders) => {
            folders.iter().map(|folder| Kernel::locate(None, Some(folder))).collect::<Result<_>>()?
        }
        ([release], [folder]) => vec![Kernel::locate(Some(release), Some(folder))?],
        (releases, folders) => by_release(releases, folders)?,
    };
    for number in 1..kernels.len() {
        let before = kernels[..number]
            .iter()
            .filter(|kernel| kernel.identity.release == kernels[number].identity.release)
            .count();
        if before > 0 {
            kernels[number].label.push_str(&format!(".{}", before + 1));
        }
    }
    Ok(kernels)
}

fn by_release(releases: &[String], folders: &[PathBuf]) -> Result<Vec<Kernel>> {
    let mut found: Vec<Kernel> =
        folders.iter().map(|folder| Kernel::locate(None, Some(folder))).collect::<Result<_>>()?;
    let mut kernels = Vec::new();
    for release in releases {
        let place = found.iter().position(|kernel| kernel.identity.release == *release);
        kernels.push(match place {
            Some(place) => found.remove(place),
            None => Kernel::locate(Some(release), None)?,
        });
    }
    match found.first() {
        None => Ok(kernels),
        Some(kernel) => Err(Error::Usage(format!(
            "{} holds the headers of kernel {}, which no --kernel names",
            folder_of(kernel).display(),
            kernel.identity.release
        ))),
    }
}

fn folder_of(kernel: &Kernel) -> &Path {
    &kernel.generated
}

/// Takes the kernels' own sources from folders, each for those kernels that were built from it.
///
/// # Errors
///
/// Those of [`Kernel::use_sources`] if a folder is of none of them.
pub fn use_sources(kernels: &mut [Kernel], folders: &[PathBuf]) -> Result<()> {
    for folder in folders {
        let mut outcomes: Vec<_> = kernels.iter_mut().map(|kernel| kernel.use_sources(folder)).collect();
        if !outcomes.iter().any(Result::is_ok) {
            outcomes.swap_remove(0)?;
        }
    }
    Ok(())
}

/// Checks that a guest's kernel can be one of these only.
///
/// # Errors
///
/// [`Error::Usage`] if two are the same, or nothing is known by which they could be told apart.
pub fn check_different(kernels: &[Kernel]) -> Result<()> {
    for (number, kernel) in kernels.iter().enumerate() {
        for other in &kernels[..number] {
            let (one, two) = (&other.identity, &kernel.identity);
            let differ =
                |one: &Option<String>, two: &Option<String>| one.is_some() && two.is_some() && one != two;
            if one.release == two.release
                && !differ(&one.version, &two.version)
                && !differ(&one.build_id, &two.build_id)
            {
                return Err(Error::Usage(format!("kernel {} is named twice", one.release)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like the headers of a release, of a version.
    fn headers(release: &str, version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let generated = folder.path().join("include/generated");
        std::fs::create_dir_all(&generated).unwrap();
        std::fs::create_dir_all(folder.path().join("include/linux")).unwrap();
        std::fs::write(folder.path().join("include/linux/kconfig.h"), "").unwrap();
        std::fs::write(generated.join("utsrelease.h"), format!("#define UTS_RELEASE \"{release}\"\n"))
            .unwrap();
        std::fs::write(generated.join("utsversion.h"), format!("#define UTS_VERSION \"{version}\"\n"))
            .unwrap();
        folder
    }

    #[test]
    fn releases_and_folders_are_brought_together() {
        let (one, two) = (headers("0.1-x", "#1"), headers("0.2-x", "#1"));
        let folders = [one.path().to_owned(), two.path().to_owned()];
        let located = |releases: &[&str], folders: &[PathBuf]| {
            let releases: Vec<String> = releases.iter().map(|release| (*release).to_owned()).collect();
            locate(&releases, folders).map(|kernels| {
                kernels
                    .into_iter()
                    .map(|kernel| (kernel.identity.release, kernel.generated))
                    .collect::<Vec<_>>()
            })
        };
        let pair = |release: &str, folder: &PathBuf| (release.to_owned(), folder.clone());
        let both = [pair("0.1-x", &folders[0]), pair("0.2-x", &folders[1])];
        assert_eq!(located(&[], &folders).unwrap(), both);
        assert_eq!(located(&["0.2-x", "0.1-x"], &folders).unwrap(), [both[1].clone(), both[0].clone()]);
        let message = located(&["0.1-x"], &folders).unwrap_err().to_string();
        assert!(message.contains("0.2-x, which no --kernel names"), "{message}");
        let message = located(&["0.1-x", "0.3-x"], &folders[..1]).unwrap_err().to_string();
        assert!(message.contains("linux-headers-0.3-x"), "{message}");
        let message = located(&["0.2-x"], &folders[..1]).unwrap_err().to_string();
        assert!(message.contains("0.1-x") && message.contains("0.2-x"), "{message}");
    }

    #[test]
    fn kernels_must_be_told_apart() {
        let (one, same, other) = (headers("0.1-x", "#1"), headers("0.1-x", "#1"), headers("0.1-x", "#2"));
        let located = |folders: &[&tempfile::TempDir]| {
            let folders: Vec<_> = folders.iter().map(|folder| folder.path().to_owned()).collect();
            locate(&[], &folders).unwrap()
        };
        let message = check_different(&located(&[&one, &same])).unwrap_err().to_string();
        assert_eq!(message, "kernel 0.1-x is named twice");
        let kernels = located(&[&one, &other]);
        check_different(&kernels).unwrap();
        let labels: Vec<_> = kernels.iter().map(|kernel| kernel.label.as_str()).collect();
        assert_eq!(labels, ["0.1-x", "0.1-x.2"]);
        let mut kernels = located(&[&one, &same]);
        kernels[0].identity.build_id = Some("aa".into());
        check_different(&kernels).unwrap_err();
        kernels[1].identity.build_id = Some("bb".into());
        check_different(&kernels).unwrap();
    }
}
