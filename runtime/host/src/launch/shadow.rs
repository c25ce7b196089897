// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy of a guest's memory that is made page by page as a program touches it: for memory that cannot
//! be mapped, that is, memory private to QEMU and memory dumps.
//!
//! The copy is a file in memory. The program's process maps it without access rights; the SIGSEGV of a first
//! access fills the pages around it and gives them rights. The parent reads the program's stores from it.

use crate::error::Result;
use crate::memory::mapping::{Mapping, memory_file, page_size};
use crate::memory::{Extent, GuestMemory};
use gpufas_abi::Segment;
use gpufas_kernel::PhysicalMemory;
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

/// How much is filled around an access, in bytes, by how often it was done before: each fill may split a
/// mapping in two, and a process may have only 65,530 (`vm.max_map_count`).
const GRANULES: [(u32, u64); 3] = [(8 << 10, 64 << 10), (16 << 10, 2 << 20), (u32::MAX, 64 << 20)];

/// Bytes that are copied at a time.
const BUFFER_SIZE: usize = 64 << 10;

/// The copy of one launch.
pub(super) struct Shadow {
    file: File,
    mapping: Mapping,
    pieces: Vec<Piece>,
    segments: Vec<Segment>,
    writable: bool,
    page: u64,
    /// One bit for each page that was filled.
    filled: Mapping,
    buffer: Mapping,
    fills: Cell<u32>,
}

/// A piece of the copy and where it comes from.
struct Piece {
    /// Offset in the copy.
    start: u64,
    size: u64,
    source: Extent,
}

/// Why a page was not filled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FillError {
    /// The address is not in the copy, or there already with all its rights.
    NotOurs,
    /// The guest's memory could not be read.
    Unreadable {
        /// Physical address.
        physical: u64,
        /// Number of the system's error.
        errno: i32,
    },
}

