// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest's physical memory: where it is, how to read it, how a program gets it.
//!
//! However a guest's memory is reached, it is a set of extents of files: of the file that QEMU maps
//! shared ([`shared_file`]), of `/proc/PID/mem` of QEMU where the memory is private ([`process`]), or of a
//! memory dump ([`dump`]). What differs is what may be done with them.

mod content;
pub mod dump;
mod flat_view;
mod layout;
mod mapped;
pub(crate) mod mapping;
mod page_map;
pub mod process;
mod process_maps;
mod qemu;
pub mod shared_file;

pub use mapped::MappedMemory;
pub use qemu::attach;

use crate::error::{Error, Result};
use gpufas_kernel::PhysicalMemory;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What may be done with a guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A file that QEMU has mapped shared: mapping it gives the guest's memory itself.
    Shared,
    /// Memory of QEMU's process: it can be read and written, but not mapped.
    Private,
    /// A memory dump: it can only be read.
    Dump,
}

/// A contiguous piece of physical memory in a file.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Physical addresses.
    pub physical: Range<u64>,
    /// Offset in the file of the first byte.
    pub offset: u64,
    /// The file.
    pub file: Arc<File>,
}

/// A guest's physical memory.
#[derive(Debug)]
pub struct GuestMemory {
    backing: Backing,
    /// Sorted by address, not empty, disjoint.
    extents: Vec<Extent>,
    /// The extents' addresses, adjacent ones joined.
    ranges: Vec<Range<u64>>,
    /// Why it may not be written, if it may not.
    read_only: Option<io::ErrorKind>,
    /// What it is, for messages.
    name: String,
    /// `/proc/PID/pagemap`, if the memory is that of a process and all of it anonymous.
    page_map: Option<File>,
}

impl GuestMemory {
    /// Memory that consists of `extents`, which may be in any order but may not overlap. `name` says what it
    /// is in messages; `read_only` why it may not be written, if that is so.
    ///
    /// # Errors
    /// [`Error::QmpAnswer`] if they do overlap, [`Error::NoRam`] if there are none.
    pub fn new(
        backing: Backing,
        mut extents: Vec<Extent>,
        read_only: Option<io::ErrorKind>,
        name: String,
    ) -> Result<Self> {
        extents.retain(|extent| !extent.physical.is_empty());
        extents.sort_by_key(|extent| extent.physical.start);
        if extents.windows(2).any(|pair| pair[0].physical.end > pair[1].physical.start) {
            let what = "ranges of memory overlap".into();
            return Err(Error::QmpAnswer { command: "the memory layout".into(), what });
        }
        if extents.is_empty() {
            return Err(Error::NoRam);
        }
        let ranges = join(extents.iter().map(|extent| extent.physical.clone()));
        Ok(Self { backing, extents, ranges, read_only, name, page_map: None })
    }

    /// Adds the file that tells which pages of a process have ever been touched.
    fn with_page_map(self, page_map: Option<File>) -> Self {
        Self { page_map, ..self }
    }

    /// How many bytes from `offset` of a file on are known to be zeros, in whole pages. 0 if it cannot be
    /// told.
    fn zeros_at(&self, file: &File, offset: u64) -> u64 {
        let zeros = match &self.page_map {
            Some(page_map) => page_map::untouched(page_map, offset),
            None => bytes_without_data(file, offset),
        };
        zeros / PAGE * PAGE
    }

    /// What may be done with it.
    pub fn backing(&self) -> Backing {
        self.backing
    }

