// SPDX-License-Identifier: MIT OR Apache-2.0

//! Guest memory in shared files, mapped into this process.

use super::mapping::{Mapping, page_size};
use super::{Backing, Extent, GuestMemory};
use crate::error::{Error, Result};
use gpufas_abi::Segment;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// A guest's memory as this process and its children have it. Stores reach the guest.
pub struct MappedMemory {
    mappings: Vec<(Arc<File>, Mapping)>,
    segments: Vec<Segment>,
}

impl MappedMemory {
    /// Maps all of a guest's memory, which must be [`Backing::Shared`].
    ///
    /// # Errors
    /// [`Error::PrivateMemory`], [`Error::System`].
    pub fn new(memory: &GuestMemory) -> Result<Self> {
        if memory.backing() != Backing::Shared {
            return Err(Error::PrivateMemory);
        }
        let mut mapped = Self { mappings: Vec::new(), segments: Vec::new() };
        for extent in memory.extents() {
            let base = mapped.base(memory, extent)?;
            let segment = Segment { start: extent.physical.start, end: extent.physical.end, base };
            match mapped.segments.last_mut() {
                Some(last) if last.end == segment.start && last.base + (last.end - last.start) == base => {
                    last.end = segment.end;
                }
                _ => mapped.segments.push(segment),
            }
        }
        Ok(mapped)
    }

    /// Address of an extent's first byte. The file is mapped from its beginning: pieces of one with large
    /// pages can only be mapped at multiples of those.
    fn base(&mut self, memory: &GuestMemory, extent: &Extent) -> Result<u64> {
        let known = self.mappings.iter().position(|(file, _)| Arc::ptr_eq(file, &extent.file));
        let index = match known {
            Some(index) => index,
            None => {
                let of_file = memory.extents().iter().filter(|other| Arc::ptr_eq(&other.file, &extent.file));
                let ends = of_file.map(|other| other.offset + (other.physical.end - other.physical.start));
                let end = ends.max().unwrap_or(0);
                // The size of a mapping of hugetlbfs must be a multiple of its pages, which is its block size.
                let metadata = extent.file.metadata();
                let metadata = metadata
                    .map_err(|source| Error::System { action: "look at the guest's memory", source })?;
                let unit = metadata.blksize().max(page_size() as u64);
                let size = usize::try_from(end.next_multiple_of(unit)).unwrap_or(usize::MAX);
                let mapping = Mapping::shared(&extent.file, 0, size, memory.is_writable())?;
                self.mappings.push((Arc::clone(&extent.file), mapping));
                self.mappings.len() - 1
            }
        };
        Ok(self.mappings[index].1.base().as_ptr() as u64 + extent.offset)
    }

    /// Where physical memory is in this process.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}
