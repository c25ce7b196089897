// SPDX-License-Identifier: MIT OR Apache-2.0

//! Loads and stores at addresses that are no multiple of their size.

use gpufas_abi::symbols::runtime::OwnVariable;
use gpufas_abi::{Access, FaultKind};
use proptest::prelude::*;

use super::machine::{Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::translate::{gpufas_translate_atomic, gpufas_translate_load, gpufas_translate_store};
use crate::unaligned::gpufas_stored;

const SITE: u32 = 5;

/// Three pages in the order in which they do not lie in memory, then one that is not mapped.
fn machine() -> Machine {
    let mut machine = Machine::new(&[(0, 0x20_000)], 4, 0x10_000);
    for (page, physical) in [0x5000, 0x2000, 0x9000].into_iter().enumerate() {
        assert!(machine.map(Mapping { va: VMALLOC + page as u64 * PAGE, physical, size: PAGE }, 0));
        let bytes: Vec<u8> = (0..PAGE).map(|at| (at * 7 + physical / PAGE) as u8).collect();
        machine.memory.set(physical, &bytes);
    }
    machine
}

/// Loads as a program does.
fn load(program: &mut Program, va: u64, size: u64) -> Result<Vec<u8>, FaultKind> {
    let mut loaded = vec![0; size as usize];
    let outcome = program.outcome(|| {
        let from = gpufas_translate_load(va, size, SITE);
        assert!((from as u64).is_multiple_of(size), "a GPU could not load from there");
        // SAFETY: `size` bytes can be loaded from there.
        loaded.iter_mut().enumerate().for_each(|(at, byte)| *byte = unsafe { *from.wrapping_add(at) });
        0
    });
    outcome.map(|_| loaded)
}

/// Stores as a program does.
fn store(program: &mut Program, va: u64, bytes: &[u8]) -> Result<(), FaultKind> {
    let outcome = program.outcome(|| {
        let to = gpufas_translate_store(va, bytes.len() as u64, SITE);
        assert!((to as u64).is_multiple_of(bytes.len() as u64), "a GPU could not store there");
        // SAFETY: as many bytes can be stored there.
        bytes.iter().enumerate().for_each(|(at, byte)| unsafe { *to.wrapping_add(at) = *byte });
        gpufas_stored(SITE);
        0
    });
    outcome.map(drop)
}

proptest! {
    /// Byte by byte what is there, also where an access crosses pages, and the journal holds what was there.
    #[test]
    fn every_byte_is_where_it_belongs(offset in 0..3 * PAGE + 20, size in 0u32..5, value in any::<u128>()) {
        let (machine, size) = (machine(), 1u64 << size);
        let va = VMALLOC + offset;
        let byte = |va| machine.memory.byte(machine.physical(va).ok()?);
        let before: Option<Vec<u8>> = (va..va + size).map(byte).collect();
        let mut program = Program::new(machine.space);
        prop_assert_eq!(load(&mut program, va, size).ok(), before.clone());
        let bytes = &value.to_le_bytes()[..size as usize];
        let stored = store(&mut program, va, bytes);
        let Some(before) = before else {
            prop_assert_eq!(stored, Err(FaultKind::Unmapped));
            prop_assert_eq!(program.report.fault.access, Access::Store as u32);
            prop_assert_eq!(program.report.journal_used, 0);
            return Ok(());
        };
        prop_assert_eq!(stored, Ok(()));
        let after: Option<Vec<u8>> = (va..va + size).map(byte).collect();
        prop_assert_eq!(after.as_deref(), Some(bytes));
        for entry in program.entries() {
            machine.memory.set(entry.physical, &entry.old.to_le_bytes()[..entry.size as usize]);
        }
        prop_assert_eq!((va..va + size).map(byte).collect::<Option<Vec<u8>>>(), Some(before));
    }
}

#[test]
fn own_memory_need_not_be_aligned_either() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let mut variable = [0x0807_0605_0403_0201u64, 0];
    let at = variable.as_mut_ptr() as u64;
    program.variables = vec![OwnVariable { address: at, size: 12 }];
    assert_eq!(load(&mut program, at + 1, 4), Ok(vec![2, 3, 4, 5]));
    assert_eq!(load(&mut program, at + 6, 8), Err(FaultKind::OutOfBounds));
    assert_eq!(store(&mut program, at + 3, &[9, 8]), Ok(()));
    assert_eq!(load(&mut program, at + 2, 4), Ok(vec![3, 9, 8, 6]));
    assert_eq!(store(&mut program, at + 9, &[0; 4]), Err(FaultKind::OutOfBounds));
    assert_eq!(program.report.journal_used, 0, "own memory is not recorded");
}

#[test]
fn what_was_not_stored_is_forgotten_at_the_next_start() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    assert!(program.outcome(|| gpufas_translate_store(VMALLOC + 1, 4, SITE) as i64).is_ok());
    let before = machine.memory.snapshot();
    let next = program.outcome(|| {
        gpufas_stored(SITE);
        7
    });
    assert_eq!(next, Ok(7));
    assert!(machine.memory.snapshot() == before);
}

#[test]
fn what_is_done_in_one_step_has_to_be_aligned() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    for (va, size) in [(VMALLOC + 1, 8), (VMALLOC + 4, 8), (VMALLOC + 3, 2), (VMALLOC + 8, 16)] {
        let fault = program.run_to_fault(|| gpufas_translate_atomic(va, size, SITE) as i64);
        assert_eq!(fault, (FaultKind::Misaligned, va));
    }
    assert!(program.outcome(|| gpufas_translate_atomic(VMALLOC + 4, 4, SITE) as i64).is_ok());
}
