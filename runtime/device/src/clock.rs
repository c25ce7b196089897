// SPDX-License-Identifier: MIT OR Apache-2.0

//! For how long a program waits: the target's own clock stands still while the target does.

use crate::target;

/// Nanoseconds from some moment on.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_clock(_site: u32) -> u64 {
    target::clock()
}
