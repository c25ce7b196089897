// SPDX-License-Identifier: MIT OR Apache-2.0

//! The user's cache folder: what is costly to get is kept there, for every checkout of this project.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::error::{Error, Result};

/// This project's folder in the user's cache: `$XDG_CACHE_HOME/gpufas`, or `~/.cache/gpufas`. It need not be
/// there yet.
///
/// # Errors
///
/// [`Error::NoCacheFolder`].
pub fn cache_dir() -> Result<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    Ok(cache.ok_or(Error::NoCacheFolder)?.join("gpufas"))
}

/// Makes a folder, its parents included.
pub(crate) fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::file("make the folder", path))
}

/// Holds a folder for this process alone, as long as the file that is returned is open. Waits for another
/// process that holds it.
pub(crate) fn lock(folder: &Path) -> Result<File> {
    make_dir(folder)?;
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(Error::file("make", &path))?;
    file.lock().map_err(Error::file("lock", &path))?;
    Ok(file)
}

/// A temporary folder beside what it is to become, so that a rename is all that is left to do. Whatever an
/// interrupted process left stays behind under a name that starts with `.partial`.
pub(crate) fn partial(folder: &Path) -> Result<TempDir> {
    make_dir(folder)?;
    tempfile::Builder::new()
        .prefix(".partial")
        .tempdir_in(folder)
        .map_err(Error::file("make a temporary folder in", folder))
}

/// Gives a finished folder or file its name. What was there under that name goes.
pub(crate) fn publish(from: &Path, to: &Path) -> Result<()> {
    if to.is_dir() {
        fs::remove_dir_all(to).map_err(Error::file("remove", to))?;
    }
    fs::rename(from, to).map_err(Error::file("rename the finished download to", to))
}

/// Writes a file under a temporary name, then gives it its own.
pub(crate) fn write_whole(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_dir(folder)?;
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".partial").tempfile_in(folder)?;
        std::io::Write::write_all(&mut file, contents)?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(Error::file("write", path))
}

/// Runs a program to its end and takes its output, or its failure as an error.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| start_error(command, error))?;
    if output.status.success() { Ok(output) } else { Err(failed(command, &output)) }
}

/// What became of a program that could not be started.
pub(crate) fn start_error(command: &Command, error: std::io::Error) -> Error {
    let program = command.get_program();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::ProgramMissing { program: program.to_string_lossy().into_owned() }
        }
        _ => Error::File { action: "run", path: program.into(), source: error },
    }
}

/// What became of a program that failed.
pub(crate) fn failed(command: &Command, output: &Output) -> Error {
    let said = [&output.stderr[..], &output.stdout[..]].concat();
    Error::ProgramFailed {
        command: describe(command),
        status: output.status.to_string(),
        output: String::from_utf8_lossy(&said).trim_end().to_owned(),
    }
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
