// SPDX-License-Identifier: MIT OR Apache-2.0

//! From the target's virtual addresses to memory.

use gpufas_abi::symbols::runtime::NOT_IN_ONE_PIECE;
use gpufas_abi::{Access, FaultKind};

use crate::budget::gpufas_count;
use crate::context::context;
use crate::fault::fault;
use crate::journal;
use crate::own;
use crate::page_table;
use crate::physical::{self, Memory};
use crate::state::state;
use crate::target::stack_pointer;
use crate::unaligned;

/// Bytes of a page.
pub const PAGE_SIZE: u64 = 4096;

/// The widest access that is translated as one.
const WIDEST: u64 = 16;

/// Whether an address belongs to the kernel's half of the address space.
#[inline(always)]
pub const fn is_kernel(address: u64) -> bool {
    address.cast_signed() < 0
}

unsafe extern "C" {
    /// Whether every access walks the page tables, defined by the compiler.
    static gpufas_translate_every: u8;
}

/// Whether every access walks the page tables. The compiler knows, and so does LLVM in the program.
#[inline(always)]
fn walks_always() -> bool {
    // SAFETY: the compiler defines it, and nothing changes it.
    unsafe { (&raw const gpufas_translate_every).read() != 0 }
}

/// The address of `size` bytes to load at once, a power of two of at most 16: those at `va`, or a copy of them if it is no multiple
/// of `size`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_translate_load(va: u64, size: u64, site: u32) -> *mut u8 {
    if is_unaligned(va, size) {
        return unaligned::load(va, size, site);
    }
    aligned(va, size, Access::Load, site).pointer
}

/// What is to be added to `va`, modulo 2^64, to find all of the `extent` bytes there: a multiple of 16, or [`NOT_IN_ONE_PIECE`] if
/// there is no such number. Loads only: memory that must not be written counts as well.
///
/// Memory that others map elsewhere meanwhile is found where it was, as by what is kept of page walks.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_object(va: u64, extent: u64) -> u64 {
    if !is_kernel(va) {
        // The loads of a GPU that follow are none for a stack (PTX ISA, ld: .relaxed).
        let is_found = cfg!(not(target_arch = "nvptx64"))
            && own::find(va, extent, Access::Load, stack_pointer()).is_ok();
        return if is_found { 0 } else { NOT_IN_ONE_PIECE };
    }
    let Ok(first) = kernel(va) else { return NOT_IN_ONE_PIECE };
    let offset = (first.pointer.expose_provenance() as u64).wrapping_sub(va);
    let mut length = first.length;
    while length < extent {
        let Some(at) = va.checked_add(length) else { return NOT_IN_ONE_PIECE };
        match kernel(at) {
            Ok(next) if next.pointer.expose_provenance() as u64 == at.wrapping_add(offset) => {
                length = length.saturating_add(next.length);
            }
            _ => return NOT_IN_ONE_PIECE,
        }
    }
    if offset.is_multiple_of(WIDEST) { offset } else { NOT_IN_ONE_PIECE }
}

/// The address of `size` bytes to store, which are recorded in the journal; as [`gpufas_translate_load`]. When they are
/// stored, [`gpufas_stored`](unaligned::gpufas_stored) must be called.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_translate_store(va: u64, size: u64, site: u32) -> *mut u8 {
    if is_unaligned(va, size) {
        // What follows knows nothing of its pieces.
        state().last_store.set(0);
        return unaligned::store(va, size);
    }
    gpufas_translate_atomic(va, size, site)
}

/// Whether an access of a possible size is at an address that is no multiple of it.
#[inline(always)]
const fn is_unaligned(va: u64, size: u64) -> bool {
    size.is_power_of_two() && size <= WIDEST && va & size.wrapping_sub(1) != 0
}

