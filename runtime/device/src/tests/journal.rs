// SPDX-License-Identifier: MIT OR Apache-2.0

//! The record of stores.

use std::ptr;

use gpufas_abi::context::{FLAG_COPY, FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY};
use gpufas_abi::symbols::runtime::OwnVariable;
use gpufas_abi::{After, FaultKind, JournalEntry, JournalKind};
use proptest::prelude::*;

use super::machine::{DIRECT_MAP, Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::access;
use crate::copy::gpufas_fill;
use crate::section::{
    gpufas_exchanged, gpufas_lib_gpufas_lock_released, gpufas_lib_gpufas_lock_taken,
    gpufas_lib_gpufas_lock_taking, gpufas_lib_gpufas_pause_begun, gpufas_lib_gpufas_pause_ended,
    gpufas_lib_gpufas_stores_are_kept, gpufas_stored_value,
};
use crate::translate::{gpufas_translate_atomic, gpufas_translate_store};
use crate::unaligned::gpufas_stored;

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
    let entry = |address, physical, old, size, site| {
        let kind = JournalKind::Store as u32;
        JournalEntry { address, physical, old, size, site, kind, ..JournalEntry::default() }
    };
    let expected = [
        entry(VMALLOC + 8, 16 * PAGE + 8, 0x5554_5756_5150_5352, 8, 11),
        entry(DIRECT_MAP + 17 * PAGE + 3, 17 * PAGE + 3, 0x59, 1, 12),
        entry(VMALLOC + 16, 16 * PAGE + 16, 0x4d4c_4f4e_4948_4b4a, 8, 13),
        entry(VMALLOC + 24, 16 * PAGE + 24, 0x4544_4746_4140_4342, 8, 13),
    ];
    assert_eq!(program.entries(), expected);
}

#[test]
fn sections_are_marked_and_it_is_told_what_was_stored() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let word = |va: u64| ptr::without_provenance::<u8>(va as usize);
    let lock = VMALLOC + 16;
    let (kind, _) = program.run_to_fault(|| {
        store(VMALLOC, 1, 8, 1);
        gpufas_stored_value(1);
        gpufas_lib_gpufas_lock_taking(word(lock), 4, 2);
        gpufas_translate_atomic(lock, 4, 2);
        gpufas_exchanged(0, 7);
        gpufas_lib_gpufas_lock_taken(word(lock), 4, 7, 0xff, 2);
        // Of two halves nothing is told, nor of a store to the program's own memory, nor twice.
        gpufas_translate_store(VMALLOC + 32, 16, 5);
        gpufas_stored_value(3);
        gpufas_stored_value(4);
        gpufas_fill(VMALLOC + 48, 0xab, 3, 6);
        gpufas_stored_value(5);
        // Unaligned: the runtime makes the stores.
        store(VMALLOC + 57, 0x0102_0304, 4, 7);
        gpufas_stored(7);
        gpufas_stored_value(0x0102_0304);
        gpufas_lib_gpufas_pause_begun(word(DIRECT_MAP), 9, 8);
        gpufas_lib_gpufas_pause_ended(word(DIRECT_MAP), 9, 9);
        gpufas_lib_gpufas_lock_released(word(lock), 4, 10);
        gpufas_lib_gpufas_stores_are_kept(word(DIRECT_MAP + 16), 64, 11);
        // One of the program's own is nobody else's affair.
        gpufas_lib_gpufas_lock_taken(word(0x1000), 4, 7, 7, 12);
        gpufas_lib_gpufas_lock_taking(word(VMALLOC + 5 * PAGE), 8, 13);
        0
    });
    assert_eq!(kind, FaultKind::Unmapped);
    let found: Vec<_> = program
        .entries()
        .iter()
        .map(|entry| {
            let kind = JournalKind::from_number(entry.kind).unwrap();
            (kind, entry.physical.wrapping_sub(16 * PAGE), entry.size, entry.site, entry.after, entry.new)
        })
        .collect();
    let (unknown, stored, exchanged) = (After::Unknown as u32, After::Stored as u32, After::Exchanged as u32);
    let at = |va: u64| va.wrapping_sub(DIRECT_MAP).wrapping_sub(16 * PAGE);
    use JournalKind::*;
    let expected = [
        (Store, 0, 8, 1, stored, 1),
        (Store, 16, 4, 2, exchanged, 7),
        (LockTaken, 16, 4, 2, unknown, 7),
        (Store, 32, 8, 5, unknown, 0),
        (Store, 40, 8, 5, unknown, 0),
        (Store, 48, 2, 6, stored, 0xabab),
        (Store, 50, 1, 6, stored, 0xab),
        (Store, 57, 1, 7, stored, 0x04),
        (Store, 58, 1, 7, stored, 0x03),
        (Store, 59, 1, 7, stored, 0x02),
        (Store, 60, 1, 7, stored, 0x01),
    ];
    assert_eq!(found[..expected.len()], expected);
    let marks: Vec<_> =
        found[expected.len()..].iter().map(|entry| (entry.0, entry.2, entry.3, entry.5)).collect();
    assert_eq!(
        marks,
        [(PauseBegun, 8, 8, 9), (PauseEnded, 8, 9, 9), (LockReleased, 4, 10, 0), (Kept, 64, 11, 0)]
    );
    assert_eq!(found[expected.len()].1, at(DIRECT_MAP));
    assert_eq!(program.entries()[1].old, 0, "what the exchange has found");
    assert_eq!(program.entries()[2].old, 0xff, "which bits tell that it is held");
}

#[test]
fn no_lock_is_taken_of_which_the_host_would_not_know() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.journal.truncate(1280);
    let word = ptr::without_provenance::<u8>((VMALLOC + 16) as usize);
    let (kind, _) = program.run_to_fault(|| {
        (0..2000).for_each(|_| store(VMALLOC, 1, 8, 1));
        loop {
            gpufas_lib_gpufas_lock_taking(word, 4, 2);
            gpufas_lib_gpufas_lock_taken(word, 4, 1, 1, 2);
        }
    });
    assert_eq!(kind, FaultKind::JournalFull);
    let stores = program.entries().iter().filter(|entry| entry.kind == JournalKind::Store as u32).count();
    assert_eq!(
        (stores, program.entries().len()),
        (1270, 1276),
        "room is left to release those that are held"
    );
    assert_eq!(program.report.journal_lost, 730);
}

#[test]
fn a_copy_has_locks_of_its_own() {
    let machine = machine();
    let word = ptr::without_provenance::<u8>((VMALLOC + 16) as usize);
    for (flags, marks) in [(FLAG_COPY | FLAG_JOURNAL_COMPLETE, 0), (FLAG_JOURNAL_COMPLETE, 1)] {
        let mut program = Program::new(machine.space);
        program.context.flags = flags;
        program.run(|| {
            gpufas_lib_gpufas_lock_taking(word, 4, 1);
            gpufas_lib_gpufas_lock_taken(word, 4, 1, 1, 1);
            0
        });
        assert_eq!(program.entries().len(), marks, "{flags}");
    }
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
