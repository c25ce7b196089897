// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C headers of recovery programs, which the compiler carries with it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::output;
use gpufas_kernel::cache;

/// Name and contents of each header.
const HEADERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/headers.rs"));

/// The folder that the user names instead of ours.
fn named() -> Option<PathBuf> {
    std::env::var_os("GPUFAS_INCLUDE").map(PathBuf::from)
}

/// A folder in the user's cache for exactly these headers.
fn cached() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    HEADERS.hash(&mut hasher);
    let base = cache::folder().unwrap_or_else(|| std::env::temp_dir().join("gpufas"));
    base.join(format!("include/{:016x}", hasher.finish()))
}

/// Where the headers are, or will be once they are [unpacked](unpack).
pub fn folder() -> PathBuf {
    named().unwrap_or_else(cached)
}

/// Where the headers are if this compiler put them there, and may put them elsewhere the next time.
pub fn own_folder() -> Option<PathBuf> {
    named().is_none().then(cached)
}

/// Names of all files.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().map(|(name, _)| *name)
}

/// Makes sure that the headers are in their folder: `GPUFAS_INCLUDE` from the environment, else a folder in the user's cache
/// that holds this compiler's own headers.
///
/// # Errors
///
/// [`Error::Missing`] if they cannot be written there.
pub fn unpack() -> Result<PathBuf> {
    let Some(folder) = own_folder() else { return Ok(folder()) };
    for (name, contents) in HEADERS {
        let file = folder.join(name);
        if std::fs::read(&file).is_ok_and(|existing| existing == contents.as_bytes()) {
            continue;
        }
        let made = file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(Error::write(&file));
        made.and_then(|()| output::write(&file, contents.as_bytes())).map_err(|error| {
            Error::Missing(format!(
                "the headers of recovery programs cannot be unpacked: {error}; name a cache folder in XDG_CACHE_HOME, or a \
                 folder with gpufas/gpufas.h in GPUFAS_INCLUDE"
            ))
        })?;
    }
    Ok(folder)
}
