// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bounds of time and stack, so that corrupt data of the target ends in a report.

use gpufas_abi::{Access, FaultKind};

use crate::context::context;
use crate::fault::fault;
use crate::report::report;
use crate::state::state;
use crate::target::stack_pointer;

/// The program looks whether the host asks it to stop once in so many backward branches; a power of two.
const STOP_INTERVAL: u64 = 256;

/// Counts a backward branch.
#[unsafe(no_mangle)]
#[inline(always)]
#[expect(
    unused_attributes,
    reason = "Rust cannot inline it into a program, but LLVM can: the bitcode has the attribute"
)]
pub extern "C-unwind" fn gpufas_count(site: u32) {
    let left = state().budget.get();
    // Zero is a multiple, too: one branch for both rare cases.
    if left.is_multiple_of(STOP_INTERVAL) {
        count_slow(site);
    }
    state().budget.set(left.wrapping_sub(1));
}

#[cold]
#[inline(never)]
extern "C-unwind" fn count_slow(site: u32) {
    if state().budget.get() == 0 {
        fault(FaultKind::BudgetSpent, Access::None, 0, 0, site);
    }
    poll(site);
}

/// Ends the program if the host asks for it.
#[inline]
pub fn poll(site: u32) {
    if report().is_some_and(|report| report.stop()) {
        fault(FaultKind::Stopped, Access::None, 0, 0, site);
    }
}

/// Counts `branches` backward branches at once.
#[inline]
pub fn take(branches: u64, site: u32) {
    let left = state().budget.get();
    let Some(rest) = left.checked_sub(branches) else {
        state().budget.set(0);
        fault(FaultKind::BudgetSpent, Access::None, 0, 0, site);
    };
    if left / STOP_INTERVAL != rest / STOP_INTERVAL {
        poll(site);
    }
    state().budget.set(rest);
}

/// Checks the stack at the start of a function that may be recursive.
///
/// The host provides 4 KiB more than [`stack_size`](gpufas_abi::Context::stack_size), on a GPU by
/// `CU_LIMIT_STACK_SIZE`: a function's frame is checked only after it was made, and the functions of the
/// runtime need up to 1 KiB for frames of their own.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_check_stack(site: u32) {
    let pointer = stack_pointer();
    if state().stack.get().saturating_sub(pointer) > context().stack_size {
        fault(FaultKind::StackOverflow, Access::None, pointer, 0, site);
    }
}
