// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the compiler, the device runtime and the host must agree on: the layout of the context that the
//! host hands to a recovery program, the records that come back, and the names of symbols. No logic.
//!
//! Every structure here is `repr(C)`, has no implicit padding and holds no Rust pointer: an address is a
//! `u64` that is valid *where the program runs*, which on a GPU is not where the host runs.
//!
//! The device runtime uses this crate as a path dependency outside the workspace, so it has no
//! dependency of its own unless a feature asks for one.

#![cfg_attr(not(feature = "manifest"), no_std)]

pub mod context;
pub mod fault;
#[cfg(feature = "manifest")]
pub mod manifest;
#[cfg(feature = "manifest")]
pub mod relocation;
pub mod report;
pub mod symbols;
#[cfg(feature = "manifest")]
pub mod types;

pub use context::{AddressSpace, Buffer, Context, Segment, Window};
pub use fault::{Access, FaultKind, FaultRecord};
pub use report::{After, InterruptRequest, JournalEntry, JournalKind, Report, Status};

/// Version of everything in this crate. A program and a host with different versions refuse each other.
pub const ABI_VERSION: u32 = 9;
