// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the runtime remembers during a launch.

use core::cell::Cell;
use core::ops::Deref;

use crate::tlb::Tlb;
use crate::unaligned::Unaligned;

/// The state of one thread of a program.
pub struct State {
    /// Backward branches that the program may still take.
    pub budget: Cell<u64>,
    /// Address after the last byte of the program's live stack.
    pub stack: Cell<u64>,
    /// Entries in the journal.
    pub journal_used: Cell<u64>,
    /// The number of the journal's entry of the last store, from 1 on; 0 if it has none, or no other store may change it.
    pub last_store: Cell<u64>,
    /// Interrupts that were asked for.
    pub interrupts_used: Cell<u64>,
    /// Bytes in the log.
    pub log_used: Cell<u64>,
    /// Pages that were found by walking the page tables.
    pub tlb: Tlb,
    /// The access that is being made at an address that is no multiple of its size.
    pub unaligned: Unaligned,
}

/// Something that only one thread uses.
#[repr(transparent)]
pub struct OneThread<T>(T);

// SAFETY: a program runs in one thread, on a GPU and in the process of a VM's host; under test a lock
// around each launch sees to that.
unsafe impl<T> Sync for OneThread<T> {}

impl<T> Deref for OneThread<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

static STATE: OneThread<State> = OneThread(State {
    budget: Cell::new(0),
    stack: Cell::new(0),
    journal_used: Cell::new(0),
    last_store: Cell::new(0),
    interrupts_used: Cell::new(0),
    log_used: Cell::new(0),
    tlb: Tlb::new(),
    unaligned: Unaligned::new(),
});

/// The state of the calling thread.
#[inline(always)]
pub fn state() -> &'static State {
    &STATE
}
