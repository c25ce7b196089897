// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a recovery program on the GPU: one at a time, and none after one that did not end.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use gpufas::launch::cuda::Gpu;
use gpufas::launch::{End, Launch, Outcome};

/// The GPU, for all launches of this process.
struct Shared {
    /// Open from the first launch on: what the driver has for a GPU takes longer to set up than a launch does.
    open: Option<Gpu>,
    /// Whether a program has left it unusable for this process.
    lost: bool,
}

static GPU: Mutex<Shared> = Mutex::new(Shared { open: None, lost: false });

/// Runs a program, which has code for `architectures`, on the first GPU.
///
/// # Errors
///
/// If it cannot be started.
pub fn run(launch: &Launch, architectures: &[String], log: &mut dyn FnMut(&[u8])) -> Result<Outcome> {
    let mut gpu = GPU.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(!gpu.lost, "an earlier program has not ended, or took its GPU context with it");
    if gpu.open.is_none() {
        gpu.open = Some(Gpu::open(0)?);
    }
    let ready = Gpu::open(0)?.prepare(launch.code, architectures, launch.memory);
    let mut ready = ready.context("cannot prepare a GPU")?;
    let outcome = ready.run(launch, log)?;
    gpu.lost = matches!(outcome.end, End::Unresponsive | End::Crash { .. });
    Ok(outcome)
}
