// SPDX-License-Identifier: MIT OR Apache-2.0

//! `WARN()`, and locks that are held.

use core::ptr;

use gpufas_abi::{FaultKind, Status};

use super::machine::Machine;
use super::memory::PAGE;
use super::program::Program;
use crate::allocation::gpufas_lib_gpufas_not_allocated;
use crate::lock::gpufas_lib_gpufas_lock_held;
use crate::warn::gpufas_warn;

const TEXT: &[u8] = b"warning at f.c:7 in f\n";

fn warn(done: *mut u8) {
    // SAFETY: the length is the text's; the byte, if any, is the caller's alone.
    unsafe { gpufas_warn(TEXT.as_ptr(), TEXT.len() as u64, done, 3) };
}

#[test]
fn a_warning_is_said_each_time_or_once() {
    let machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    let mut program = Program::new(machine.space);
    let ended = program.outcome(|| {
        let mut done = 0;
        for _ in 0..3 {
            warn(&raw mut done);
        }
        i64::from(done)
    });
    assert_eq!(ended, Ok(1));
    assert_eq!(program.text(), TEXT);
    let ended = program.outcome(|| {
        warn(ptr::null_mut());
        warn(ptr::null_mut());
        0
    });
    assert_eq!(ended, Ok(0));
    assert_eq!(program.text(), TEXT.repeat(2));
}

#[test]
fn a_lock_that_is_held_is_named() {
    let machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    let mut program = Program::new(machine.space);
    let lock = 0xffff_8880_0000_1234;
    let report = program.run(|| {
        gpufas_lib_gpufas_lock_held(ptr::without_provenance(lock), 5);
        0
    });
    assert_eq!(Status::from_number(report.status), Some(Status::Faulted));
    let fault = report.fault;
    assert_eq!(FaultKind::from_number(fault.kind), Some(FaultKind::LockHeld));
    assert_eq!((fault.address, fault.size, fault.site), (lock as u64, 0, 5));
}

#[test]
fn memory_that_cannot_be_freed_is_named() {
    let machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    let mut program = Program::new(machine.space);
    let report = program.run(|| {
        gpufas_lib_gpufas_not_allocated(ptr::without_provenance(0xffff_8880_0000_4320), 6);
        0
    });
    let fault = report.fault;
    assert_eq!(FaultKind::from_number(fault.kind), Some(FaultKind::NotAllocated));
    assert_eq!((fault.address, fault.site), (0xffff_8880_0000_4320, 6));
}
