// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that cannot be freed.

use gpufas_abi::{Access, FaultKind};

use crate::fault::fault;

/// Ends the program because it frees what it has not allocated, or has freed already.
///
/// runtime/include/gpufas/functions/arena.h declares it, as `void gpufas_not_allocated(const void *)`.
#[unsafe(no_mangle)]
#[cold]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_gpufas_not_allocated(memory: *const u8, site: u32) {
    fault(FaultKind::NotAllocated, Access::None, memory.expose_provenance() as u64, 0, site)
}
