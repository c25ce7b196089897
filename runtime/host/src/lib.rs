// SPDX-License-Identifier: MIT OR Apache-2.0

//! Host side of GPUfas: attaches to the memory of a failing Linux guest, finds the kernel in it, and runs
//! compiled recovery programs on it, on a GPU or on this machine's processor.
//!
//! ```no_run
//! # fn main() -> gpufas::Result<()> {
//! let mut qmp = gpufas::qmp::Qmp::connect("qmp.sock".as_ref())?;
//! let memory = gpufas::memory::attach(&mut qmp)?;
//! let kernel = gpufas_kernel::Kernel::find(&memory)?;
//! println!("{}", kernel.release());
//! # Ok(())
//! # }
//! ```
//!
//! The `gpufas` command is a thin layer over [`run`].

pub mod arguments;
mod attempt;
pub mod check;
pub mod cpu;
mod error;
pub mod interrupt;
pub mod launch;
pub mod memory;
pub mod message_interrupt;
pub mod program;
pub mod qmp;
pub mod relocate;
pub mod report;
pub mod run;
mod seen;

pub use error::{Error, Fault, Result};
