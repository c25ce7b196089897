// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a program knows of its own earlier runs: nothing else lasts from one to the next.

use crate::context::context;

/// How often the program was run before, each time asking to be run again.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_tries(_site: u32) -> u32 {
    context().tries
}
