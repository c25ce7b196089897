// SPDX-License-Identifier: MIT OR Apache-2.0

//! Begin and regular end of a launch.

use gpufas_abi::{ABI_VERSION, Access, FaultKind};

use crate::context::context;
use crate::fault::fault;
use crate::journal;
use crate::report::report;
use crate::state::state;
use crate::target::terminate;

/// Begins a launch. `stack` is the address of a local variable of the entry, below which lie the variables
/// of all that the entry calls.
///
/// The compiler sees to that: the entry has no other variable, and calls the program's function by a pointer
/// that it loads volatile. By a plain call, `ptxas` (13.0) would give the whole program one frame, in which
/// this variable is the lowest; by such a pointer each function gets a frame of its own, further down.
///
/// If the host is of another version, or gave no memory for a report, the program ends at once, and the
/// report's status stays [`Ready`](gpufas_abi::Status::Ready).
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_start(stack: *mut u8) {
    let context = context();
    if context.version != ABI_VERSION {
        terminate();
    }
    let Some(report) = report() else { terminate() };
    let state = state();
    state.stack.set(stack.expose_provenance() as u64);
    state.budget.set(context.budget);
    state.journal_used.set(0);
    state.last_store.set(0);
    state.interrupts_used.set(0);
    state.log_used.set(0);
    state.tlb.clear();
    state.unaligned.clear();
    report.begin();
}

/// Ends a launch regularly, unless an address of the program's own memory is left in the target's. The entry returns after it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_finish(result: i64) {
    if let Some(entry) = journal::own_address_left() {
        fault(FaultKind::OwnAddress, Access::Store, entry.address, u64::from(entry.size), entry.site);
    }
    if let Some(report) = report() {
        report.finish(result);
    }
}