    /// Where it is, sorted by physical address.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// What it is, for messages: `shared file /dev/shm/guest`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of memory.
    pub fn size(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether it may be written.
    pub fn is_writable(&self) -> bool {
        self.backing != Backing::Dump && self.read_only.is_none()
    }

    /// Checks that a program that writes can be run.
    ///
    /// # Errors
    /// [`Error::NotWritable`] if the memory is of a running guest, but may not be written. A dump passes: what
    /// a program does there ends in a fault at the first store.
    pub fn check_writable(&self) -> Result<()> {
        match self.read_only {
            Some(kind) => Err(Error::NotWritable { what: self.name.clone(), source: kind.into() }),
            None => Ok(()),
        }
    }

    /// The extent that holds a physical address.
    fn extent(&self, address: u64) -> Option<&Extent> {
        let after = self.extents.partition_point(|extent| extent.physical.start <= address);
        self.extents[..after].last().filter(|extent| address < extent.physical.end)
    }

    /// Applies `action` to the pieces of files that hold `size` bytes from `address` on: file, offset in the
    /// file, range of the bytes.
    fn pieces(
        &self,
        address: u64,
        size: usize,
        mut action: impl FnMut(&File, u64, Range<usize>) -> io::Result<()>,
    ) -> Result<(), PieceError> {
        let mut done = 0;
        while done < size {
            let at = address.checked_add(done as u64).ok_or(PieceError::Outside)?;
            let extent = self.extent(at).ok_or(PieceError::Outside)?;
            let left = usize::try_from(extent.physical.end - at).unwrap_or(usize::MAX);
            let length = left.min(size - done);
            let offset = extent.offset + (at - extent.physical.start);
            action(&extent.file, offset, done..done + length)
                .map_err(|source| PieceError::Io { address: at, source })?;
            done += length;
        }
        Ok(())
    }

    /// Writes physical memory, no byte more than `bytes`. A file of guest memory is only written through
    /// its mapping; this is for the memory of a process.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] if it is no memory or may not be written.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.is_writable() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.pieces(address, bytes.len(), |file, offset, range| file.write_all_at(&bytes[range], offset))
            .map_err(|error| match error {
                PieceError::Outside => io::ErrorKind::InvalidInput.into(),
                PieceError::Io { source, .. } => source,
            })
    }

    /// Reads physical memory. This goes through system calls and not through a mapping: if the file is
    /// truncated under us, that is an error and not a SIGBUS.
    pub(crate) fn read_bytes(&self, address: u64, buffer: &mut [u8]) -> gpufas_kernel::Result<()> {
        let size = buffer.len();
        self.pieces(address, size, |file, offset, range| file.read_exact_at(&mut buffer[range], offset))
            .map_err(|error| match error {
                PieceError::Outside => gpufas_kernel::Error::NotMemory { address, size: size as u64 },
                PieceError::Io { address, source } => {
                    gpufas_kernel::Error::Unreadable { address, source: Box::new(source) }
                }
            })
    }
}

enum PieceError {
    Outside,
    Io { address: u64, source: io::Error },
}

/// Sorted, disjoint ranges with adjacent ones joined.
fn join(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

impl PhysicalMemory for GuestMemory {
    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    fn read(&self, address: u64, buffer: &mut [u8]) -> gpufas_kernel::Result<()> {
        self.read_bytes(address, buffer)
    }

    /// Reads only what the file has data for: most of a guest's memory has never been touched.
    fn find_pages(&self, prefix: &[u8]) -> gpufas_kernel::Result<Vec<u64>> {
        let mut found = Vec::new();
        let mut buffer = vec![0; SEARCH_CHUNK];
        for extent in &self.extents {
            let Some(mut at) = extent.physical.start.checked_next_multiple_of(PAGE) else { continue };
            while at < extent.physical.end {
                let offset = extent.offset + (at - extent.physical.start);
                at = at.saturating_add(self.zeros_at(&extent.file, offset));
                if at >= extent.physical.end {
                    break;
                }
                let size = (extent.physical.end - at).min(buffer.len() as u64);
                let chunk = &mut buffer[..size as usize];
                self.read_bytes(at, chunk)?;
                let pages = chunk.chunks(PAGE as usize).zip((at..).step_by(PAGE as usize));
                found.extend(pages.filter(|(page, _)| page.starts_with(prefix)).map(|(_, address)| address));
                at += size;
            }
        }
        Ok(found)
    }
}

const PAGE: u64 = gpufas_kernel::PAGE_SIZE;

/// Bytes read at a time when memory is searched; a multiple of the page size.
const SEARCH_CHUNK: usize = 1 << 20;

/// How many bytes from `offset` on are a hole in the file. 0 where the file system cannot tell.
fn bytes_without_data(file: &File, offset: u64) -> u64 {
    let Ok(start) = libc::off_t::try_from(offset) else { return 0 };
    // SAFETY: lseek takes no pointers. The file's position is used by nobody.
    let data = unsafe { libc::lseek(file.as_raw_fd(), start, libc::SEEK_DATA) };
    if data >= start {
        return (data - start) as u64;
    }
    // ENXIO: there is no data up to the end of the file.
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::ENXIO) => u64::MAX,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
