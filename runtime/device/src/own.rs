// SPDX-License-Identifier: MIT OR Apache-2.0

//! The program's own memory: its stack, its string arguments, its variables.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::symbols::runtime::{OWN_VARIABLE_CONSTANT, OwnVariable};
use gpufas_abi::{Access, FaultKind};

use crate::context::context;
use crate::state::state;

unsafe extern "C" {
    /// The variables, defined by the compiler.
    static gpufas_own_variables: [OwnVariable; 0];
    /// How many there are.
    static gpufas_own_variable_count: u32;
}

/// Whether `size` bytes at `address` lie in `length` bytes at `start`.
#[inline]
const fn inside(address: u64, size: u64, start: u64, length: u64) -> bool {
    address >= start && address - start <= length && size <= length - (address - start)
}

/// The pointer of `size` bytes of own memory at `address`. `stack_pointer` is that of a function of the
/// runtime that the program called.
///
/// # Errors
///
/// [`FaultKind::NotKernel`] if it is not own memory, [`FaultKind::OutOfBounds`] if only its beginning is,
/// [`FaultKind::ReadOnly`] for a store to a constant.
pub fn find(address: u64, size: u64, access: Access, stack_pointer: u64) -> Result<*mut u8, FaultKind> {
    let pointer = with_exposed_provenance_mut(address as usize);
    let mut kind = FaultKind::NotKernel;

    let stack_size = state().stack.get().saturating_sub(stack_pointer);
    let strings = context().strings;
    for (start, length) in [(stack_pointer, stack_size), (strings.address, strings.size)] {
        if inside(address, size, start, length) {
            return Ok(pointer);
        }
        if inside(address, 1, start, length) {
            kind = FaultKind::OutOfBounds;
        }
    }

    let variables = (&raw const gpufas_own_variables).cast::<OwnVariable>();
    // SAFETY: the compiler defines the count, and as many variables.
    let count = unsafe { gpufas_own_variable_count };
    for index in 0..count as usize {
        // SAFETY: as above.
        let variable = unsafe { variables.add(index).read() };
        let length = variable.size & !OWN_VARIABLE_CONSTANT;
        if inside(address, size, variable.address, length) {
            let constant = variable.size & OWN_VARIABLE_CONSTANT != 0;
            if constant && access as u32 == Access::Store as u32 {
                return Err(FaultKind::ReadOnly);
            }
            return Ok(pointer);
        }
        if inside(address, 1, variable.address, length) {
            kind = FaultKind::OutOfBounds;
        }
    }
    Err(kind)
}
