// SPDX-License-Identifier: MIT OR Apache-2.0

//! A compiled recovery program: reading its file and checking all that is used of it.

mod fatbinary;
mod manifest;
mod shared_object;

use crate::error::{Error, Result};
use gpufas_abi::manifest::{Entry, Manifest, Target, Variant};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Largest file that is taken for a program, in bytes.
const LARGEST_FILE: u64 = 1 << 30;

/// A compiled recovery program.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    manifest: Manifest,
    file: Vec<u8>,
    /// Where the code of each variant is in the file.
    code: Vec<Range<usize>>,
}

/// Words of the table that the loader fills for a variant.
pub(super) fn table_words(variant: &Variant) -> u64 {
    let functions = variant.functions.iter().filter(|function| function.symbol.is_some()).count();
    (variant.symbols.len() + 2 * functions) as u64
}

impl Program {
    /// Reads and checks a program.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotAProgram`], [`Error::AbiVersion`].
    pub fn read(path: &Path) -> Result<Self> {
        let on = |action| move |source| Error::File { action, path: path.into(), source };
        // Looked at before it is opened, since opening a FIFO waits for a writer.
        let metadata = std::fs::metadata(path).map_err(on("open"))?;
        let not = |what: &str| Error::NotAProgram { path: path.into(), what: what.into() };
        if !metadata.is_file() {
            return Err(not("it is not a regular file"));
        }
        if metadata.len() > LARGEST_FILE {
            return Err(not("it is larger than 1 GiB"));
        }
        let mut file = Vec::new();
        let opened = std::fs::File::open(path).map_err(on("open"))?;
        opened.take(LARGEST_FILE).read_to_end(&mut file).map_err(on("read"))?;
        Self::parse(path, file)
    }

    /// Checks a program whose file is `file`. `path` is for messages.
    ///
    /// # Errors
    /// [`Error::NotAProgram`], [`Error::AbiVersion`].
    pub fn parse(path: &Path, file: Vec<u8>) -> Result<Self> {
        let not = |what: String| Error::NotAProgram { path: path.into(), what };
        let (container, text, code) = if shared_object::is_elf(&file) {
            (Target::Host, shared_object::manifest(&file).map_err(not)?, Vec::new())
        } else if let Some(split) = fatbinary::split(&file) {
            let (code, text) = split.map_err(not)?;
            (Target::Cuda, &file[text], code)
        } else {
            return Err(
                not("it is neither an ELF file nor a CUDA fatbinary; make one with gpufas-cc".into()),
            );
        };
        let manifest = manifest::parse(text).map_err(|error| match error {
            manifest::Problem::Version(found) => {
                Error::AbiVersion { path: path.into(), found, expected: gpufas_abi::ABI_VERSION }
            }
            manifest::Problem::Malformed(what) => not(what),
        })?;
        if manifest.target != container {
            return Err(not("its manifest is for another target than its code".into()));
        }
        let count = manifest.variants.len();
        let code = match container {
            Target::Host => {
                shared_object::check(&file, &manifest).map_err(not)?;
                vec![0..file.len(); count]
            }
            Target::Cuda if code.len() != count => {
                return Err(not(format!("it has {} containers for {count} kernels", code.len())));
            }
            Target::Cuda => code,
        };
        Ok(Self { path: path.into(), manifest, file, code })
    }

    /// Where it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is loaded for variant `number` of the manifest: its fatbinary, or the whole shared object. Nothing if there is
    /// no such variant.
    pub fn code(&self, number: usize) -> &[u8] {
        self.code.get(number).map_or(&[], |range| &self.file[range.clone()])
    }

    /// The entry point of a name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.manifest.entries.iter().find(|entry| entry.name == name)
    }
}

#[cfg(test)]
pub(crate) mod tests;
