// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes files all at once: what is there stays until all of the new is.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

/// A file to be written: its place in a folder, and what it holds.
pub type File = (PathBuf, Vec<u8>);

/// Writes files into a folder, each under a temporary name first; when all are there, they get their own names.
///
/// # Errors
///
/// If one cannot be written. Then none has changed, but where a name could not be given after others were.
pub fn write_all(folder: &Path, files: &[File]) -> Result<()> {
    let mut written: Vec<(PathBuf, NamedTempFile)> = Vec::new();
    for (place, contents) in files {
        let path = folder.join(place);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(Error::file("make the folder", parent))?;
        let write = || {
            let mut file = Builder::new().prefix(".partial").tempfile_in(parent)?;
            // What `File::create` would give it, as most have their umask.
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            file.write_all(contents)?;
            Ok(file)
        };
        let file = write().map_err(Error::file("write", &path))?;
        written.push((path, file));
    }
    for (path, file) in written {
        file.persist(&path).map_err(|error| Error::file("write", &path)(error.error))?;
    }
    Ok(())
}

/// Removes pictures of a folder that are none of these any more.
///
/// # Errors
///
/// If the folder cannot be read or a picture not be removed.
pub fn remove_others(folder: &Path, pictures: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::file("read the folder", folder))? {
        let path = entry.map_err(Error::file("read the folder", folder))?.path();
        let is_picture = path.extension().is_some_and(|extension| extension == "svg" || extension == "png");
        if is_picture && !pictures.contains(&path) {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_unless_all_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        // A file is in the way of a folder.
        let files = [("a".into(), b"new".to_vec()), ("a/b".into(), Vec::new())];
        write_all(folder.path(), &files).unwrap_err();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something temporary is left");
        write_all(folder.path(), &files[..1]).unwrap();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"new");
    }

    #[test]
    fn pictures_of_before_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["old.svg", "new.svg", "notes.md"] {
            fs::write(place(name), "").unwrap();
        }
        remove_others(folder.path(), &[place("new.svg")]).unwrap();
        assert!(!place("old.svg").exists() && place("new.svg").exists() && place("notes.md").exists());
    }
}
