// SPDX-License-Identifier: MIT OR Apache-2.0

//! The record of every store to the target's memory, made before the store, and of the critical sections that stores are made in.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::context::{FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY};
use gpufas_abi::{Access, After, Buffer, FaultKind, JournalEntry, JournalKind};

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
    let store = |offset: u64, size: u64| JournalEntry {
        address: va.wrapping_add(offset),
        physical: memory.physical.wrapping_add(offset),
        // SAFETY: the caller's promise.
        old: unsafe { access::load(memory.pointer.wrapping_add(offset as usize), size) },
        size: size as u32,
        site,
        kind: JournalKind::Store as u32,
        ..JournalEntry::default()
    };
    let number = enter(&store(0, size.min(8)));
    if size == 16 {
        enter(&store(8, 8));
    }
    state().last_store.set(if size == 16 { 0 } else { number });
    // The host must see the entry no later than the store.
    system_fence();
}

/// Adds to the entry of the store that [`record`] was called for last what is there after it.
#[inline]
pub fn stored(old: Option<u64>, new: u64) {
    let number = state().last_store.replace(0);
    if number == 0 {
        return;
    }
    let entries = with_exposed_provenance_mut::<JournalEntry>(context().journal.address as usize);
    let entry = entries.wrapping_add(number.wrapping_sub(1) as usize);
    // SAFETY: the buffer has so many entries.
    unsafe {
        if let Some(old) = old {
            (&raw mut (*entry).old).write_volatile(old);
        }
        (&raw mut (*entry).new).write_volatile(new);
        // The host must not see that it is known before it is there.
        system_fence();
        let after = if old.is_some() { After::Exchanged } else { After::Stored };
        (&raw mut (*entry).after).write_volatile(after as u32);
    }
}

/// Whether marks still find room in the journal, also those of a hundred locks that are held.
pub fn has_room() -> bool {
    let capacity = capacity(&context().journal);
    capacity.saturating_sub(state().journal_used.get()) >= reserve(capacity) / 2
}

/// Records an event that is no store; stores leave some room for those.
#[inline(never)]
pub fn mark(entry: &JournalEntry) {
    enter(entry);
    system_fence();
}

/// How many entries of a journal stores leave to marks: a program must not hold a lock of which the host does not know.
const fn reserve(capacity: u64) -> u64 {
    capacity / 128
}

/// How many entries stores may use.
fn room_for_stores() -> u64 {
    let capacity = capacity(&context().journal);
    capacity.saturating_sub(reserve(capacity))
}

/// Ends the program if `entries` stores, of `size` bytes together, must not be made.
#[inline]
pub fn check(va: u64, size: u64, entries: u64, site: u32) {
    let flags = context().flags;
    if flags & FLAG_READ_ONLY != 0 {
        fault(FaultKind::ReadOnly, Access::Store, va, size, site);
    }
    if flags & FLAG_JOURNAL_COMPLETE != 0
        && entries > room_for_stores().saturating_sub(state().journal_used.get())
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
        let (kind, address, physical, size, site) = unsafe {
            let entry = entries.add(index as usize);
            (
                (&raw const (*entry).kind).read_volatile(),
                (&raw const (*entry).address).read_volatile(),
                (&raw const (*entry).physical).read_volatile(),
                (&raw const (*entry).size).read_volatile(),
                (&raw const (*entry).site).read_volatile(),
            )
        };
        if size != 8 || kind != JournalKind::Store as u32 {
            continue;
        }
        // As it is now: what was put back does no harm.
        let value = physical::load(&context.space, physical).unwrap_or(0);
        if value != 0 && !is_kernel(value) && own::find(value, 1, Access::Load, stack).is_ok() {
            return Some(JournalEntry { address, physical, size, site, ..JournalEntry::default() });
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

/// Writes one entry, and returns its number, from 1 on; or counts it as lost, and returns 0.
#[inline(never)]
fn enter(entry: &JournalEntry) -> u64 {
    let journal = &context().journal;
    let used = state().journal_used.get();
    let is_store = entry.kind == JournalKind::Store as u32;
    if used >= if is_store { room_for_stores() } else { capacity(journal) } {
        if let Some(report) = report() {
            report.count_journal_lost();
        }
        return 0;
    }
    let entries = with_exposed_provenance_mut::<JournalEntry>(journal.address as usize);
    // SAFETY: the buffer has room for more than `used` entries, and is aligned for them. Field by field, lest
    // it become a call of memcpy.
    unsafe {
        let to = entries.add(used as usize);
        (&raw mut (*to).address).write_volatile(entry.address);
        (&raw mut (*to).physical).write_volatile(entry.physical);
        (&raw mut (*to).old).write_volatile(entry.old);
        (&raw mut (*to).new).write_volatile(entry.new);
        (&raw mut (*to).size).write_volatile(entry.size);
        (&raw mut (*to).site).write_volatile(entry.site);
        (&raw mut (*to).kind).write_volatile(entry.kind);
        (&raw mut (*to).after).write_volatile(entry.after);
    }
    // The host must see the entry no later than its count.
    system_fence();
    let used = used.wrapping_add(1);
    state().journal_used.set(used);
    if let Some(report) = report() {
        report.set_journal_used(used);
    }
    used
}
