// SPDX-License-Identifier: MIT OR Apache-2.0

//! String functions, against slices.

use core::cmp::Ordering;

use gpufas_abi::FaultKind;
use proptest::prelude::*;

use super::machine::{DIRECT_MAP, Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::string::*;

/// Where the strings are: two places that end at the end of mapped memory, so that a byte too much faults,
/// and begin shortly before a page's end.
const END: u64 = VMALLOC + 2 * PAGE;
const OTHER_END: u64 = DIRECT_MAP + 32 * PAGE;

fn machine() -> Machine {
    let mut machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    assert!(machine.map(Mapping { va: VMALLOC, physical: 20 * PAGE, size: PAGE }, 0));
    assert!(machine.map(Mapping { va: VMALLOC + PAGE, physical: 18 * PAGE, size: PAGE }, 0));
    machine
}

/// Puts bytes before an end; their address.
fn put(machine: &Machine, end: u64, bytes: &[u8]) -> u64 {
    let start = end - bytes.len() as u64;
    for (va, byte) in (start..).zip(bytes) {
        machine.memory.set(machine.physical(va).unwrap(), &[*byte]);
    }
    start
}

fn get(machine: &Machine, va: u64, size: usize) -> Vec<u8> {
    (va..).take(size).map(|va| machine.memory.byte(machine.physical(va).unwrap()).unwrap()).collect()
}

/// A short text of few letters, so that many are alike, with its NUL; sometimes longer than a page.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let letters = prop_oneof![
        8 => prop::collection::vec(prop::sample::select(b"ab\xfe".to_vec()), 0..20),
        1 => prop::collection::vec(prop::sample::select(b"a".to_vec()), 4090..4100),
    ];
    letters.prop_map(|mut letters| {
        letters.push(0);
        letters
    })
}

fn sign(ordering: Ordering) -> i64 {
    ordering as i64
}

proptest! {
    #[test]
    fn lengths_and_searches(
        text in text(),
        most in 0u64..30,
        character in prop::sample::select(b"ab\xfec\0".to_vec()),
    ) {
        let machine = machine();
        let mut program = Program::new(machine.space);
        let string = put(&machine, END, &text);
        let pointer = string as *const u8;
        let plain = &text[..text.len() - 1];
        prop_assert_eq!(program.outcome(|| gpufas_lib_strlen(pointer, 1) as i64), Ok(plain.len() as i64));
        let expected = plain.len().min(most as usize);
        prop_assert_eq!(program.outcome(|| gpufas_lib_strnlen(pointer, most, 1) as i64), Ok(expected as i64));

        let at = |index: Option<usize>| Ok(index.map_or(0, |index| (string + index as u64) as i64));
        // As C passes a char.
        let c = i32::from(character as i8);
        let first = text.iter().position(|byte| *byte == character);
        prop_assert_eq!(program.outcome(|| gpufas_lib_strchr(pointer, c, 1) as i64), at(first));
        let last = text.iter().rposition(|byte| *byte == character);
        prop_assert_eq!(program.outcome(|| gpufas_lib_strrchr(pointer, c, 1) as i64), at(last));
        let size = text.len().min(most as usize);
        let within = text[..size].iter().position(|byte| *byte == character);
        prop_assert_eq!(program.outcome(|| gpufas_lib_memchr(pointer, c, size as u64, 1) as i64), at(within));
    }

    #[test]
    fn comparisons(a in text(), b in text(), most in 0usize..30) {
        let machine = machine();
        let mut program = Program::new(machine.space);
        let [x, y] = [put(&machine, END, &a) as *const u8, put(&machine, OTHER_END, &b) as *const u8];
        let expected = sign(a.cmp(&b));
        prop_assert_eq!(program.outcome(|| gpufas_lib_strcmp(x, y, 1).into()), Ok(expected));
        let expected = sign(a[..a.len().min(most)].cmp(&b[..b.len().min(most)]));
        prop_assert_eq!(program.outcome(|| gpufas_lib_strncmp(x, y, most as u64, 1).into()), Ok(expected));

        let size = most.min(a.len()).min(b.len());
        let difference = |at| i64::from(a[at]) - i64::from(b[at]);
        let expected = (0..size).map(difference).find(|by| *by != 0).unwrap_or(0);
        prop_assert_eq!(program.outcome(|| gpufas_lib_memcmp(x, y, size as u64, 1).into()), Ok(expected));
        let differs = program.outcome(|| gpufas_lib_bcmp(x, y, size as u64, 1).into()).map(|by| by != 0);
        prop_assert_eq!(differs, Ok(expected != 0));
    }

    #[test]
    fn copies(text in text(), room in 0usize..30) {
        let machine = machine();
        let mut program = Program::new(machine.space);
        let from = put(&machine, END, &text) as *const u8;
        let plain = text.len() - 1;

        let to = put(&machine, OTHER_END, &vec![b'#'; room]);
        let expected = if room == 0 || plain >= room { -7 } else { plain as i64 };
        let returned = program.outcome(|| gpufas_lib_strscpy(to as *mut u8, from, room as u64, 1));
        prop_assert_eq!(returned, Ok(expected));
        let mut copied = text[..plain.min(room.saturating_sub(1))].to_vec();
        if room > 0 {
            copied.push(0);
        }
        copied.resize(room, b'#');
        prop_assert_eq!(get(&machine, to, room), copied);

        let to = put(&machine, OTHER_END, &vec![b'#'; room]);
        let returned = program.outcome(|| gpufas_lib_strncpy(to as *mut u8, from, room as u64, 1) as i64);
        prop_assert_eq!(returned, Ok(to as i64));
        let mut copied = text[..plain.min(room)].to_vec();
        copied.resize(room, 0);
        prop_assert_eq!(get(&machine, to, room), copied);

        let to = put(&machine, OTHER_END, &vec![b'#'; text.len()]);
        let returned = program.outcome(|| gpufas_lib_strcpy(to as *mut u8, from, 1) as i64);
        prop_assert_eq!(returned, Ok(to as i64));
        prop_assert_eq!(get(&machine, to, text.len()), text);
    }
}

