// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether programs can run on a GPU here.

use std::path::Path;

use anyhow::{Result, bail};
use gpufas::Error;
use gpufas::launch::cuda::Gpu;

use crate::suite::Skipped;

/// NVIDIA's device for control; there where its kernel driver is.
const CONTROL_DEVICE: &str = "/dev/nvidiactl";

/// Checks that programs can run on the first GPU.
///
/// # Errors
///
/// [`Skipped`] where the machine has no NVIDIA GPU, or no CUDA driver. A GPU that is there and does not work is an
/// error like any other: what it would have tested must not be passed over.
pub fn require() -> Result<()> {
    if !Path::new(CONTROL_DEVICE).exists() {
        bail!(Skipped(format!("no NVIDIA GPU: {CONTROL_DEVICE} is not there")));
    }
    match Gpu::open(0) {
        Ok(_) => Ok(()),
        Err(error @ Error::NoDriver) => bail!(Skipped(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
