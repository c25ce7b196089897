// SPDX-License-Identifier: MIT OR Apache-2.0

//! A small cache of page walks, valid for one launch.

use core::cell::Cell;

/// Entries; a power of two.
const ENTRIES: usize = 64;

/// Bits of an address inside a page.
const PAGE_SHIFT: u32 = 12;

struct Entry {
    /// Number of the virtual page; 0 if the entry is empty (page 0 is no kernel address).
    page: Cell<u64>,
    /// Physical address of the page.
    physical: Cell<u64>,
}

/// A direct-mapped cache from pages of 4 KiB to their physical addresses.
pub struct Tlb {
    entries: [Entry; ENTRIES],
}

impl Default for Tlb {
    fn default() -> Self {
        Self::new()
    }
}

impl Tlb {
    /// A cache without entries.
    pub const fn new() -> Self {
        Self { entries: [const { Entry { page: Cell::new(0), physical: Cell::new(0) } }; ENTRIES] }
    }

    #[inline]
    fn entry(&self, page: u64) -> &Entry {
        // The remainder is below the length, which the compiler sees.
        &self.entries[page as usize % ENTRIES]
    }

    /// Forgets everything: a new launch sees a target whose page tables may have changed.
    pub fn clear(&self) {
        for entry in &self.entries {
            // SAFETY: the pointer comes from a live cell. Volatile, lest the loop become a call of memset.
            unsafe { entry.page.as_ptr().write_volatile(0) };
        }
    }

    /// The physical address of `va`, if its page was entered.
    #[inline]
    pub fn find(&self, va: u64) -> Option<u64> {
        let page = va >> PAGE_SHIFT;
        let entry = self.entry(page);
        (entry.page.get() == page && page != 0).then(|| entry.physical.get() | (va & ((1 << PAGE_SHIFT) - 1)))
    }

    /// Remembers that `va` is at `physical`.
    #[inline]
    pub fn enter(&self, va: u64, physical: u64) {
        let page = va >> PAGE_SHIFT;
        let entry = self.entry(page);
        entry.page.set(page);
        entry.physical.set(physical >> PAGE_SHIFT << PAGE_SHIFT);
    }
}
