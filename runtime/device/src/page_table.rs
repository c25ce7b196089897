// SPDX-License-Identifier: MIT OR Apache-2.0

//! Walks of the target's page tables.
//!
//! Source of the bits: arch/x86/include/asm/pgtable_types.h of the kernel.

use gpufas_abi::{AddressSpace, FaultKind};

use crate::physical;

/// `_PAGE_PRESENT`. An entry without it may have any other content: `PROT_NONE` (`_PAGE_PROTNONE`, which is
/// the global bit), swap, inverted against L1TF (arch/x86/include/asm/pgtable-invert.h).
const PRESENT: u64 = 1 << 0;
/// `_PAGE_PSE`: the entry of an upper level maps a page.
const LARGE: u64 = 1 << 7;
/// Bits of an entry that hold a physical address: without `_PAGE_NX`, protection keys and software bits
/// above, and without the flags below. `_PAGE_PAT_LARGE` (bit 12 of a large page) falls to the large page's
/// own mask.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Bits of an address that one level translates.
const LEVEL_BITS: u32 = 9;
/// Bits of an address inside a page of the last level.
const PAGE_BITS: u32 = 12;

/// The physical address of a kernel virtual address, by 4 or 5 levels of page tables.
///
/// # Errors
///
/// [`FaultKind::Unmapped`] if it is not canonical or not mapped, [`FaultKind::NotMemory`] if a table lies
/// where the target has no memory. Whether the result is memory, the caller must see.
pub fn walk(space: &AddressSpace, va: u64) -> Result<u64, FaultKind> {
    let levels = space.page_table_levels;
    if levels != 4 && levels != 5 {
        return Err(FaultKind::Unmapped);
    }
    // All bits above those that are translated repeat the topmost of these; it is 1 in the kernel's half.
    let top = PAGE_BITS + LEVEL_BITS * levels - 1;
    if va.cast_signed() >> top != -1 {
        return Err(FaultKind::Unmapped);
    }
    let mut table = space.page_table_root & ADDRESS;
    let mut level = levels;
    while level > 0 {
        level -= 1;
        let shift = PAGE_BITS + LEVEL_BITS * level;
        let index = (va >> shift) & ((1 << LEVEL_BITS) - 1);
        let entry = physical::load(space, table + index * 8).ok_or(FaultKind::NotMemory)?;
        if entry & PRESENT == 0 {
            return Err(FaultKind::Unmapped);
        }
        if level == 0 || entry & LARGE != 0 {
            // 4 KiB, 2 MiB or 1 GiB; in higher levels the bit is reserved, and a CPU would fault.
            if level > 2 {
                return Err(FaultKind::Unmapped);
            }
            let inside = (1 << shift) - 1;
            return Ok((entry & ADDRESS & !inside) | (va & inside));
        }
        table = entry & ADDRESS;
    }
    Err(FaultKind::Unmapped)
}
