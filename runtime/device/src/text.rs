// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vsnprintf`: text with a format in kernel or own memory.

use gpufas_abi::{Access, FaultKind};

use crate::budget::gpufas_count;
use crate::copy::gpufas_fill;
use crate::fault::fault;
use crate::print::{Arguments, Output, print};
use crate::target::stack_pointer;
use crate::translate::range;

/// `INT_MAX`, beyond which `vsnprintf()` in lib/vsprintf.c refuses a size.
const LARGEST_SIZE: u64 = i32::MAX as u64;

/// Bytes of the registers with integers that a function with variable arguments saves (System V ABI for x86-64, 3.5.7).
const SAVED: u64 = 48;

/// `int vsnprintf(char *, size_t, const char *, va_list)`: the length of the whole text, of which as much is written as there is room
/// for, with a NUL at its end.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_vsnprintf(
    to: *mut u8,
    size: u64,
    format: *const u8,
    list: *const u8,
    site: u32,
) -> i32 {
    if size > LARGEST_SIZE {
        return 0;
    }
    let mut text = Text { to: to.expose_provenance() as u64, size, length: 0, site };
    let list = list.expose_provenance() as u64;
    let mut list = List {
        used: word(list, site) & u64::from(u32::MAX),
        rest: word(list.wrapping_add(8), site),
        saved: word(list.wrapping_add(16), site),
        site,
    };
    print(format.expose_provenance() as u64, &mut list, &mut text, site);
    if size > 0 {
        gpufas_fill(text.to.wrapping_add(text.length.min(size.wrapping_sub(1))), 0, 1, site);
    }
    i32::try_from(text.length).unwrap_or(i32::MAX)
}

/// Text in memory, of which what there is no room for is counted only.
struct Text {
    to: u64,
    size: u64,
    length: u64,
    site: u32,
}

impl Output for Text {
    #[inline(never)]
    fn put(&mut self, byte: u8) {
        gpufas_count(self.site);
        // The last byte is the NUL's.
        if self.length < self.size.saturating_sub(1) {
            gpufas_fill(self.to.wrapping_add(self.length), byte, 1, self.site);
        }
        self.length = self.length.saturating_add(1);
    }

    fn is_full(&self) -> bool {
        self.length > LARGEST_SIZE
    }
}

/// A `va_list` of x86-64, as the compiler fills it on every target. Nothing says where it ends.
struct List {
    /// Bytes of the saved registers that are used up.
    used: u64,
    /// Address of the next argument that was in no register.
    rest: u64,
    /// Address of the saved registers.
    saved: u64,
    site: u32,
}

impl Arguments for List {
    fn next(&mut self) -> Option<u64> {
        let address = if self.used < SAVED {
            let address = self.saved.wrapping_add(self.used);
            self.used = self.used.wrapping_add(8);
            address
        } else {
            let address = self.rest;
            self.rest = self.rest.wrapping_add(8);
            address
        };
        Some(word(address, self.site))
    }
}

/// Eight bytes of the program's memory.
fn word(address: u64, site: u32) -> u64 {
    match range(address, 8, Access::Load, stack_pointer()) {
        // SAFETY: `range` found so many bytes of memory there.
        Ok(memory) if memory.length >= 8 => unsafe { memory.pointer.cast::<u64>().read_unaligned() },
        Ok(_) => fault(FaultKind::NotMemory, Access::Load, address, 8, site),
        Err(kind) => fault(kind, Access::Load, address, 8, site),
    }
}
