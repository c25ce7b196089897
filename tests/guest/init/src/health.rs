// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a guest still does what a system is for: a new process executes a program, which writes a file and syncs it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// The argument of the first process's program with which it does that.
pub const ARGUMENT: &str = "health";

/// Where a disk is mounted.
const DISK: &str = "/disk";

/// How much is written.
const LENGTH: usize = 64 << 10;

/// Writes a file, syncs it, reads it and removes it; without a disk, in the root file system, which is in memory.
///
/// # Errors
///
/// If any of that fails, or another text is read than was written.
pub fn check() -> io::Result<()> {
    let folder = if Path::new(DISK).is_dir() { DISK } else { "/" };
    let path = Path::new(folder).join(format!("health-{}", std::process::id()));
    let text = std::process::id().to_ne_bytes().repeat(LENGTH / size_of::<u32>());
    let mut file = File::create(&path)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    let mut read = Vec::new();
    File::open(&path)?.read_to_end(&mut read)?;
    fs::remove_file(&path)?;
    if read == text { Ok(()) } else { Err(io::Error::other("another text was read than was written")) }
}
