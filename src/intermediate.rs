// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files between input and output.

use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::output;

/// Where they lie: beside the output under names of its own if they are to be kept (`--save-temps`), else in a temporary
/// folder, under names that say nothing, as some of them get into the output.
#[derive(Clone, Debug)]
pub struct Intermediate {
    folder: PathBuf,
    stem: String,
    kept: bool,
}

impl Intermediate {
    /// Files on the way to `output` that are named after `name`: the output itself, or one of the inputs.
    pub fn new(arguments: &Arguments, temporary: &Path, output: &Path, name: &Path) -> Self {
        if !arguments.save_temps {
            return Self { folder: temporary.to_owned(), stem: "program".into(), kept: false };
        }
        let name = if output::is_standard_output(name) { Path::new("a") } else { name };
        let stem = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { folder: output.parent().map(Path::to_owned).unwrap_or_default(), stem, kept: true }
    }

    /// The same for one of several kernels.
    pub fn of_kernel(&self, kernel: Option<&Kernel>) -> Self {
        let Some(kernel) = kernel else { return self.clone() };
        Self { stem: format!("{}.{}", self.stem, kernel.label), ..self.clone() }
    }

    /// A file.
    pub fn file(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}.{suffix}", self.stem))
    }

    /// Writes a file that only people look at, if they want to.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn keep(&self, suffix: &str, contents: impl FnOnce() -> Vec<u8>) -> Result<()> {
        if self.kept { output::write(&self.file(suffix), &contents()) } else { Ok(()) }
    }
}

/// Reads a file that another tool has made.
///
/// # Errors
///
/// [`Error::Tool`] if it is not there after all.
pub fn read(tool: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Tool {
        tool: tool.to_owned(),
        output: format!("it made no {} that can be read: {source}", path.display()),
    })
}
