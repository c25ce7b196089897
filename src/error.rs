// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong, and whose fault it is.

use std::path::{Path, PathBuf};

use gpufas_passes::pipeline;

/// Exit status if the input is at fault: the command line, the source, an object.
pub const INPUT_AT_FAULT: u8 = 1;

/// Exit status if the machine or the installation is at fault.
pub const MACHINE_AT_FAULT: u8 = 2;

/// Why nothing was compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What is wrong was already said, by clang or as diagnostics of the passes.
    #[error("the errors are said")]
    Reported,
    /// An input that is no C, LLVM IR or bitcode, or that does not fit the others.
    #[error("{path}: {reason}")]
    Input {
        /// The input as the user named it.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What LLVM says about its own language in an input: a whole message, with its place and the line.
    #[error("{0}")]
    Source(String),
    /// The program calls functions of a compiler's library, which neither target has.
    #[error(
        "the program needs {}, which compilers keep in a library and no kernel has; it stands for an operation that the \
         target has no instructions for, such as a division of 128-bit numbers", .0.join(", ")
    )]
    Library(Vec<String>),
    /// Structures that the program uses are laid out differently in the kernel.
    #[error(
        "the headers lay out {names} differently from kernel {release}: they are those of another build, or were changed{tables}"
    )]
    Layout {
        /// The kernel's release.
        release: String,
        /// The structures.
        names: String,
        /// Both layouts of each, side by side; begins with an end of line.
        tables: String,
    },
    /// Constants of enumerations that the program uses have other values in the kernel.
    #[error(
        "the headers give other values than kernel {release} to {names}: they are those of another build, or were changed{table}"
    )]
    Constants {
        /// The kernel's release.
        release: String,
        /// The constants.
        names: String,
        /// Both values of each, side by side; begins with an end of line.
        table: String,
    },
    /// A file that the user named cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
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
    /// What was met while the program was compiled for one of several kernels.
    #[error("for kernel {release}: {source}")]
    OfKernel {
        /// The kernel.
        release: String,
        /// What was met.
        source: Box<Error>,
    },
    /// gpufas-cc or LLVM made something that it should not have.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A file that cannot be read.
    pub fn read(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Read { path: path.as_ref().to_owned(), source }
    }

    /// A file that cannot be written.
    pub fn write(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Write { path: path.as_ref().to_owned(), source }
    }

    /// [`INPUT_AT_FAULT`] or [`MACHINE_AT_FAULT`].
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::OfKernel { source, .. } => source.exit_status(),
            Self::Usage(_)
            | Self::Reported
            | Self::Source(_)
            | Self::Layout { .. }
            | Self::Constants { .. }
            | Self::Library(_)
            | Self::Input { .. }
            | Self::Read { .. } => INPUT_AT_FAULT,
            Self::Write { .. } | Self::Missing(_) | Self::Tool { .. } | Self::Internal(_) => MACHINE_AT_FAULT,
        }
    }
}

impl From<pipeline::Error> for Error {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::UnknownPass(_) => Self::Usage(error.to_string()),
            pipeline::Error::InvalidIr { .. } | pipeline::Error::Llvm(_) => Self::Internal(error.to_string()),
        }
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;
