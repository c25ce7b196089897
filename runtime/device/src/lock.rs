// SPDX-License-Identifier: MIT OR Apache-2.0

//! Locks of the target's kernel that cannot be had.

use gpufas_abi::{Access, FaultKind};

use crate::fault::fault;

/// Ends the program because a lock is held. The host runs it again a moment later, if it has written nothing.
///
/// runtime/include/gpufas/functions/locks.h declares it, as `void gpufas_lock_held(const volatile void *)`.
#[unsafe(no_mangle)]
#[cold]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_gpufas_lock_held(lock: *const u8, site: u32) {
    fault(FaultKind::LockHeld, Access::None, lock.expose_provenance() as u64, 0, site)
}
