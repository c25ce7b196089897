// SPDX-License-Identifier: MIT OR Apache-2.0

//! Loads and stores at addresses that are no multiple of their size.
//!
//! C code for x86 makes them where it believes its types: network headers lie at odd halves of words, since `NET_IP_ALIGN` is 0,
//! and kernels before 5.13 read through plain pointers in `get_unaligned()`. A GPU has no such access, and one may cross into
//! a page that lies elsewhere. So the program accesses a buffer, into which what it loads was copied before, and out of
//! which what it stored is copied afterwards.

use core::cell::{Cell, UnsafeCell};

use crate::copy::{gpufas_load_bytes, gpufas_store_bytes};
use crate::state::state;

/// The buffer, and where what is stored to it belongs.
#[repr(C, align(16))]
pub struct Unaligned {
    bytes: UnsafeCell<[u8; 16]>,
    address: Cell<u64>,
    /// Bytes that the program is storing; 0 if it is not.
    size: Cell<u64>,
}

impl Default for Unaligned {
    fn default() -> Self {
        Self::new()
    }
}

impl Unaligned {
    /// Nothing is being stored.
    pub const fn new() -> Self {
        Self { bytes: UnsafeCell::new([0; 16]), address: Cell::new(0), size: Cell::new(0) }
    }

    /// Nothing is being stored any more.
    pub fn clear(&self) {
        self.size.set(0);
    }
}

/// A copy of `size` bytes at `va`, to be loaded at once.
pub fn load(va: u64, size: u64, site: u32) -> *mut u8 {
    let buffer = state().unaligned.bytes.get().cast();
    gpufas_load_bytes(buffer, va, size, site);
    buffer
}

/// Where to store `size` bytes that belong to `va`; [`gpufas_stored`] follows.
pub fn store(va: u64, size: u64) -> *mut u8 {
    let unaligned = &state().unaligned;
    unaligned.address.set(va);
    unaligned.size.set(size);
    unaligned.bytes.get().cast()
}

/// Ends a store through [`gpufas_translate_store`](crate::translate::gpufas_translate_store).
#[unsafe(no_mangle)]
#[inline(always)]
#[expect(
    unused_attributes,
    reason = "Rust cannot inline it into a program, but LLVM can: the bitcode has the attribute"
)]
pub extern "C-unwind" fn gpufas_stored(site: u32) {
    if state().unaligned.size.get() != 0 {
        stored_slow(site);
    }
}

#[cold]
#[inline(never)]
extern "C-unwind" fn stored_slow(site: u32) {
    let unaligned = &state().unaligned;
    let size = unaligned.size.replace(0);
    gpufas_store_bytes(unaligned.address.get(), unaligned.bytes.get().cast(), size, site);
}
