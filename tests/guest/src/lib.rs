// SPDX-License-Identifier: MIT OR Apache-2.0

//! A Linux guest to break and repair.
//!
//! ```no_run
//! use gpufas_guest::{Guest, kernels};
//!
//! let kernel = kernels::find("6.1")?.fetch(&|_| {})?;
//! let guest = Guest::builder(&kernel).memory_mib(512).cpus(4).boot()?;
//! let runaway = guest.spawn_runaway("runaway")?;
//! println!("attach to {}, process {runaway}", guest.qmp_socket().display());
//! # Ok::<(), gpufas_guest::Error>(())
//! ```
//!
//! The guest runs a [kernel of a distribution](kernels) under QEMU, with a first process of ours
//! ([`protocol`]) that does what the test asks for and tells what it sees. [`Error::is_setup`] tells a broken
//! set-up from a guest that misbehaves.

mod accelerator;
mod boot;
mod cache;
mod channel;
mod console;
mod disk;
mod error;
mod faults;
mod guest;
pub mod initramfs;
mod kernel_log;
pub mod kernels;
mod qemu;
mod scheduling;
mod spawner;

pub use accelerator::Accelerator;
pub use boot::{Backing, GuestBuilder};
pub use cache::cache_dir;
pub use channel::GuestEvent;
pub use disk::Disk;
pub use error::{Error, Result};
pub use gpufas_guest_init as protocol;
pub use guest::{Alive, Guest};
pub use kernel_log::{KernelLog, Problem};
pub use kernels::Kernel;
