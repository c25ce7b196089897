// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vsnprintf`.

use core::ffi::CStr;

use gpufas_abi::FaultKind;
use gpufas_abi::symbols::runtime::{OWN_VARIABLE_CONSTANT, OwnVariable};

use super::machine::{Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::text::gpufas_lib_vsnprintf;

/// Bytes of the page of the kernel's that text is written to, behind which there is none.
const ROOM: u64 = PAGE;

const FILLER: u8 = b'#';

/// A `va_list` of x86-64.
#[repr(C)]
struct VaList {
    general: u32,
    vector: u32,
    rest: *const u64,
    saved: *const u64,
}

fn machine() -> Machine {
    let mut machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    assert!(machine.map(Mapping { va: VMALLOC, physical: 20 * PAGE, size: PAGE }, 0));
    machine.memory.set(20 * PAGE, &[FILLER; PAGE as usize]);
    machine
}

/// Formats text, of whose arguments the first `registers` are in saved registers, into `size` bytes at an offset of the page.
fn format(
    (offset, size): (u64, u64),
    text: &'static CStr,
    arguments: &[u64],
    registers: usize,
) -> (Result<i64, FaultKind>, String) {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let address = text.as_ptr() as u64;
    program.variables =
        vec![OwnVariable { address, size: (text.count_bytes() as u64 + 1) | OWN_VARIABLE_CONSTANT }];
    let outcome = program.outcome(|| {
        // On the stack, as a compiler has them.
        let (mut saved, mut rest) = ([0u64; 6], [0u64; 8]);
        let (first, others) = arguments.split_at(registers);
        saved[6 - registers..].copy_from_slice(first);
        rest[..others.len()].copy_from_slice(others);
        let list = VaList {
            general: 8 * (6 - registers as u32),
            vector: 48,
            rest: rest.as_ptr(),
            saved: saved.as_ptr(),
        };
        let to = (VMALLOC + offset) as *mut u8;
        gpufas_lib_vsnprintf(to, size, text.as_ptr().cast(), (&raw const list).cast(), 3).into()
    });
    let page: Vec<u8> = (0..PAGE).filter_map(|index| machine.memory.byte(20 * PAGE + index)).collect();
    assert!(page[..offset as usize].iter().all(|byte| *byte == FILLER), "before the text");
    let written: Vec<u8> =
        page[offset as usize..].iter().copied().take_while(|byte| *byte != FILLER).collect();
    let after = offset as usize + written.len();
    assert!(page[after..].iter().all(|byte| *byte == FILLER), "after the text");
    (outcome, String::from_utf8_lossy(&written).into_owned())
}

#[test]
fn arguments_come_from_registers_and_from_the_stack() {
    for registers in 0..=6 {
        let arguments = [1, 2, 3, 4, 5, 6, 7];
        let (outcome, text) = format((0, 64), c"%d %d %d %d %d %d %d", &arguments, registers);
        assert_eq!((outcome, text.as_str()), (Ok(13), "1 2 3 4 5 6 7\0"), "{registers}");
    }
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    for (size, expected) in [(0, ""), (1, "\0"), (4, "123\0"), (9, "12345678\0"), (10, "12345678\0")] {
        assert_eq!(format((8, size), c"%d", &[12_345_678], 1), (Ok(8), expected.to_owned()), "{size}");
    }
    // Only as much memory must be there as is written.
    assert_eq!(format((ROOM - 3, 1 << 20), c"%d", &[12], 1), (Ok(2), "12\0".to_owned()));
    // A size that lib/vsprintf.c takes for a mistake.
    assert_eq!(format((8, 1 << 31), c"%d", &[12], 1), (Ok(0), String::new()));
    // A text that has no end is one with a budget.
    let (outcome, _) = format((8, 16), c"%*d%*d", &[8_000_000, 1, 8_000_000, 1], 4);
    assert_eq!(outcome, Err(FaultKind::BudgetSpent));
}

#[test]
fn text_that_does_not_fit_into_memory_is_a_fault() {
    let (outcome, text) = format((ROOM - 2, 64), c"%d", &[12], 1);
    assert!(matches!(outcome, Err(FaultKind::Unmapped)), "{outcome:?}");
    assert_eq!(text, "12");
}
