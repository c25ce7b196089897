// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong, and whose fault it is.

use std::path::PathBuf;
use std::process::ExitCode;

/// Why nothing was compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What is wrong was already said: by clang, or as a diagnostic of a pass.
    #[error("{0} error{s} generated", s = if *.0 == 1 { "" } else { "s" })]
    Reported(usize),
    /// clang rejected the source and said why.
    #[error("clang rejected {0}")]
    Rejected(String),
    /// An input that is no C, LLVM IR or bitcode, or that LLVM cannot read.
    #[error("{path}: {reason}")]
    Input {
        /// The input as the user named it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// `cannot read`, `cannot write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A tool or a kernel's headers are not on this machine.
    #[error("{0}")]
    Missing(String),
    /// A tool that should have accepted what it was given did not.
    #[error("{tool} failed: {output}")]
    Tool {
        /// The tool.
        tool: String,
        /// What it said.
        output: String,
    },
    /// gpufas-cc made something that it should not have.
    #[error("internal error: {0}; please report this with the command line and the source")]
    Internal(String),
}

impl Error {
    /// 1 if the input is at fault, 2 if the machine or the installation is.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Reported(_) | Self::Rejected(_) | Self::Input { .. } => ExitCode::from(1),
            Self::File { action, .. } if *action == "cannot read" => ExitCode::from(1),
            Self::File { .. } | Self::Missing(_) | Self::Tool { .. } | Self::Internal(_) => ExitCode::from(2),
        }
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;
