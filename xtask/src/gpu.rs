// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether there is an NVIDIA GPU that programs can run on.

use std::path::Path;

/// NVIDIA's device for control; there where its kernel driver is.
const CONTROL_DEVICE: &str = "/dev/nvidiactl";

/// The CUDA driver's library.
const DRIVER: &str = "libcuda.so.1";

/// Says why there is none, in a few words.
pub fn missing() -> Option<String> {
    if !Path::new(CONTROL_DEVICE).exists() {
        return Some(format!("no NVIDIA GPU ({CONTROL_DEVICE} is not there)"));
    }
    // SAFETY: what the library does when it is loaded is safe to do once, from a thread without locks: it looks
    // for no device before cuInit.
    match unsafe { libloading::Library::new(DRIVER) } {
        Ok(_) => None,
        Err(error) => Some(format!("an NVIDIA GPU, but no CUDA driver: {error}")),
    }
}
