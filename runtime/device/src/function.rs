// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls through pointers: which function of the program an address is that of.

use gpufas_abi::symbols::{FUNCTION_BASE, FUNCTION_STEP};
use gpufas_abi::{Access, FaultKind};

use crate::fault::fault;
use crate::translate::is_kernel;

/// The number of the function that the pointer `target` leads to, or the end of the program. `table` has the kernel's
/// addresses of `kernels` functions and their numbers, sorted by address; the program has `all` functions.
///
/// # Safety
///
/// `table` has `kernels` entries, and nothing writes to them.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe extern "C-unwind" fn gpufas_function(
    table: *const [u64; 2],
    kernels: u64,
    all: u64,
    target: u64,
    site: u32,
) -> u32 {
    let number = if is_kernel(target) {
        // SAFETY: the caller's promise.
        unsafe { search(table, kernels, target) }
    } else {
        let distance = target.wrapping_sub(FUNCTION_BASE);
        distance.is_multiple_of(FUNCTION_STEP).then_some(distance / FUNCTION_STEP)
    };
    match number {
        // The host may have filled the table with anything.
        Some(number) if number < all => number as u32,
        _ => fault(FaultKind::NoFunction, Access::None, target, 0, site),
    }
}

/// The number at an address.
///
/// # Safety
///
/// As for [`gpufas_function`].
unsafe fn search(table: *const [u64; 2], kernels: u64, target: u64) -> Option<u64> {
    let (mut start, mut end) = (0, kernels);
    while start < end {
        let middle = start.wrapping_add(end.wrapping_sub(start) / 2);
        // SAFETY: below `kernels`.
        let [address, number] = unsafe { table.add(middle as usize).read() };
        if address == target {
            return Some(number);
        }
        if address < target {
            start = middle.wrapping_add(1);
        } else {
            end = middle;
        }
    }
    None
}
