// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C headers of recovery programs, which the compiler carries with it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use crate::cache;
use crate::error::{Error, Result};

/// Name and contents of each header.
const HEADERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/headers.rs"));

/// The folder to name with `-I`: `GPUFAS_INCLUDE` from the environment, else a folder in the user's cache that holds this
/// compiler's own headers.
///
/// # Errors
///
/// [`Error::File`] if the cache cannot be written.
pub fn folder() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("GPUFAS_INCLUDE") {
        return Ok(named.into());
    }
    let mut hasher = DefaultHasher::new();
    HEADERS.hash(&mut hasher);
    let base = cache::folder().unwrap_or_else(|| std::env::temp_dir().join("gpufas"));
    let folder = base.join(format!("include/{:016x}", hasher.finish()));
    for (name, contents) in HEADERS {
        let file = folder.join(name);
        if std::fs::read(&file).is_ok_and(|existing| existing == contents.as_bytes()) {
            continue;
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|source| Error::File {
                action: "cannot write",
                path: parent.to_owned(),
                source,
            })?;
        }
        cache::write_atomically(&file, contents.as_bytes())?;
    }
    Ok(folder)
}
