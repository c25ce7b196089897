// SPDX-License-Identifier: MIT OR Apache-2.0

//! Single accesses of 1, 2, 4 or 8 bytes to memory that others change at any time.

/// Loads `width` bytes, zero-extended.
///
/// # Safety
///
/// `from` must be valid for `width` bytes, which is 1, 2, 4 or 8, and a multiple of it.
#[inline]
pub unsafe fn load(from: *const u8, width: u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        match width {
            8 => from.cast::<u64>().read_volatile(),
            4 => from.cast::<u32>().read_volatile().into(),
            2 => from.cast::<u16>().read_volatile().into(),
            _ => from.read_volatile().into(),
        }
    }
}

/// Stores the low `width` bytes of `value`.
///
/// # Safety
///
/// As for [`load`], for writing.
#[inline]
pub unsafe fn store(to: *mut u8, value: u64, width: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        match width {
            8 => to.cast::<u64>().write_volatile(value),
            4 => to.cast::<u32>().write_volatile(value as u32),
            2 => to.cast::<u16>().write_volatile(value as u16),
            _ => to.write_volatile(value as u8),
        }
    }
}

/// The low `width` bytes of a value; `width` is 1, 2, 4 or 8.
#[inline]
pub const fn low(value: u64, width: u64) -> u64 {
    match width {
        8 => value,
        4 => value as u32 as u64,
        2 => value as u16 as u64,
        _ => value as u8 as u64,
    }
}

/// The widest access that is aligned at all of `addresses` (combined by "or") and not wider than `room`,
/// which is not 0.
#[inline]
pub fn width(addresses: u64, room: u64) -> u64 {
    let aligned = 1 << (addresses | 8).trailing_zeros();
    if room >= aligned { aligned } else { 1 << (room | 1).ilog2() }
}

/// How many accesses of [`width`] it takes to copy `size` bytes between the addresses `a` and `b`.
pub fn count(a: u64, b: u64, size: u64) -> u64 {
    let widest = 1 << ((a ^ b) | 8).trailing_zeros();
    let mut accesses = 0u64;
    let mut address = a;
    let mut left = size;
    // At most three steps up to the alignment of the widest, one for all of those, and three for the rest.
    while left != 0 {
        let step = width(address | widest, left);
        if step == widest {
            accesses = accesses.wrapping_add(left / widest);
            left %= widest;
            address = 0;
        } else {
            accesses = accesses.wrapping_add(1);
            left = left.wrapping_sub(step);
            address = address.wrapping_add(step);
        }
    }
    accesses
}
