// SPDX-License-Identifier: MIT OR Apache-2.0

//! Numbers in the memory of a guest that runs on, in accesses of one step.

use crate::memory::{GuestMemory, MappedMemory};
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// The memory.
pub(super) struct Words<'a> {
    memory: &'a GuestMemory,
    mapped: &'a MappedMemory,
}

impl<'a> Words<'a> {
    /// `mapped` is `memory`, which may be written.
    pub(super) fn new(memory: &'a GuestMemory, mapped: &'a MappedMemory) -> Self {
        Self { memory, mapped }
    }

    /// A number of `size` bytes, 1, 2, 4 or 8; none if it is not there, or at an address that is no multiple of its size. Not
    /// through the mapping: if its file was truncated that is no SIGBUS.
    pub(super) fn load(&self, physical: u64, size: u32) -> Option<u64> {
        if !matches!(size, 1 | 2 | 4 | 8) || !physical.is_multiple_of(size.into()) {
            return None;
        }
        let mut bytes = [0; 8];
        self.memory.read_bytes(physical, &mut bytes[..size as usize]).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// Replaces a number by what `new` makes of it, and says whether it was: not where `new` makes nothing of it, nor where
    /// [`Words::load`] finds none.
    pub(super) fn update(&self, physical: u64, size: u32, new: impl Fn(u64) -> Option<u64>) -> bool {
        let Some(pointer) = self.load(physical, size).and_then(|_| self.find(physical, size)) else {
            return false;
        };
        let order = Ordering::SeqCst;
        // SAFETY: `find` has found so many bytes of a mapping, aligned, and everybody accesses them in one step. A value that is
        // too large for its size is cut, as its journal's entry has it.
        unsafe {
            match size {
                8 => AtomicU64::from_ptr(pointer.cast()).fetch_update(order, order, new).is_ok(),
                4 => AtomicU32::from_ptr(pointer.cast())
                    .fetch_update(order, order, |now| new(now.into()).map(|new| new as u32))
                    .is_ok(),
                2 => AtomicU16::from_ptr(pointer.cast())
                    .fetch_update(order, order, |now| new(now.into()).map(|new| new as u16))
                    .is_ok(),
                _ => AtomicU8::from_ptr(pointer)
                    .fetch_update(order, order, |now| new(now.into()).map(|new| new as u8))
                    .is_ok(),
            }
        }
    }

    /// Where a number is in the mapping.
    fn find(&self, physical: u64, size: u32) -> Option<*mut u8> {
        let end = physical.checked_add(size.into())?;
        let holds = |segment: &&gpufas_abi::Segment| segment.start <= physical && end <= segment.end;
        let segment = self.mapped.segments().iter().find(holds)?;
        let address = segment.base + (physical - segment.start);
        let address = usize::try_from(address).ok().filter(|_| address.is_multiple_of(size.into()))?;
        Some(ptr::with_exposed_provenance_mut(address))
    }
}
