// SPDX-License-Identifier: MIT OR Apache-2.0

//! The target's physical memory, as the program finds it.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::{AddressSpace, Segment};

/// Memory from one address on.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Where the program finds the first byte.
    pub pointer: *mut u8,
    /// Its physical address.
    pub physical: u64,
    /// How many bytes follow without a hole; at least 1.
    pub length: u64,
}

/// The segments in use.
pub fn segments(space: &AddressSpace) -> impl Iterator<Item = &Segment> {
    space.segments.iter().take(space.segment_count as usize)
}

/// The memory at a physical address, if the target has any there.
#[inline]
pub fn find(space: &AddressSpace, physical: u64) -> Option<Memory> {
    for segment in segments(space) {
        if segment.start <= physical && physical < segment.end {
            let address = segment.base.wrapping_add(physical.wrapping_sub(segment.start));
            return Some(Memory {
                pointer: with_exposed_provenance_mut(address as usize),
                physical,
                length: segment.end.wrapping_sub(physical),
            });
        }
    }
    None
}

/// Loads 8 bytes at a physical address, which is a multiple of 8.
#[inline]
pub fn load(space: &AddressSpace, physical: u64) -> Option<u64> {
    let memory = find(space, physical)?;
    let usable = memory.length >= 8 && memory.pointer.addr().is_multiple_of(8);
    // SAFETY: the host promises that its segments are memory; the 8 bytes lie in one, aligned.
    usable.then(|| unsafe { memory.pointer.cast::<u64>().read_volatile() })
}
