// SPDX-License-Identifier: MIT OR Apache-2.0

//! The user's cache folder (XDG Base Directory Specification).

use std::path::PathBuf;

/// GPUfas's folder in the user's cache, whether or not it exists.
pub fn folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(base.join("gpufas"))
}
