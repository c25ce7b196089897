// SPDX-License-Identifier: MIT OR Apache-2.0

//! What keeps coverage from being measured.

use std::path::{Path, PathBuf};

/// Why it could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The compiler cannot be started.
    #[error("cannot run {}: {source}; build gpufas-cc first", path.display())]
    Start {
        /// The compiler.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The headers do not compile, or what the compiler says of them makes no sense.
    #[error("{} for {release}: {reason}", path.display())]
    Headers {
        /// The file that includes them.
        path: PathBuf,
        /// The kernel.
        release: String,
        /// What was said.
        reason: String,
    },
    /// A file that must compile does not.
    #[error("{}: {said}", path.display())]
    Compile {
        /// The file.
        path: PathBuf,
        /// What the compiler said first.
        said: String,
    },
    /// A line of a list makes no sense.
    #[error("{}: `{line}` {what}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// The line.
        line: String,
        /// What is wrong with it.
        what: String,
    },
    /// The list of floors makes no sense.
    #[error("floors.json: {0}")]
    Floors(#[from] serde_json::Error),
}

impl Error {
    /// A file that could not be read or written.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;
