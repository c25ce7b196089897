// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a kernel lies in virtual and physical memory, and how its virtual addresses become physical ones.

use crate::error::{Error, Result};
use crate::memory::{PAGE_SIZE, PhysicalMemory, read_u64};
use std::ops::Range;

/// `__START_KERNEL_map` of arch/x86/include/asm/page_64_types.h: where the image's mapping begins.
pub(crate) const IMAGE_MAP_START: u64 = 0xffff_ffff_8000_0000;

/// Bits 12 to 51 of a page table entry: the physical address (arch/x86/include/asm/pgtable_types.h,
/// `PTE_PFN_MASK`; bits above belong to protection keys, software and `NX`).
pub(crate) const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
/// `_PAGE_PRESENT`.
pub(crate) const PRESENT: u64 = 1 << 0;
/// `_PAGE_PSE`: the entry maps a 2 MiB or 1 GiB page. (Bit 7 of a 4 KiB entry means something else.)
const LARGE: u64 = 1 << 7;

/// Where a kernel lies in memory. All addresses are run-time values, KASLR applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Virtual address of physical address 0 in the direct map: the value of `page_offset_base`.
    pub direct_map_start: u64,
    /// Virtual address of the end of physical memory in the direct map.
    pub direct_map_end: u64,
    /// `_text`.
    pub image_start: u64,
    /// `_end`, rounded up to a page.
    pub image_end: u64,
    /// Physical address of `image_start`.
    pub image_physical: u64,
    /// Physical address of the kernel's top-level page table (`swapper_pg_dir`).
    pub page_table_root: u64,
    /// Levels of page tables: 4 or 5.
    pub page_table_levels: u32,
    /// How far KASLR moved the image from its link address, in bytes.
    pub kaslr_offset: u64,
    /// The kernel's `phys_base`: what is added (modulo 2^64) to an image address less `__START_KERNEL_map`
    /// to get its physical address.
    pub phys_base: u64,
}

impl Layout {
    /// The physical address of kernel virtual address `va`.
    ///
    /// Addresses of the direct map and of the image are computed, others looked up in the page tables, as
    /// `__phys_addr()` of arch/x86/mm/physaddr.c and the processor do.
    ///
    /// # Errors
    /// [`Error::NotKernel`], [`Error::Unmapped`], [`Error::MappedOutside`]; those of reading memory.
    pub fn translate(&self, memory: &dyn PhysicalMemory, va: u64) -> Result<u64> {
        let address = if (self.direct_map_start..self.direct_map_end).contains(&va) {
            va - self.direct_map_start
        } else if (self.image_start..self.image_end).contains(&va) {
            self.image_physical.wrapping_add(va - self.image_start)
        } else {
            walk(memory, self.page_table_root, self.page_table_levels, va)?
        };
        if memory.contains(address, 1) { Ok(address) } else { Err(Error::MappedOutside { va, address }) }
    }

    /// Fills `buffer` from kernel virtual address `va` on; the range may cross pages.
    ///
    /// # Errors
    /// Those of [`translate`](Self::translate) and of reading memory; `buffer` may then be partly filled.
    pub fn read(&self, memory: &dyn PhysicalMemory, va: u64, buffer: &mut [u8]) -> Result<()> {
        let mut at = va;
        let mut rest = buffer;
        while !rest.is_empty() {
            let address = self.translate(memory, at)?;
            // The image is contiguous in physical memory; of anything else that can be said of a page only.
            let contiguous = match (self.image_start..self.image_end).contains(&at) {
                true => self.image_end - at,
                false => PAGE_SIZE - at % PAGE_SIZE,
            };
            let size = contiguous.min(rest.len() as u64);
            let (part, tail) = rest.split_at_mut(size as usize);
            memory.read(address, part)?;
            rest = tail;
            if !rest.is_empty() {
                at = at.checked_add(size).ok_or(Error::NotKernel { va: 0 })?;
            }
        }
        Ok(())
    }
}

/// Looks up `va` in the page tables at `root`.
///
/// Source: Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
///
/// # Errors
/// As [`Layout::translate`]. `levels` must be 4 or 5.
pub(crate) fn walk(memory: &dyn PhysicalMemory, root: u64, levels: u32, va: u64) -> Result<u64> {
    // The kernel's half: the top bit that the page tables translate, and all bits above it, are set.
    let first_kernel_address = !0 << (12 + 9 * levels - 1);
    if va < first_kernel_address {
        return Err(Error::NotKernel { va });
    }
    let mut table = root & ADDRESS_MASK;
    for level in (0..levels).rev() {
        let shift = 12 + 9 * level;
        let entry_address = table + (va >> shift) % 512 * 8;
        if !memory.contains(entry_address, 8) {
            return Err(Error::MappedOutside { va, address: entry_address });
        }
        let entry = read_u64(memory, entry_address)?;
        if entry & PRESENT == 0 {
            return Err(Error::Unmapped { va });
        }
        let target = entry & ADDRESS_MASK;
        let last = level == 0 || (level <= 2 && entry & LARGE != 0);
        if last {
            let offset_mask = (1 << shift) - 1;
            // Bit 12 of a large page's entry is its PAT bit, so all of the offset is masked off.
            return Ok(target & !offset_mask | va & offset_mask);
        }
        table = target;
    }
    // Not reached: level 0 ends the walk above.
    Err(Error::Unmapped { va })
}

/// Kernel virtual memory: a layout and the memory that it describes.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) memory: &'a dyn PhysicalMemory,
    pub(crate) layout: &'a Layout,
}

impl View<'_> {
    pub(crate) fn read(&self, va: u64, buffer: &mut [u8]) -> Result<()> {
        self.layout.read(self.memory, va, buffer)
    }

    pub(crate) fn read_array<const N: usize>(&self, va: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(va, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn read_u32(&self, va: u64) -> Result<u32> {
        self.read_array(va).map(u32::from_le_bytes)
    }

    pub(crate) fn read_u64(&self, va: u64) -> Result<u64> {
        self.read_array(va).map(u64::from_le_bytes)
    }

    /// `size` bytes of the image. The size is checked against the image before anything is allocated.
    pub(crate) fn read_image(&self, va: u64, size: u64) -> Result<Vec<u8>> {
        let image = self.image();
        match va.checked_add(size) {
            Some(end) if image.contains(&va) && end <= image.end => {
                let mut bytes = vec![0; size as usize];
                self.read(va, &mut bytes)?;
                Ok(bytes)
            }
            _ => Err(Error::Disagreement {
                what: format!("{size} bytes at {va:#x} should be part of the kernel's image"),
            }),
        }
    }

    /// The image's virtual addresses.
    pub(crate) fn image(&self) -> Range<u64> {
        self.layout.image_start..self.layout.image_end
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
