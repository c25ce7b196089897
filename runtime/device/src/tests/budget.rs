// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bounds, and the life of a program.

use gpufas_abi::{ABI_VERSION, AddressSpace, Buffer, FaultKind, FaultRecord, Report, Status};

use super::program::Program;
use crate::budget::{gpufas_check_stack, gpufas_count, take};
use crate::fault::{gpufas_fault, gpufas_unsupported};

const SITE: u32 = 5;

fn count(times: u64) -> i64 {
    for _ in 0..times {
        gpufas_count(SITE);
    }
    times as i64
}

#[test]
fn budget_is_exact() {
    for budget in [0, 1, 2, 255, 256, 257, 1000, 1024] {
        let mut program = Program::new(AddressSpace::default());
        program.context.budget = budget;
        let report = program.run(|| count(budget));
        assert_eq!((report.status, report.result), (Status::Finished as u32, budget as i64));
        assert_eq!(report.budget_left, 0);
        assert_eq!(program.run_to_fault(|| count(budget + 1)), (FaultKind::BudgetSpent, 0));
        assert_eq!(program.report.fault.site, SITE);
        assert_eq!(program.run(|| count(budget / 2)).budget_left, budget - budget / 2);
    }
}

#[test]
fn host_can_stop_it() {
    let mut program = Program::new(AddressSpace::default());
    program.report.stop = 1;
    program.context.budget = 10_000;
    assert_eq!(program.run_to_fault(|| count(9_000)), (FaultKind::Stopped, 0));
    assert!(program.report.budget_left > 9_000, "it looked within some hundred branches");
}

#[test]
fn branches_are_taken_at_once() {
    let mut program = Program::new(AddressSpace::default());
    program.context.budget = 1000;
    assert_eq!(
        program
            .run(|| {
                take(1000, SITE);
                0
            })
            .budget_left,
        0
    );
    assert_eq!(
        program.run_to_fault(|| {
            take(1001, SITE);
            0
        }),
        (FaultKind::BudgetSpent, 0)
    );
    assert_eq!(
        program.run_to_fault(|| {
            take(u64::MAX, SITE);
            0
        }),
        (FaultKind::BudgetSpent, 0)
    );
    program.report.stop = 1;
    assert_eq!(
        program.outcome(|| {
            take(200, SITE);
            0
        }),
        Ok(0)
    );
    assert_eq!(
        program.outcome(|| {
            take(400, SITE);
            0
        }),
        Err(FaultKind::Stopped)
    );
}

#[test]
fn end_is_reported() {
    let mut program = Program::new(AddressSpace::default());
    program.report = Report {
        result: 9,
        log_used: 9,
        log_lost: 9,
        journal_used: 9,
        journal_lost: 9,
        fault: FaultRecord { kind: 9, access: 1, address: 9, size: 9, site: 9, reserved: 9 },
        ..Report::default()
    };
    let report = program.run(|| -3);
    let expected = Report {
        status: Status::Finished as u32,
        result: -3,
        budget_left: program.context.budget,
        ..Report::default()
    };
    assert_eq!(report, expected, "what an earlier launch left is gone");
    let report = program.run(|| gpufas_fault(11, 2, 0x123, 4, 7));
    assert_eq!(report.status, Status::Faulted as u32);
    let fault = report.fault;
    assert_eq!(
        (fault.kind, fault.access, fault.address, fault.size, fault.site, fault.reserved),
        (11, 2, 0x123, 4, 7, 0)
    );
}

#[test]
fn other_version_does_not_run() {
    let mut program = Program::new(AddressSpace::default());
    program.context.version = ABI_VERSION + 1;
    let report = program.run(|| panic!("the entry must not be reached"));
    assert_eq!(report, Report::default());
}

#[test]
fn recursion_ends() {
    #[expect(unconditional_recursion, reason = "that is what is tested")]
    #[inline(never)]
    fn recurse(depth: u64) -> u64 {
        gpufas_check_stack(SITE);
        std::hint::black_box(recurse(std::hint::black_box(depth + 1)) + 1)
    }
    let mut program = Program::new(AddressSpace::default());
    let (kind, address) = program.run_to_fault(|| recurse(0) as i64);
    assert_eq!(kind, FaultKind::StackOverflow);
    assert_ne!(address, 0);
    program.context.stack_size = 1 << 20;
    assert_eq!(
        program.outcome(|| {
            gpufas_check_stack(SITE);
            4
        }),
        Ok(4)
    );
}

#[test]
fn odd_buffers_are_refused() {
    use crate::context::gpufas_context;
    use crate::report::report;
    let mut program = Program::new(AddressSpace::default());
    let seen = program.run(|| {
        // SAFETY: only this thread runs a program.
        let good = unsafe { gpufas_context.report };
        let mut refused = 0;
        for bad in [
            Buffer { address: 0, ..good },
            Buffer { address: good.address + 4, ..good },
            Buffer { size: good.size - 1, ..good },
        ] {
            // SAFETY: as above.
            unsafe { gpufas_context.report = bad };
            refused += i64::from(report().is_none());
        }
        // SAFETY: as above.
        unsafe { gpufas_context.report = good };
        refused
    });
    assert_eq!(seen.result, 3);
}

#[test]
fn what_is_unsupported_says_so_in_the_log() {
    let mut program = Program::new(AddressSpace::default());
    let text = c"kernel/fork.c:7: no\n";
    // SAFETY: a C string.
    let ended = program.run_to_fault(|| unsafe { gpufas_unsupported(text.as_ptr().cast(), SITE) });
    assert_eq!(ended, (FaultKind::Unsupported, 0));
    assert_eq!(program.report.fault.site, SITE);
    assert_eq!(program.text(), text.to_bytes());
    // No room for a text is no reason to go on.
    program.log.truncate(4);
    // SAFETY: a C string.
    let ended = program.run_to_fault(|| unsafe { gpufas_unsupported(text.as_ptr().cast(), SITE) });
    assert_eq!((ended, program.report.log_lost), ((FaultKind::Unsupported, 0), 1));
}
