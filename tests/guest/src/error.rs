// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Shorthand for this library's results.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. [`Error::is_setup`] tells a broken set-up, which says nothing about what is tested, from
/// a guest that misbehaves.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither `XDG_CACHE_HOME` nor `HOME` names a folder.
    #[error("no cache folder: set XDG_CACHE_HOME or HOME to an absolute path")]
    NoCacheFolder,

    /// A file could not be read, written or made.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// A program that the set-up needs is not installed.
    #[error("{program} is not installed (or not in PATH); `cargo xtask doctor` says how to get it")]
    ProgramMissing {
        /// Its name.
        program: String,
    },

    /// A program that the set-up runs failed.
    #[error("`{command}` failed ({status}):\n{output}")]
    ProgramFailed {
        /// Its command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },

    /// No kernel of that name is on the list.
    #[error("unknown kernel {name}; known are {known}")]
    UnknownKernel {
        /// The name that was asked for.
        name: String,
        /// The names on the list.
        known: String,
    },

    /// The machine's package sources have nothing that another Debian suite could be reached through.
    #[error(
        "no Debian package source in {searched}; packages of other suites are reached through the machine's own"
    )]
    NoPackageSource {
        /// Where the sources were looked for.
        searched: String,
    },

    /// A package is in none of the suites.
    #[error("no package that {package} depends on matches {wanted}, in {suites}: apt said:\n{said}")]
    PackageMissing {
        /// Whose dependencies were read.
        package: String,
        /// What they should name.
        wanted: String,
        /// The suites that were read.
        suites: String,
        /// What apt said.
        said: String,
    },

    /// No suite has a kernel's packages.
    #[error("no package {wanted} in {suites}")]
    KernelMissing {
        /// The package's name, or a pattern of it.
        wanted: String,
        /// The suites that were read.
        suites: String,
    },

    /// A kernel's packages hold not what they should.
    #[error("no {wanted} in {}, unpacked from the kernel's packages; remove that folder to fetch them again", root.display())]
    KernelIncomplete {
        /// What was looked for.
        wanted: String,
        /// Where.
        root: PathBuf,
    },

    /// QEMU ended, or could not be talked to, before the guest was up.
    #[error(
        "the guest did not start: {reason}\nQEMU said:\n{qemu_said}\nthe guest's console ends with:\n{console}"
    )]
    BootFailed {
        /// What happened.
        reason: String,
        /// QEMU's standard error.
        qemu_said: String,
        /// The end of the guest's console.
        console: String,
    },

    /// The guest's kernel panicked.
    #[error("the guest's kernel panicked: {message}\nthe guest's console ends with:\n{console}")]
    Panicked {
        /// The kernel's message.
        message: String,
        /// The end of the guest's console.
        console: String,
    },

    /// The guest's kernel reported a warning, a stall, a fault or the like, and the guest was ended.
    #[error("the guest's kernel reports trouble: {message}\nthe guest's console ends with:\n{console}")]
    Trouble {
        /// The console's line.
        message: String,
        /// The end of the guest's console.
        console: String,
    },

    /// The guest ended: turned off, or its QEMU ended.
    #[error(
        "the guest is gone ({status}) while {waiting_for}\nQEMU said:\n{qemu_said}\nthe guest's console ends with:\n{console}"
    )]
    Gone {
        /// What was being waited for.
        waiting_for: String,
        /// How QEMU ended.
        status: String,
        /// QEMU's standard error.
        qemu_said: String,
        /// The end of the guest's console.
        console: String,
    },

    /// The guest did not answer in time.
    #[error(
        "nothing from the guest within {waited:?} while {waiting_for}\nthe guest's console ends with:\n{console}"
    )]
    NoAnswer {
        /// What was being waited for.
        waiting_for: String,
        /// How long.
        waited: Duration,
        /// The end of the guest's console.
        console: String,
    },

    /// The guest's first process could not do what was asked for.
    #[error("the guest could not {command}: {message}")]
    Refused {
        /// The request.
        command: String,
        /// What the guest said.
        message: String,
    },

    /// The guest's first process sent something that the protocol does not allow.
    #[error("the guest sent what the protocol does not allow: {message}")]
    Protocol {
        /// What it was.
        message: String,
    },
}

impl Error {
    /// Whether the set-up is broken, so that nothing can be said about what was to be tested: something is not
    /// installed, cannot be fetched, or the guest never came up. Otherwise a guest that was up misbehaved.
    pub fn is_setup(&self) -> bool {
        match self {
            Self::NoCacheFolder
            | Self::File { .. }
            | Self::ProgramMissing { .. }
            | Self::ProgramFailed { .. }
            | Self::UnknownKernel { .. }
            | Self::NoPackageSource { .. }
            | Self::PackageMissing { .. }
            | Self::KernelMissing { .. }
            | Self::KernelIncomplete { .. }
            | Self::BootFailed { .. } => true,
            Self::Panicked { .. }
            | Self::Trouble { .. }
            | Self::Gone { .. }
            | Self::NoAnswer { .. }
            | Self::Refused { .. }
            // What sends it lies in the guest's memory.
            | Self::Protocol { .. } => false,
        }
    }

    /// Whether the guest's kernel has died or complained, or its QEMU has ended.
    pub fn is_harm(&self) -> bool {
        matches!(self, Self::Panicked { .. } | Self::Trouble { .. } | Self::Gone { .. })
    }

    /// For `map_err` on operations with one file.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