/// The address of `size` bytes to change in one step, which are recorded in the journal. `va` must be a multiple of `size`, a power
/// of two of at most 16.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_translate_atomic(va: u64, size: u64, site: u32) -> *mut u8 {
    let memory = aligned(va, size, Access::Store, site);
    state().last_store.set(0);
    if is_kernel(va) {
        // SAFETY: `aligned` found `size` bytes of memory there, aligned.
        unsafe { journal::record(va, &memory, size, site) };
    }
    memory.pointer
}

/// Whether `size` bytes at `va`, wherever they are, can be accessed: 1 or 0. Nothing is accessed but page tables.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_accessible(va: u64, size: u64, access: u32, site: u32) -> u32 {
    let stack_pointer = stack_pointer();
    let access = Access::from_number(access).unwrap_or(Access::Load);
    let mut offset = 0u64;
    while offset < size {
        // Beyond the end of the address space is user space, of which only the program's own memory can be accessed.
        let Some(at) = va.checked_add(offset) else { return 0 };
        match range(at, size.wrapping_sub(offset), access, stack_pointer) {
            Ok(memory) => offset = offset.saturating_add(memory.length),
            Err(_) => return 0,
        }
        if offset < size {
            gpufas_count(site);
        }
    }
    1
}

/// The memory of one access, which is checked wholly. Of own memory, `physical` is 0.
#[inline(always)]
fn aligned(va: u64, size: u64, access: Access, site: u32) -> Memory {
    let mask = size.wrapping_sub(1);
    if !size.is_power_of_two() || size > WIDEST || va & mask != 0 {
        fault(FaultKind::Misaligned, access, va, size, site);
    }
    match range(va, size, access, stack_pointer()) {
        // An aligned access crosses no page; less memory than a page can only be the end of a segment.
        Ok(memory) if memory.length < size => fault(FaultKind::NotMemory, access, va, size, site),
        // Only a segment whose base is odd.
        Ok(memory) if memory.pointer.addr() as u64 & mask != 0 => {
            fault(FaultKind::Misaligned, access, va, size, site)
        }
        Ok(memory) => memory,
        Err(kind) => fault(kind, access, va, size, site),
    }
}

/// The memory at `va`: of the program's own all of the `size` bytes, of the kernel's as many as lie
/// together, which may be less.
///
/// # Errors
///
/// Those of [`own::find`] and [`kernel`].
pub fn range(va: u64, size: u64, access: Access, stack_pointer: u64) -> Result<Memory, FaultKind> {
    if is_kernel(va) {
        return kernel(va);
    }
    let pointer = own::find(va, size, access, stack_pointer)?;
    Ok(Memory { pointer, physical: 0, length: size })
}

/// The memory at a kernel address: to the end of the segment or region in the direct map and in the image,
/// else to the end of the page.
///
/// # Errors
///
/// [`FaultKind::NotMemory`] if there is none, and those of [`page_table::walk`].
#[inline(never)]
pub fn kernel(va: u64) -> Result<Memory, FaultKind> {
    let space = &context().space;
    let (physical, length) = if walks_always() {
        (page_table::walk(space, va)?, PAGE_SIZE - va % PAGE_SIZE)
    } else if (space.direct_map_start..space.direct_map_end).contains(&va) {
        (va.wrapping_sub(space.direct_map_start), space.direct_map_end.wrapping_sub(va))
    } else if (space.image_start..space.image_end).contains(&va) {
        let inside = va.wrapping_sub(space.image_start);
        (space.image_physical.wrapping_add(inside), space.image_end.wrapping_sub(va))
    } else {
        let physical = match state().tlb.find(va) {
            Some(physical) => physical,
            None => {
                let physical = page_table::walk(space, va)?;
                state().tlb.enter(va, physical);
                physical
            }
        };
        (physical, PAGE_SIZE - va % PAGE_SIZE)
    };
    let memory = physical::find(space, physical).ok_or(FaultKind::NotMemory)?;
    Ok(Memory { length: memory.length.min(length), ..memory })
}
