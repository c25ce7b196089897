// SPDX-License-Identifier: MIT OR Apache-2.0

//! Synthetic physical memory.

use gpufas_abi::Segment;
use gpufas_abi::context::MAX_SEGMENTS;

/// Bytes of a page.
pub const PAGE: u64 = 4096;

#[repr(C, align(4096))]
#[derive(Clone)]
struct Page([u8; PAGE as usize]);

/// One range of memory.
struct Part {
    start: u64,
    size: u64,
    bytes: *mut u8,
    /// Keeps the memory; only `bytes` accesses it.
    _pages: Vec<Page>,
}

/// Memory in several ranges, all zero at first.
pub struct Memory(Vec<Part>);

impl Memory {
    /// Memory of the given ranges: start and size, in any bytes.
    pub fn new(parts: &[(u64, u64)]) -> Self {
        let part = |&(start, size): &(u64, u64)| {
            let count = size.div_ceil(PAGE) as usize + 1;
            let mut pages = vec![Page([0; PAGE as usize]); count];
            // As far into a page as the physical address is.
            let bytes = pages.as_mut_ptr().cast::<u8>().wrapping_add((start % PAGE) as usize);
            bytes.expose_provenance();
            Part { start, size, bytes, _pages: pages }
        };
        Self(parts.iter().map(part).collect())
    }

    /// What the context says of it.
    pub fn segments(&self) -> ([Segment; MAX_SEGMENTS], u32) {
        let mut segments = [Segment::default(); MAX_SEGMENTS];
        for (segment, part) in segments.iter_mut().zip(&self.0) {
            *segment =
                Segment { start: part.start, end: part.start + part.size, base: part.bytes.addr() as u64 };
        }
        (segments, self.0.len() as u32)
    }

    /// Where a program finds `size` bytes at a physical address, if they lie in one range.
    pub fn pointer(&self, physical: u64, size: u64) -> Option<*mut u8> {
        let inside = |part: &&Part| {
            (part.start..part.start + part.size).contains(&physical)
                && physical + size <= part.start + part.size
        };
        let part = self.0.iter().find(inside)?;
        Some(part.bytes.wrapping_add((physical - part.start) as usize))
    }

    /// The byte at a physical address.
    pub fn byte(&self, physical: u64) -> Option<u8> {
        // SAFETY: `pointer` found it in a range.
        self.pointer(physical, 1).map(|pointer| unsafe { pointer.read_volatile() })
    }

    /// Sets the bytes from a physical address on.
    pub fn set(&self, physical: u64, bytes: &[u8]) {
        for (physical, byte) in (physical..).zip(bytes) {
            let pointer = self.pointer(physical, 1).expect("a test sets only bytes that there are");
            // SAFETY: `pointer` found it in a range.
            unsafe { pointer.write_volatile(*byte) };
        }
    }

    /// All bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let all = |part: &Part| {
            (part.start..part.start + part.size).map(|at| self.byte(at).unwrap()).collect::<Vec<u8>>()
        };
        self.0.iter().flat_map(all).collect()
    }
}
