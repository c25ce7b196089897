// SPDX-License-Identifier: MIT OR Apache-2.0

//! Places for objects in a kernel's address space, many of them across the edges of pages.

use std::ops::Range;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::memory::PAGE_SIZE;

/// Alignment of objects in bytes: that of the widest field of any.
const ALIGNMENT: u64 = 16;

/// Gives places away, and takes none back.
pub struct Allocator {
    windows: Vec<Range<u64>>,
}

impl Allocator {
    /// An allocator of all that is in `windows`.
    pub fn new(windows: Vec<Range<u64>>) -> Self {
        Self { windows }
    }

    /// The address of a new object of `size` bytes.
    ///
    /// # Panics
    ///
    /// If there is no room.
    pub fn allocate(&mut self, random: &mut StdRng, size: u64) -> u64 {
        let room = |window: &Range<u64>| window.end - window.start;
        let sufficient: Vec<_> = (0..self.windows.len())
            .filter(|index| room(&self.windows[*index]) >= size.next_multiple_of(ALIGNMENT))
            .collect();
        assert!(!sufficient.is_empty(), "no room for {size} bytes in {:x?}", self.windows);
        let window = &mut self.windows[sufficient[random.random_range(0..sufficient.len())]];
        let last = (window.end - size) & !(ALIGNMENT - 1);
        let near = (window.start + random.random_range(0..8) * ALIGNMENT).min(last);
        let across = {
            let edge = window.start.next_multiple_of(PAGE_SIZE);
            let before = random.random_range(0..size / ALIGNMENT + 2) * ALIGNMENT;
            (edge.saturating_sub(before)).clamp(window.start, last)
        };
        let at = if random.random_bool(0.5) { across } else { near };
        window.start = (at + size).next_multiple_of(ALIGNMENT);
        at
    }
}
