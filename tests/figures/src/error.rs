// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was to be done with it.
        action: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what a benchmark has written.
    #[error("{} holds no results of a benchmark: {reason}; run the benchmark again", path.display())]
    NoResults {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture cannot be drawn.
    #[error("cannot draw {name}: {reason}")]
    Draw {
        /// The picture's name.
        name: String,
        /// What the library says.
        reason: String,
    },
}

/// The result of something that can go wrong here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of an action on a file.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
