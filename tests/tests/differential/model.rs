// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an access to a kernel address must do, in the plainest way.

use gpufas_abi::FaultKind;

use crate::machine::Machine;
use crate::memory::Memory;

/// The physical address of a byte of the kernel's, in a machine's memory as it is in `physical`.
///
/// Source of the walk: Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
///
/// # Errors
///
/// The fault of an access.
pub fn translate(machine: &Machine, physical: &Memory, address: u64) -> Result<u64, FaultKind> {
    let layout = &machine.layout;
    if address >> 63 == 0 {
        return Err(FaultKind::NotKernel);
    }
    let found = if (layout.direct_map_start..layout.direct_map_end).contains(&address) {
        address - layout.direct_map_start
    } else if (layout.image_start..layout.image_end).contains(&address) {
        layout.image_physical + (address - layout.image_start)
    } else {
        walk(machine, physical, address)?
    };
    if is_memory(machine, found) { Ok(found) } else { Err(FaultKind::NotMemory) }
}

fn walk(machine: &Machine, physical: &Memory, address: u64) -> Result<u64, FaultKind> {
    let levels = machine.layout.page_table_levels;
    // 47 or 56: the highest bit that is translated.
    let sign = 11 + 9 * levels;
    if (address as i64) >> sign != -1 {
        return Err(FaultKind::Unmapped);
    }
    let mut table = machine.layout.page_table_root;
    for level in (1..=levels).rev() {
        let low = 3 + 9 * level;
        let place = table + (address >> low & 0x1ff) * 8;
        if !is_memory(machine, place) || !is_memory(machine, place + 7) {
            return Err(FaultKind::NotMemory);
        }
        let entry = physical.word(place).unwrap_or(0);
        let target = entry & 0x000f_ffff_ffff_f000;
        match (entry & 1, entry >> 7 & 1, level) {
            (0, _, _) => return Err(FaultKind::Unmapped),
            // Bit 7 is something else in the lowest level, and reserved above the third.
            (_, 1, 4 | 5) => return Err(FaultKind::Unmapped),
            (_, _, 1) | (_, 1, 2 | 3) => return Ok(target >> low << low | address & ((1 << low) - 1)),
            _ => table = target,
        }
    }
    Err(FaultKind::Unmapped)
}

fn is_memory(machine: &Machine, physical: u64) -> bool {
    machine.physical_ranges().any(|range| range.contains(&physical))
}