#[test]
fn comparisons_end_at_the_nul() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let a = put(&machine, END, b"same\0") as *const u8;
    let b = put(&machine, OTHER_END, b"same\0other") as *const u8;
    assert_eq!(program.outcome(|| gpufas_lib_strcmp(a, b, 1).into()), Ok(0));
    assert_eq!(program.outcome(|| gpufas_lib_strncmp(a, b, 20, 1).into()), Ok(0));
    let fault = program.run_to_fault(|| gpufas_lib_memcmp(b, b, 11, 1).into());
    assert_eq!(fault, (FaultKind::Unmapped, OTHER_END));
}

#[test]
fn string_at_the_odd_end_of_a_segment() {
    let machine = Machine::new(&[(0, PAGE + 13)], 4, 0);
    let mut program = Program::new(machine.space);
    let string = put(&machine, DIRECT_MAP + PAGE + 13, b"0123456789\0") as *const u8;
    assert_eq!(program.outcome(|| gpufas_lib_strlen(string, 1) as i64), Ok(10));
}

#[test]
fn string_without_end_faults() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let string = put(&machine, END, &[b'x'; 21]);
    let fault = program.run_to_fault(|| gpufas_lib_strlen(string as *const u8, 1) as i64);
    assert_eq!(fault, (FaultKind::Unmapped, END));
    let length = program.outcome(|| gpufas_lib_strnlen(string as *const u8, 21, 1) as i64);
    assert_eq!(length, Ok(21), "not a byte is read beyond the limit's page");
    program.context.budget = 20;
    let fault = program.run_to_fault(|| gpufas_lib_strlen(string as *const u8, 1) as i64);
    assert_eq!(fault, (FaultKind::BudgetSpent, 0));
}

#[test]
fn absurd_size_is_refused() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let string = put(&machine, END, b"abc\0") as *mut u8;
    for size in [0, 1 << 31, u64::MAX] {
        assert_eq!(program.outcome(|| gpufas_lib_strscpy(string, string, size, 1)), Ok(-7));
    }
}
