// SPDX-License-Identifier: MIT OR Apache-2.0

//! Read access to physical memory.

use crate::error::{Error, Result};
use std::ops::Range;

/// Size of the pages in which memory is searched, and of the smallest mapping of x86-64.
pub const PAGE_SIZE: u64 = 4096;

/// Bytes read at a time by the default [`PhysicalMemory::find_pages`].
const CHUNK: u64 = 2 << 20;

/// Read access to a target's physical memory.
pub trait PhysicalMemory {
    /// Ranges of physical addresses that are memory: not empty, sorted, disjoint.
    fn ranges(&self) -> &[Range<u64>];

    /// Fills `buffer` from physical address `address` on.
    ///
    /// # Errors
    /// [`Error::NotMemory`] if any of the bytes is not memory, [`Error::Unreadable`] if it cannot be read.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()>;

    /// The physical addresses, increasing, of all pages that begin with `prefix` (at most a page long).
    ///
    /// The default reads all memory in large pieces. A source that has the memory mapped can compare in
    /// place.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    fn find_pages(&self, prefix: &[u8]) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        let mut buffer = vec![0; CHUNK as usize];
        for range in self.ranges() {
            let Some(mut at) = range.start.checked_next_multiple_of(PAGE_SIZE) else { continue };
            while at < range.end {
                let size = (range.end - at).min(CHUNK);
                let chunk = &mut buffer[..size as usize];
                self.read(at, chunk)?;
                found.extend(pages_with_prefix(at, chunk, prefix));
                at += size;
            }
        }
        Ok(found)
    }

    /// Whether all `size` bytes from `address` on are memory.
    fn contains(&self, address: u64, size: u64) -> bool {
        let ranges = self.ranges();
        let after = ranges.partition_point(|range| range.start <= address);
        match (after.checked_sub(1).map(|index| &ranges[index]), address.checked_add(size)) {
            (Some(range), Some(end)) => end <= range.end,
            _ => false,
        }
    }
}

/// The addresses of the pages of `bytes` that begin with `prefix`, where `bytes` begins at `address`.
fn pages_with_prefix(address: u64, bytes: &[u8], prefix: &[u8]) -> impl Iterator<Item = u64> {
    bytes
        .chunks(PAGE_SIZE as usize)
        .zip((address..).step_by(PAGE_SIZE as usize))
        .filter(move |(page, _)| page.starts_with(prefix))
        .map(|(_, address)| address)
}

/// Physical memory whose contents are byte slices of this process: a mapped file, a test's buffer.
///
/// The slices must not change while they are borrowed; for the memory of a running machine implement
/// [`PhysicalMemory`] with reads that allow for that.
#[derive(Debug, Default)]
pub struct MemorySlices<'a> {
    ranges: Vec<Range<u64>>,
    slices: Vec<&'a [u8]>,
}

impl<'a> MemorySlices<'a> {
    /// Memory that consists of `parts`: for each, the physical address of the first byte and the contents.
    /// Empty parts are left out.
    ///
    /// # Panics
    /// If the parts overlap or are not in the order of their addresses: a mistake of the caller's, not
    /// something that the contents can cause.
    pub fn new(parts: impl IntoIterator<Item = (u64, &'a [u8])>) -> Self {
        let mut memory = Self::default();
        for (start, slice) in parts {
            let end = start.checked_add(slice.len() as u64).expect("a part ends inside the address space");
            if start == end {
                continue;
            }
            assert!(
                memory.ranges.last().is_none_or(|last| last.end <= start),
                "parts in order, not overlapping"
            );
            memory.ranges.push(start..end);
            memory.slices.push(slice);
        }
        memory
    }
}

impl PhysicalMemory for MemorySlices<'_> {
    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        let outside = || Error::NotMemory { address, size: buffer.len() as u64 };
        let index = self.ranges.partition_point(|range| range.start <= address).checked_sub(1);
        let index = index.ok_or_else(outside)?;
        let start = usize::try_from(address - self.ranges[index].start).map_err(|_| outside())?;
        let rest = self.slices[index].get(start..).ok_or_else(outside)?;
        let bytes = rest.get(..buffer.len()).ok_or_else(outside)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn find_pages(&self, prefix: &[u8]) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        for (range, slice) in self.ranges.iter().zip(&self.slices) {
            let skip = range.start.next_multiple_of(PAGE_SIZE) - range.start;
            if let Some(pages) = slice.get(skip as usize..) {
                found.extend(pages_with_prefix(range.start + skip, pages, prefix));
            }
        }
        Ok(found)
    }
}

/// Reads a little-endian `u64` from physical memory.
pub(crate) fn read_u64(memory: &dyn PhysicalMemory, address: u64) -> Result<u64> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that only has what the trait demands, so that the default search is used.
    struct Plain<'a>(MemorySlices<'a>);

    impl PhysicalMemory for Plain<'_> {
        fn ranges(&self) -> &[Range<u64>] {
            self.0.ranges()
        }
        fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
            self.0.read(address, buffer)
        }
    }

    #[test]
    fn reads_stay_inside_one_part() {
        let memory = MemorySlices::new([(0x1000, &[1, 2, 3, 4][..]), (0x2000, &[5][..])]);
        let mut two = [0; 2];
        memory.read(0x1002, &mut two).unwrap();
        assert_eq!(two, [3, 4]);
        for address in [0, 0xfff, 0x1003, 0x1004, 0x2000, 0x2001, u64::MAX] {
            let error = memory.read(address, &mut two).unwrap_err();
            assert!(matches!(error, Error::NotMemory { size: 2, .. }), "{address:#x}: {error}");
        }
        assert!(memory.contains(0x1000, 4) && !memory.contains(0x1000, 5) && !memory.contains(0xfff, 1));
        assert!(!memory.contains(u64::MAX, 2) && memory.contains(0x2000, 1));
    }

    #[test]
    fn pages_are_found_at_page_boundaries_only_in_every_chunk() {
        let mut low = vec![0u8; (2 * CHUNK + 3 * PAGE_SIZE) as usize];
        let high = [b"needle".as_slice(), &[0; 4096]].concat();
        for at in [1, PAGE_SIZE + 8, CHUNK, CHUNK + PAGE_SIZE - 3, 2 * CHUNK + 2 * PAGE_SIZE] {
            low[at as usize..][..6].copy_from_slice(b"needle");
        }
        // The second part begins inside a page, so its first byte is no page boundary.
        let parts =
            || MemorySlices::new([(0, &low[..]), (0x1_0000_0800, &high[..]), (0x2_0000_0000, &high[..3])]);
        let expected = vec![CHUNK, 2 * CHUNK + 2 * PAGE_SIZE];
        assert_eq!(parts().find_pages(b"needle").unwrap(), expected);
        assert_eq!(Plain(parts()).find_pages(b"needle").unwrap(), expected);
    }
}