impl Shadow {
    /// An empty copy.
    pub(super) fn new(memory: &GuestMemory) -> Result<Self> {
        let page = page_size() as u64;
        let mut pieces = Vec::new();
        let mut segments = Vec::new();
        let mut next = 0u64;
        for range in memory.ranges() {
            // Each range begins at its own offset in a page, behind a page that stays empty.
            let start = next + range.start % page;
            next = (start + (range.end - range.start)).next_multiple_of(page) + page;
            segments.push(Segment { start: range.start, end: range.end, base: start });
            let inside = |extent: &&Extent| range.contains(&extent.physical.start);
            pieces.extend(memory.extents().iter().filter(inside).map(|extent| Piece {
                start: start + (extent.physical.start - range.start),
                size: extent.physical.end - extent.physical.start,
                source: extent.clone(),
            }));
        }
        let size = next as usize;
        let file = memory_file(c"gpufas-copy", next)?;
        let mapping = Mapping::inaccessible(&file, size)?;
        for segment in &mut segments {
            segment.base += mapping.base().as_ptr() as u64;
        }
        let filled = Mapping::private_zeros((next / page / 8 + 1) as usize)?;
        let buffer = Mapping::private_zeros(BUFFER_SIZE)?;
        let writable = memory.is_writable();
        Ok(Self { file, mapping, pieces, segments, writable, page, filled, buffer, fills: Cell::new(0) })
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Fills the pages around an address that was accessed. Only the process that runs the program calls
    /// this, from a signal handler: it makes system calls and allocates nothing.
    pub(super) fn fill(&self, address: u64) -> Result<(), FillError> {
        let base = self.mapping.base().as_ptr() as u64;
        let offset = address.checked_sub(base).filter(|offset| *offset < self.mapping.size() as u64);
        let offset = offset.ok_or(FillError::NotOurs)?;
        let page = offset - offset % self.page;
        if self.is_filled(page) {
            return Err(FillError::NotOurs);
        }
        let fills = self.fills.get();
        self.fills.set(fills.saturating_add(1));
        let granule = GRANULES.iter().find(|(most, _)| fills < *most).map_or(self.page, |(_, size)| *size);
        let start = offset - offset % granule;
        let end = (start + granule).min(self.mapping.size() as u64);
        // If something around the page cannot be read, that does not matter unless it is accessed.
        let (start, end) = match self.copy(start, end) {
            Ok(()) => (start, end),
            Err(_) => {
                self.copy(page, page + self.page)?;
                (page, page + self.page)
            }
        };
        for at in (start..end).step_by(self.page as usize) {
            self.set_filled(at);
        }
        let protection = if self.writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        // SAFETY: the range is part of this mapping, which only the program accesses.
        let status = unsafe {
            libc::mprotect((base + start) as *mut libc::c_void, (end - start) as usize, protection)
        };
        if status == 0 { Ok(()) } else { Err(self.unreadable(page, io::Error::last_os_error())) }
    }

    /// Copies what is not there yet of a range of the copy, which consists of whole pages.
    fn copy(&self, start: u64, end: u64) -> Result<(), FillError> {
        let mut at = start;
        while at < end {
            let next = at + self.page;
            if !self.is_filled(at) {
                let mut until = next;
                let most = at + BUFFER_SIZE as u64;
                while until < end.min(most) && !self.is_filled(until) {
                    until += self.page;
                }
                self.copy_bytes(at, until)?;
                at = until;
            } else {
                at = next;
            }
        }
        Ok(())
    }

    /// Copies at most a buffer full, whatever of it is memory.
    fn copy_bytes(&self, start: u64, end: u64) -> Result<(), FillError> {
        let first = self.pieces.partition_point(|piece| piece.start + piece.size <= start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.start < end) {
            let from = piece.start.max(start);
            let until = (piece.start + piece.size).min(end);
            // SAFETY: the buffer is BUFFER_SIZE large, the caller asks for no more, and nobody else uses it.
            let buffer = unsafe {
                std::slice::from_raw_parts_mut(
                    self.buffer.base().as_ptr(),
                    ((until - from) as usize).min(BUFFER_SIZE),
                )
            };
            let source = &piece.source;
            let read = source.file.read_exact_at(buffer, source.offset + (from - piece.start));
            let copied = read.and_then(|()| self.write_pages(buffer, from));
            copied.map_err(|error| self.unreadable(from, error))?;
        }
        Ok(())
    }

    /// Writes to the copy, but for pages of zeros: what was never written is 0 already, and takes no memory.
    fn write_pages(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        for (page, at) in bytes.chunks(ZEROS.len()).zip((offset..).step_by(ZEROS.len())) {
            if page != &ZEROS[..page.len()] {
                self.file.write_all_at(page, at)?;
            }
        }
        Ok(())
    }

    /// The error of an access to a place in the copy.
    fn unreadable(&self, offset: u64, error: io::Error) -> FillError {
        let base = self.mapping.base().as_ptr() as u64;
        let segment = self.segments.iter().rfind(|segment| segment.base - base <= offset);
        let physical = segment.map_or(offset, |segment| segment.start + (offset + base - segment.base));
        // A file that ends too early has no error number.
        FillError::Unreadable { physical, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }

    fn is_filled(&self, offset: u64) -> bool {
        let (byte, bit) = self.filled_bit(offset);
        // SAFETY: the byte is in the mapping, and only this process uses it.
        unsafe { *byte.as_ptr() & bit != 0 }
    }

    fn set_filled(&self, offset: u64) {
        let (byte, bit) = self.filled_bit(offset);
        // SAFETY: as in `is_filled`.
        unsafe { *byte.as_ptr() |= bit };
    }

    fn filled_bit(&self, offset: u64) -> (NonNull<u8>, u8) {
        let page = offset / self.page;
        let byte = ((page / 8) as usize).min(self.filled.size() - 1);
        // SAFETY: the index is inside the mapping.
        (unsafe { self.filled.base().add(byte) }, 1 << (page % 8))
    }

    /// Reads the copy at a physical address: what the program left there. What it never touched is 0.
    pub(super) fn read(&self, physical: u64, buffer: &mut [u8]) -> io::Result<()> {
        let outside = || io::Error::from(io::ErrorKind::InvalidInput);
        let end = physical.checked_add(buffer.len() as u64).ok_or_else(outside)?;
        let inside = |segment: &&Segment| segment.start <= physical && end <= segment.end;
        let segment = self.segments.iter().find(inside).ok_or_else(outside)?;
        let offset = segment.base - self.mapping.base().as_ptr() as u64 + (physical - segment.start);
        self.file.read_exact_at(buffer, offset)
    }
}
