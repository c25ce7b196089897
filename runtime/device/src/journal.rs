// SPDX-License-Identifier: MIT OR Apache-2.0

//! The record of every store to the target's memory, made before the store.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::context::{FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY};
use gpufas_abi::{Access, Buffer, FaultKind, JournalEntry};

use crate::access;
use crate::context::context;
use crate::fault::fault;
use crate::own;
use crate::physical::{self, Memory};
use crate::report::report;
use crate::state::state;
use crate::target::system_fence;
use crate::translate::is_kernel;

/// Records a store of `size` bytes to kernel memory, or ends the program if it must not be made.
///
/// A store of 16 bytes makes two entries, so that the old bytes are known of both halves.
///
/// # Safety
///
/// `memory` must be that of the store: at least `size` bytes, and aligned to it; `size` is 1, 2, 4, 8 or 16.
#[inline]
pub unsafe fn record(va: u64, memory: &Memory, size: u64, site: u32) {
    check(va, size, size.div_ceil(8), site);
    // SAFETY: the caller's promise.
    unsafe {
        enter(va, memory.physical, access::load(memory.pointer, size.min(8)), size.min(8), site);
        if size == 16 {
            let old = access::load(memory.pointer.wrapping_add(8), 8);
            enter(va.wrapping_add(8), memory.physical.wrapping_add(8), old, 8, site);
        }
    }
    // The host must see the entry no later than the store.
    system_fence();
}

/// Ends the program if `entries` stores, of `size` bytes together, must not be made.
#[inline]
pub fn check(va: u64, size: u64, entries: u64, site: u32) {
    let flags = context().flags;
    if flags & FLAG_READ_ONLY != 0 {
        fault(FaultKind::ReadOnly, Access::Store, va, size, site);
    }
    if flags & FLAG_JOURNAL_COMPLETE != 0
        && entries > capacity(&context().journal).saturating_sub(state().journal_used.get())
    {
        fault(FaultKind::JournalFull, Access::Store, va, size, site);
    }
}

/// The first of the recorded stores of 8 bytes that has left an address of the program's own memory in the target's.
pub fn own_address_left() -> Option<JournalEntry> {
    let context = context();
    // Functions that have returned had their variables further down.
    let stack = state().stack.get().saturating_sub(context.stack_size);
    let entries = with_exposed_provenance_mut::<JournalEntry>(context.journal.address as usize);
    for index in 0..state().journal_used.get() {
        // SAFETY: so many entries were written, to a buffer that holds them. Field by field, lest it become a call of memcpy.
        let (address, physical, size, site) = unsafe {
            let entry = entries.add(index as usize);
            (
                (&raw const (*entry).address).read_volatile(),
                (&raw const (*entry).physical).read_volatile(),
                (&raw const (*entry).size).read_volatile(),
                (&raw const (*entry).site).read_volatile(),
            )
        };
        if size != 8 {
            continue;
        }
        // As it is now: what was put back does no harm.
        let value = physical::load(&context.space, physical).unwrap_or(0);
        if value != 0 && !is_kernel(value) && own::find(value, 1, Access::Load, stack).is_ok() {
            return Some(JournalEntry { address, physical, old: value, size, site });
        }
    }
    None
}

/// How many entries the buffer holds.
#[inline]
fn capacity(journal: &Buffer) -> u64 {
    let usable = journal.address != 0 && journal.address.is_multiple_of(align_of::<JournalEntry>() as u64);
    if usable { journal.size / size_of::<JournalEntry>() as u64 } else { 0 }
}

/// Writes one entry, or counts it as lost.
#[inline(never)]
fn enter(va: u64, physical: u64, old: u64, size: u64, site: u32) {
    let journal = &context().journal;
    let used = state().journal_used.get();
    if used >= capacity(journal) {
        if let Some(report) = report() {
            report.count_journal_lost();
        }
        return;
    }
    let entry = with_exposed_provenance_mut::<JournalEntry>(journal.address as usize);
    // SAFETY: the buffer has room for more than `used` entries, and is aligned for them. Field by field, lest
    // it become a call of memcpy.
    unsafe {
        let entry = entry.add(used as usize);
        (&raw mut (*entry).address).write_volatile(va);
        (&raw mut (*entry).physical).write_volatile(physical);
        (&raw mut (*entry).old).write_volatile(old);
        (&raw mut (*entry).size).write_volatile(size as u32);
        (&raw mut (*entry).site).write_volatile(site);
    }
    // The host must see the entry no later than its count.
    system_fence();
    let used = used.wrapping_add(1);
    state().journal_used.set(used);
    if let Some(report) = report() {
        report.set_journal_used(used);
    }
}
