// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writing files, wholly or not at all.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// How temporary files beside outputs are called, before the number of the process that writes them.
const TEMPORARY: &str = ".gpufas-";

/// Whether a path stands for standard output.
pub fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes a file so that it is there wholly or not at all; `-` is standard output.
///
/// # Errors
///
/// [`Error::Write`].
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if is_standard_output(path) {
        let mut output = std::io::stdout().lock();
        let written = output.write_all(contents).and_then(|()| output.flush());
        return written.map_err(Error::write("standard output"));
    }
    // A rename would replace a link instead of what it leads to, and cannot replace a device or a pipe.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |source| Error::Write { path: path.clone(), source };
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => return std::fs::write(&path, contents).map_err(failed),
        _ => {}
    }
    let prefix = format!("{TEMPORARY}{}-", std::process::id());
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder_of(&path)).map_err(failed)?;
    file.write_all(contents).map_err(failed)?;
    // A temporary file is private; an output has the permissions that others get.
    set_usual_permissions(file.as_file(), &path).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Removes what a process that was killed while it wrote left beside `path`.
pub fn remove_leftovers(path: &Path, process: u32) {
    let prefix = format!("{TEMPORARY}{process}-");
    for entry in std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            // It is a leftover; nobody waits for it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Finds out before anything costly is done what would keep a file from being written.
///
/// # Errors
///
/// [`Error::Usage`] if the output is one of the inputs, [`Error::Write`] if it cannot be made where it is to be.
pub fn check(path: &Path, inputs: &[String]) -> Result<()> {
    if is_standard_output(path) {
        return Ok(());
    }
    let failed = |kind| Error::Write { path: path.to_owned(), source: std::io::Error::from(kind) };
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(failed(std::io::ErrorKind::IsADirectory)),
        Ok(metadata) => {
            let identity = (metadata.dev(), metadata.ino());
            let is_output = |input: &&String| {
                Path::new(input)
                    .metadata()
                    .is_ok_and(|input| input.is_file() && (input.dev(), input.ino()) == identity)
            };
            match inputs.iter().find(is_output) {
                Some(input) => Err(Error::Usage(format!(
                    "the output {} is the input {input}; name another with -o",
                    path.display()
                ))),
                None => Ok(()),
            }
        }
        Err(_) => match folder_of(path).metadata() {
            Ok(folder) if folder.is_dir() => Ok(()),
            Ok(_) => Err(failed(std::io::ErrorKind::NotADirectory)),
            Err(source) => Err(Error::Write { path: path.to_owned(), source }),
        },
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Those of the file that is replaced, or 0666 less the process's umask.
fn set_usual_permissions(file: &File, replaced: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if let Ok(metadata) = replaced.metadata() {
        return file.set_permissions(metadata.permissions());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
        .unwrap_or(0o022);
    file.set_permissions(std::fs::Permissions::from_mode(0o666 & !mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_leading_to_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn what_cannot_be_written_is_known_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.bc");
        std::fs::write(&input, "").unwrap();
        let inputs = [input.display().to_string()];
        let indirect = folder.path().join(".").join("a.bc");
        assert!(check(&indirect, &inputs).unwrap_err().to_string().contains("a.bc"));
        assert!(matches!(check(folder.path(), &[]), Err(Error::Write { .. })));
        assert!(matches!(check(&folder.path().join("none/b"), &[]), Err(Error::Write { .. })));
        assert!(matches!(check(&input.join("b"), &[]), Err(Error::Write { .. })));
        check(&folder.path().join("b"), &inputs).unwrap();
        check(Path::new("/dev/full"), &inputs).unwrap();
    }

    #[test]
    fn a_full_device_is_an_error() {
        assert!(matches!(write(Path::new("/dev/full"), b"x"), Err(Error::Write { .. })));
    }

    #[test]
    fn leftovers_of_one_process_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".gpufas-12-a", ".gpufas-123-a", "out"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(&folder.path().join("out"), 12);
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".gpufas-123-a", "out"]);
    }
}
