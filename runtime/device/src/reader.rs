// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads of kernel or own memory byte after byte.

use gpufas_abi::Access;

use crate::budget::gpufas_count;
use crate::fault::fault;
use crate::target::stack_pointer;
use crate::translate::{is_kernel, kernel, range};

/// Reads bytes; a read from the target's memory, which is slow from a GPU, fetches the aligned 8 bytes.
///
/// These lie in the same page, so that no address is touched that might not be mapped. A reader lives for
/// one call: what it fetched is not fetched again.
pub struct Reader {
    /// Address of `word`; odd if there is none.
    address: u64,
    word: u64,
    stack_pointer: u64,
    site: u32,
}

impl Reader {
    /// A reader for the calling function, on behalf of a source site.
    #[inline(always)]
    pub fn new(site: u32) -> Self {
        Self { address: 1, word: 0, stack_pointer: stack_pointer(), site }
    }

    /// The byte at an address. Counts like a backward branch.
    #[inline(never)]
    pub fn byte(&mut self, va: u64) -> u8 {
        gpufas_count(self.site);
        let aligned = va & !7;
        if aligned != self.address {
            let Some(word) = Self::word(aligned) else { return self.single(va) };
            self.address = aligned;
            self.word = word;
        }
        (self.word >> (va % 8 * 8)) as u8
    }

    /// The aligned 8 bytes at a kernel address, if they can be read at once.
    #[inline]
    fn word(aligned: u64) -> Option<u64> {
        if !is_kernel(aligned) {
            return None;
        }
        let memory = kernel(aligned).ok()?;
        let usable = memory.length >= 8 && memory.pointer.addr().is_multiple_of(8);
        // SAFETY: `kernel` found so many bytes of memory there.
        usable.then(|| unsafe { memory.pointer.cast::<u64>().read_volatile() })
    }

    /// The byte at an address, read alone.
    #[inline]
    fn single(&self, va: u64) -> u8 {
        match range(va, 1, Access::Load, self.stack_pointer) {
            // SAFETY: `range` found a byte of memory there.
            Ok(memory) => unsafe { memory.pointer.read_volatile() },
            Err(kind) => fault(kind, Access::Load, va, 1, self.site),
        }
    }
}
