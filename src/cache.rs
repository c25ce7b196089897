// SPDX-License-Identifier: MIT OR Apache-2.0

//! The user's cache folder (XDG Base Directory Specification).

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// GPUfas's folder in the user's cache, whether or not it exists.
pub fn folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(base.join("gpufas"))
}

/// Writes a file so that it is there wholly or not at all; `-` is standard output.
///
/// # Errors
///
/// [`Error::File`] if it cannot be written.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<()> {
    let failed = |source| Error::File { action: "cannot write", path: path.to_owned(), source };
    if path == Path::new("-") {
        return std::io::Write::write_all(&mut std::io::stdout().lock(), contents).map_err(failed);
    }
    // /dev/stdout and pipes cannot be replaced by a rename.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, contents).map_err(failed);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".gpufas-").tempfile_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, contents).map_err(failed)?;
    // A temporary file is private; an output has the permissions that others get.
    set_usual_permissions(file.path()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// 0666 less the process's umask.
fn set_usual_permissions(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
        .unwrap_or(0o022);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666 & !mask))
}
