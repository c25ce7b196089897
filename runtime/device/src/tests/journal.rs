// SPDX-License-Identifier: MIT OR Apache-2.0

//! The record of stores.

use gpufas_abi::context::{FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY};
use gpufas_abi::symbols::runtime::OwnVariable;
use gpufas_abi::{FaultKind, JournalEntry};
use proptest::prelude::*;

use super::machine::{DIRECT_MAP, Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::access;
use crate::copy::gpufas_fill;
use crate::translate::gpufas_translate_store;

fn machine() -> Machine {
    let mut machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    assert!(machine.map(Mapping { va: VMALLOC, physical: 16 * PAGE, size: PAGE }, 0));
    for at in 16 * PAGE..18 * PAGE {
        machine.memory.set(at, &[at as u8 ^ 0x5a]);
    }
    machine
}

/// Stores as a compiled program does.
fn store(va: u64, value: u64, size: u64, site: u32) {
    let pointer = gpufas_translate_store(va, size, site);
    // SAFETY: that is what it is for.
    unsafe { access::store(pointer, value, size) };
}

#[test]
fn entries_tell_the_store() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.run(|| {
        store(VMALLOC + 8, 1, 8, 11);
        store(DIRECT_MAP + 17 * PAGE + 3, 2, 1, 12);
        gpufas_translate_store(VMALLOC + 16, 16, 13);
        0
    });
    let entry = |address, physical, old, size, site| JournalEntry { address, physical, old, size, site };
    let expected = [
        entry(VMALLOC + 8, 16 * PAGE + 8, 0x5554_5756_5150_5352, 8, 11),
        entry(DIRECT_MAP + 17 * PAGE + 3, 17 * PAGE + 3, 0x59, 1, 12),
        entry(VMALLOC + 16, 16 * PAGE + 16, 0x4d4c_4f4e_4948_4b4a, 8, 13),
        entry(VMALLOC + 24, 16 * PAGE + 24, 0x4544_4746_4140_4342, 8, 13),
    ];
    assert_eq!(program.entries(), expected);
}

proptest! {
    #[test]
    fn undoing_restores(
        stores in prop::collection::vec((0u64..2 * PAGE, 0u32..4, any::<u64>(), any::<bool>()), 0..60),
    ) {
        let machine = machine();
        let mut program = Program::new(machine.space);
        let before = machine.memory.snapshot();
        program.run(|| {
            for (offset, size, value, paged) in stores {
                let base = if paged && offset < PAGE { VMALLOC } else { DIRECT_MAP + 16 * PAGE };
                store((base + offset) >> size << size, value, 1 << size, 1);
            }
            0
        });
        for entry in program.entries().iter().rev() {
            machine.memory.set(entry.physical, &entry.old.to_le_bytes()[..entry.size as usize]);
        }
        prop_assert!(machine.memory.snapshot() == before);
    }

    #[test]
    fn accesses_are_counted_right(address in 0u64..64, differs in 0u64..16, size in 0u64..80) {
        let other = address ^ differs;
        let (mut done, mut accesses) = (0, 0);
        while done < size {
            done += access::width((address + done) | (other.wrapping_add(done)), size - done);
            accesses += 1;
        }
        prop_assert_eq!(access::count(address, other, size), accesses);
    }
}

#[test]
fn full_journal_counts() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.journal.truncate(2);
    let report = program.run(|| {
        for index in 0..5 {
            store(VMALLOC + 8 * index, index, 8, 1);
        }
        0
    });
    assert_eq!((report.journal_used, report.journal_lost), (2, 3));
    assert_eq!(machine.memory.byte(16 * PAGE + 32), Some(4), "stores that are not recorded are made");
}

#[test]
fn full_journal_that_must_be_complete_faults() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.journal.truncate(3);
    program.context.flags = FLAG_JOURNAL_COMPLETE;
    let fault = program.run_to_fault(|| {
        for index in 0..5 {
            store(VMALLOC + 8 * index, 0xee, 8, 1);
        }
        0
    });
    assert_eq!(fault, (FaultKind::JournalFull, VMALLOC + 24));
    assert_eq!((program.report.journal_used, program.report.journal_lost), (3, 0));
    assert_eq!(machine.memory.byte(16 * PAGE + 16), Some(0xee));
    assert_ne!(machine.memory.byte(16 * PAGE + 24), Some(0xee), "a store that is not recorded is not made");

    // Of a range that does not fit nothing is written.
    let before = machine.memory.snapshot();
    let fault = program.run_to_fault(|| {
        gpufas_fill(VMALLOC + 64, 0xff, 25, 1);
        0
    });
    assert_eq!(fault, (FaultKind::JournalFull, VMALLOC + 64));
    assert!(machine.memory.snapshot() == before);
    // But one that just fits is.
    let report = program.run(|| {
        gpufas_fill(VMALLOC + 64, 0xff, 24, 1);
        0
    });
    assert_eq!(report.journal_used, 3);
}

#[test]
fn read_only_memory_is_not_stored_to() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.context.flags = FLAG_READ_ONLY;
    let fault = program.run_to_fault(|| gpufas_translate_store(VMALLOC, 8, 1) as i64);
    assert_eq!(fault, (FaultKind::ReadOnly, VMALLOC));
    assert_eq!(program.report.journal_used, 0);
}

#[test]
fn an_address_of_own_memory_is_not_left_in_the_targets() {
    let own = [0u64; 4];
    let at = own.as_ptr().expose_provenance() as u64;
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.variables = vec![OwnVariable { address: at, size: 32 }];
    let place = DIRECT_MAP + 17 * PAGE;
    let ends = |program: &mut Program, values: &[(u64, u64)]| {
        let report = program.run(|| {
            for (offset, value) in values {
                store(place + offset, *value, 8, 4 + *offset as u32);
            }
            0
        });
        let fault = report.fault;
        FaultKind::from_number(fault.kind).map(|kind| (kind, fault.address, fault.size, fault.site))
    };
    assert_eq!(ends(&mut program, &[(0, at - 1), (8, at + 32), (16, VMALLOC), (24, 0)]), None);
    let left = Some((FaultKind::OwnAddress, place + 8, 8, 12));
    assert_eq!(ends(&mut program, &[(0, 5), (8, at + 31)]), left);
    assert_eq!(ends(&mut program, &[(8, at), (16, at), (8, 7), (16, VMALLOC)]), None, "put back");
}
