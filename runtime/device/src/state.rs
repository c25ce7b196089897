// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the runtime remembers during a launch.

use core::cell::Cell;
use core::ops::Deref;

use crate::tlb::Tlb;
use crate::unaligned::Unaligned;

/// A part of the address space that lies in memory in one piece, for translations that are part of the program.
///
/// Start and size are multiples of a page, and addresses keep their alignment, so that an aligned access
/// whose first byte lies inside lies inside wholly.
#[repr(C)]
pub struct Window {
    /// First virtual address.
    pub start: Cell<u64>,
    /// Bytes; 0 if there is no such part.
    pub size: Cell<u64>,
    /// What is added to a virtual address, modulo 2^64, to get the address for the program.
    pub offset: Cell<u64>,
}

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

impl Window {
    /// A window that nothing is seen through.
    const fn closed() -> Self {
        Self { start: Cell::new(0), size: Cell::new(0), offset: Cell::new(0) }
    }

    /// Where an address is found, if it is inside.
    #[inline(always)]
    pub fn find(&self, va: u64) -> Option<u64> {
        let is_inside = va.wrapping_sub(self.start.get()) < self.size.get();
        is_inside.then(|| va.wrapping_add(self.offset.get()))
    }
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

/// The largest segment of the direct map, and the kernel's image ([`gpufas_abi::symbols::runtime::WINDOWS`]).
#[unsafe(no_mangle)]
pub static gpufas_windows: OneThread<[Window; 2]> = OneThread([const { Window::closed() }; 2]);

/// The state of the calling thread.
#[inline(always)]
pub fn state() -> &'static State {
    &STATE
}
