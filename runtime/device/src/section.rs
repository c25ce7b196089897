// SPDX-License-Identifier: MIT OR Apache-2.0

//! Critical sections: while the program holds a lock of the target's kernel, or has the target stand still. If it ends in one, the
//! host takes back what it wrote there, and releases the lock.
//!
//! runtime/include/gpufas/functions/locks.h, gpufas/support.h and gpufas/support_pause.h declare these functions. Locks of the program's own,
//! and of a copy of the target's memory, are nobody else's affair.

use gpufas_abi::context::{FLAG_COPY, FLAG_READ_ONLY};
use gpufas_abi::{Access, FaultKind, JournalEntry, JournalKind};

use crate::context::context;
use crate::fault::fault;
use crate::journal;
use crate::translate::{is_kernel, kernel};

/// The physical address of a word of the target's; none if it is not the target's own.
fn physical(va: u64, size: u32, site: u32) -> Option<u64> {
    if !is_kernel(va) || context().flags & (FLAG_COPY | FLAG_READ_ONLY) != 0 {
        return None;
    }
    match kernel(va) {
        Ok(memory) if memory.length >= size.into() => Some(memory.physical),
        Ok(_) => fault(FaultKind::NotMemory, Access::None, va, size.into(), site),
        Err(kind) => fault(kind, Access::None, va, size.into(), site),
    }
}

/// Records an event at an address. `old` and `new` are as the kind says.
fn mark(kind: JournalKind, word: *const u8, size: u32, (old, new): (u64, u64), site: u32) {
    let address = word.expose_provenance() as u64;
    if let Some(physical) = physical(address, size, site) {
        let kind = kind as u32;
        journal::mark(&JournalEntry { address, physical, old, new, size, site, kind, after: 0 });
    }
}

/// The program is about to take a lock: ends it if that could not be recorded afterwards.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_lock_taking(word: *const u8, size: u32, site: u32) {
    let address = word.expose_provenance() as u64;
    if physical(address, size, site).is_some() && !journal::has_room() {
        fault(FaultKind::JournalFull, Access::None, address, size.into(), site);
    }
}

/// The program's last store has taken a lock: it holds it as long as the bits of `mask` in its word of 4 or 8 bytes are those of
/// `value`, and to release it is to subtract `value` from it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_lock_taken(
    word: *const u8,
    size: u32,
    value: u64,
    mask: u64,
    site: u32,
) {
    mark(JournalKind::LockTaken, word, size, (mask, value), site);
}

/// The program's last store has released a lock.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_lock_released(word: *const u8, size: u32, site: u32) {
    mark(JournalKind::LockReleased, word, size, (0, 0), site);
}

/// The target stands still for as long as the word of 8 bytes is `value`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_pause_begun(word: *const u8, value: u64, site: u32) {
    mark(JournalKind::PauseBegun, word, 8, (0, value), site);
}

/// The program has let the target go on.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_pause_ended(word: *const u8, value: u64, site: u32) {
    mark(JournalKind::PauseEnded, word, 8, (0, value), site);
}

/// What is written to these bytes must stay: others act upon it at once.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_stores_are_kept(first: *const u8, size: u32, site: u32) {
    mark(JournalKind::Kept, first, size, (0, 0), site);
}

/// What the program has just stored.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_stored_value(new: u64) {
    journal::stored(None, new);
}

/// What the program has just exchanged in one step: nothing, if both are the same.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_exchanged(old: u64, new: u64) {
    journal::stored(Some(old), new);
}
