// SPDX-License-Identifier: MIT OR Apache-2.0

//! Interrupts that a program asks for.

use gpufas_abi::InterruptRequest;
use gpufas_abi::context::FLAG_INTERRUPTS;

use super::machine::Machine;
use super::memory::PAGE;
use super::program::Program;
use crate::interrupt::{gpufas_lib_gpufas_interrupts_available, gpufas_lib_gpufas_request_interrupt};

const EINVAL: i64 = 22;
const ENOSPC: i64 = 28;
const EOPNOTSUPP: i64 = 95;

fn program(flags: u32) -> Program {
    let mut program = Program::new(Machine::new(&[(0, 32 * PAGE)], 4, 0).space);
    program.context.flags = flags;
    program
}

fn request(cpu: u32, vector: u32, address: u64, value: u64) -> i64 {
    i64::from(gpufas_lib_gpufas_request_interrupt(cpu, cpu + 8, vector, address, value, cpu + 4, 3))
}

#[test]
fn a_request_is_made_once_for_a_cpu_and_a_vector_with_the_last_word_to_watch() {
    let mut program = program(FLAG_INTERRUPTS);
    let ended = program.outcome(|| {
        assert_eq!(gpufas_lib_gpufas_interrupts_available(1), 1);
        for (cpu, vector, address, value) in
            [(0, 0xfb, 16, 1), (1, 0xfb, 24, 2), (0, 0xfd, 0, 0), (0, 0xfb, 32, 3), (1, 0xfb, 0, 9)]
        {
            assert_eq!(request(cpu, vector, address, value), 0);
        }
        0
    });
    assert_eq!(ended, Ok(0));
    let expected = |cpu, vector, address, value| InterruptRequest {
        cpu,
        apic_id: cpu + 8,
        vector,
        site: 3,
        address,
        value,
        size: cpu + 4,
        reserved: 0,
    };
    assert_eq!(program.report.interrupts_used, 3);
    assert_eq!(
        program.interrupts[..3],
        [expected(0, 0xfb, 32, 3), expected(1, 0xfb, 24, 2), expected(0, 0xfd, 0, 0)]
    );
}

#[test]
fn what_does_not_fit_or_is_no_interrupt_is_refused() {
    let mut program = program(FLAG_INTERRUPTS);
    let ended = program.outcome(|| {
        assert_eq!([request(0, 31, 0, 0), request(0, 256, 0, 0)], [-EINVAL; 2]);
        for cpu in 0..4 {
            assert_eq!(request(cpu, 32, 0, 0), 0);
        }
        assert_eq!(request(2, 32, 0, 0), 0, "this one is there");
        request(4, 32, 0, 0)
    });
    assert_eq!(ended, Ok(-ENOSPC));
    assert_eq!(program.report.interrupts_used, 4);
}

#[test]
fn a_host_that_sends_none_is_asked_in_vain() {
    let mut program = program(0);
    let ended = program.outcome(|| {
        assert_eq!(gpufas_lib_gpufas_interrupts_available(1), 0);
        request(0, 0xfb, 0, 0)
    });
    assert_eq!(ended, Ok(-EOPNOTSUPP));
    assert_eq!(program.report.interrupts_used, 0);
}
