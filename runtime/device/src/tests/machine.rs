// SPDX-License-Identifier: MIT OR Apache-2.0

//! A target: physical memory, page tables, and what is known of both without reading them.

use gpufas_abi::{AddressSpace, FaultKind};

use super::memory::{Memory, PAGE};

/// Where the direct map begins.
pub const DIRECT_MAP: u64 = 0xffff_8880_0000_0000;
/// Where vmalloc begins.
pub const VMALLOC: u64 = 0xffff_c900_0000_0000;
/// `_text`.
pub const IMAGE: u64 = 0xffff_ffff_8100_0000;

/// A page of some size.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// Virtual address.
    pub va: u64,
    /// Physical address.
    pub physical: u64,
    /// Bytes: 4 KiB, 2 MiB or 1 GiB.
    pub size: u64,
}

/// A target.
pub struct Machine {
    /// Its memory.
    pub memory: Memory,
    /// How the program sees it.
    pub space: AddressSpace,
    /// What was mapped.
    pub mappings: Vec<Mapping>,
    /// The next page for a table.
    free: u64,
}

impl Machine {
    /// A target with the given ranges of memory, whose page tables lie from `tables` on.
    pub fn new(parts: &[(u64, u64)], levels: u32, tables: u64) -> Self {
        let memory = Memory::new(parts);
        let (segments, segment_count) = memory.segments();
        let end = parts.iter().map(|(start, size)| start + size).max().unwrap();
        let space = AddressSpace {
            direct_map_start: DIRECT_MAP,
            direct_map_end: DIRECT_MAP + end,
            page_table_root: tables,
            page_table_levels: levels,
            segment_count,
            segments,
            ..AddressSpace::default()
        };
        Self { memory, space, mappings: Vec::new(), free: tables + PAGE }
    }

    fn entry(&self, at: u64) -> u64 {
        let byte = |index| self.memory.byte(at + index).unwrap();
        u64::from_le_bytes(std::array::from_fn(|index| byte(index as u64)))
    }

    /// Maps a page with some further bits in its entry. Returns whether that was possible: not where a page
    /// of other size is.
    pub fn map(&mut self, mapping: Mapping, bits: u64) -> bool {
        let last = match mapping.size {
            PAGE => 12,
            0x20_0000 => 21,
            _ => 30,
        };
        let mut shift = 3 + 9 * self.space.page_table_levels;
        let mut table = self.space.page_table_root;
        loop {
            let at = table + (mapping.va >> shift) % 512 * 8;
            let entry = self.entry(at);
            if shift == last {
                if entry != 0 {
                    return false;
                }
                let large = if last > 12 { 0x80 } else { 0 };
                self.memory.set(at, &(mapping.physical | bits | large | 3).to_le_bytes());
                self.mappings.push(mapping);
                return true;
            }
            if entry & 0x80 != 0 {
                return false;
            }
            if entry == 0 {
                // Accessed, dirty, writable, as a kernel's.
                self.memory.set(at, &(self.free | 0x63).to_le_bytes());
                table = self.free;
                self.free += PAGE;
            } else {
                table = entry & !0xfff;
            }
            shift -= 9;
        }
    }

    /// Overwrites the lowest-level entry of a 4 KiB page that was mapped, and forgets the mapping.
    pub fn overwrite(&mut self, va: u64, entry: u64) {
        let mut table = self.space.page_table_root;
        let mut shift = 3 + 9 * self.space.page_table_levels;
        while shift > 12 {
            table = self.entry(table + (va >> shift) % 512 * 8) & !0xfff;
            shift -= 9;
        }
        self.memory.set(table + (va >> 12) % 512 * 8, &entry.to_le_bytes());
        self.mappings.retain(|mapping| mapping.va != va);
    }

    /// The physical address of a kernel address, by what was mapped.
    pub fn physical(&self, va: u64) -> Result<u64, FaultKind> {
        let space = &self.space;
        if va >= space.direct_map_start && va < space.direct_map_end {
            return Ok(va - space.direct_map_start);
        }
        if va >= space.image_start && va < space.image_end {
            return Ok(va - space.image_start + space.image_physical);
        }
        for mapping in &self.mappings {
            if va >= mapping.va && va - mapping.va < mapping.size {
                return Ok(mapping.physical + (va - mapping.va));
            }
        }
        Err(FaultKind::Unmapped)
    }

    /// The pointer of an access to kernel memory.
    pub fn pointer(&self, va: u64, size: u64) -> Result<*mut u8, FaultKind> {
        if !va.is_multiple_of(size) {
            return Err(FaultKind::Misaligned);
        }
        self.memory.pointer(self.physical(va)?, size).ok_or(FaultKind::NotMemory)
    }
}
