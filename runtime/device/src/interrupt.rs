// SPDX-License-Identifier: MIT OR Apache-2.0

//! Interrupts of the target's CPUs that the program asks the host for.
//!
//! runtime/include/gpufas/interrupt.h declares the functions for programs.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::InterruptRequest;
use gpufas_abi::context::FLAG_INTERRUPTS;

use crate::budget::gpufas_count;
use crate::context::context;
use crate::report::report;
use crate::state::state;
use crate::target::system_fence;

/// `ENOSPC`, `EINVAL` and `EOPNOTSUPP` of include/uapi/asm-generic.
const ENOSPC: i32 = 28;
const EINVAL: i32 = 22;
const EOPNOTSUPP: i32 = 95;

/// The lowest vector of a device's or of another processor's interrupt (`FIRST_EXTERNAL_VECTOR`), and the highest.
const VECTORS: core::ops::RangeInclusive<u32> = 32..=255;

/// 1 if the host sends interrupts to the target's CPUs, else 0.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_interrupts_available(_site: u32) -> i32 {
    i32::from(is_available())
}

/// Asks for an interrupt: 0, or the negative error number of why it will not be sent. One that was asked for already is sent
/// once; `address`, `value` and `size` are then those of the last call that has any.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn gpufas_lib_gpufas_request_interrupt(
    cpu: u32,
    apic_id: u32,
    vector: u32,
    address: u64,
    value: u64,
    size: u32,
    site: u32,
) -> i32 {
    let Some(report) = report() else { return EOPNOTSUPP.wrapping_neg() };
    if !is_available() {
        return EOPNOTSUPP.wrapping_neg();
    }
    if !VECTORS.contains(&vector) {
        return EINVAL.wrapping_neg();
    }
    let used = state().interrupts_used.get();
    let mut number = 0;
    while number < used {
        gpufas_count(site);
        // SAFETY: so many requests were written, to a buffer that holds them; so below.
        let (other, its_vector) = unsafe {
            let request = request(number);
            ((&raw const (*request).cpu).read_volatile(), (&raw const (*request).vector).read_volatile())
        };
        if other == cpu && its_vector == vector {
            break;
        }
        number = number.wrapping_add(1);
    }
    if number >= capacity() {
        return ENOSPC.wrapping_neg();
    }
    let is_new = number == used;
    // SAFETY: the buffer has room for more than `number` requests. Field by field, lest it become a call of memcpy.
    unsafe {
        let request = request(number);
        if is_new {
            (&raw mut (*request).cpu).write_volatile(cpu);
            (&raw mut (*request).apic_id).write_volatile(apic_id);
            (&raw mut (*request).vector).write_volatile(vector);
            (&raw mut (*request).site).write_volatile(site);
        }
        if is_new || address != 0 {
            (&raw mut (*request).address).write_volatile(address);
            (&raw mut (*request).value).write_volatile(value);
            (&raw mut (*request).size).write_volatile(size);
            (&raw mut (*request).reserved).write_volatile(0);
        }
    }
    // The host must see the request no later than its count, and the count no later than what is stored next.
    system_fence();
    if is_new {
        let used = used.wrapping_add(1);
        state().interrupts_used.set(used);
        report.set_interrupts_used(used);
    }
    system_fence();
    0
}

fn is_available() -> bool {
    context().flags & FLAG_INTERRUPTS != 0 && capacity() != 0
}

/// How many requests the host's buffer holds.
fn capacity() -> u64 {
    let buffer = &context().interrupts;
    let usable = buffer.address != 0 && buffer.address.is_multiple_of(align_of::<InterruptRequest>() as u64);
    if usable { buffer.size / size_of::<InterruptRequest>() as u64 } else { 0 }
}

/// Where a request of a number below [`capacity`] is.
fn request(number: u64) -> *mut InterruptRequest {
    let first = with_exposed_provenance_mut::<InterruptRequest>(context().interrupts.address as usize);
    first.wrapping_add(number as usize)
}
