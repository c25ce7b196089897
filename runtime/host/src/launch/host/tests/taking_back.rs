// SPDX-License-Identifier: MIT OR Apache-2.0

//! Taking back all that a program wrote, in a guest that stands still.

use super::*;
use crate::launch::NotTakenBack;

/// Runs a program that writes, and ends so: what came of it, the memory, and what it held before.
fn run_to(end: &str) -> (Outcome, GuestMemory, Arc<File>, Vec<u8>) {
    let (memory, file) = memory(Backing::Shared);
    let before = content(&file);
    let code = format!("ENTRY(test) {{ {STORES} {end} }}");
    let outcome = run_for(&code, &memory, Duration::from_millis(300)).result.unwrap();
    assert!(content(&file) != before && outcome.stores_kept);
    (outcome, memory, file, before)
}

#[test]
fn stores_can_be_taken_back_if_all_is_known_of_them() {
    let (mut outcome, memory, file, before) = run_to("finish(0);");
    let after = content(&file);
    let mut large = outcome.clone();
    large.stores[0].entry.size = 9;
    let lost = Outcome { stores_lost: 1, ..outcome.clone() };
    let runs = Outcome { still_runs: true, ..outcome.clone() };
    for (mut outcome, reason) in
        [(large, NotTakenBack::Unknown), (lost, NotTakenBack::Unknown), (runs, NotTakenBack::StillRuns)]
    {
        assert_eq!(outcome.take_back(&memory), Err(reason));
        assert!(content(&file) == after, "nothing is put back if not all can be");
        assert!(outcome.stores_kept && outcome.stores.iter().all(|store| !store.taken_back));
    }
    let (dump, _) = super::memory(Backing::Dump);
    assert_eq!(outcome.clone().take_back(&dump), Err(NotTakenBack::NotWritten));
    outcome.take_back(&memory).unwrap();
    assert!(content(&file) == before);
    assert!(!outcome.stores_kept && outcome.stores.iter().all(|store| store.taken_back), "and it is told");
}

#[test]
fn of_a_program_that_did_not_come_to_its_end_nothing_is_left_if_half_is_worse() {
    const KILLED: &str = "
        long pid;
        __asm__ volatile(\"syscall\" : \"=a\"(pid) : \"a\"(39) : \"rcx\", \"r11\");
        __asm__ volatile(\"syscall\" : : \"a\"(62), \"D\"(pid), \"S\"(9) : \"rcx\", \"r11\");
    ";
    for (end, kind) in [
        ("fault(1, 0x1234);", "Fault"),
        ("*(volatile int *)8 = 1;", "Crash"),
        (KILLED, "Crash"),
        ("end_process(3);", "Vanished"),
        ("for (;;);", "Unresponsive"),
    ] {
        let (mut outcome, memory, file, before) = run_to(end);
        assert!(format!("{:?}", outcome.end).starts_with(kind), "{end}: {:?}", outcome.end);
        outcome.whole_or_nothing(&memory);
        assert_eq!(outcome.half_left, None, "{end}");
        assert!(content(&file) == before && !outcome.stores_kept, "{end}");
    }
    let (mut outcome, memory, file, before) = run_to("finish(-5);");
    outcome.whole_or_nothing(&memory);
    assert!(content(&file) != before && outcome.stores_kept, "it says itself what it returns");
}

#[test]
fn that_half_is_left_is_noted() {
    let (mut outcome, memory, file, before) = run_to("REPORT->journal_lost = 1; fault(1, 0x1234);");
    outcome.whole_or_nothing(&memory);
    assert_eq!(outcome.half_left, Some(NotTakenBack::Unknown));
    assert!(content(&file) != before && outcome.stores_kept);
}

#[test]
fn a_lock_that_was_held_is_as_it_was_before() {
    let (memory, file) = memory(Backing::Shared);
    file.write_all_at(&[0; 8], 0x100).unwrap();
    let before = content(&file);
    let code = "ENTRY(test) { store(8, 1, 0xaa); take(0x100); change(0x200, 4, 5); end_process(3); }";
    let mut outcome = run_on(code, &memory).result.unwrap();
    assert!(outcome.stores_kept, "what was stored before it is there");
    outcome.whole_or_nothing(&memory);
    assert!(content(&file) == before && !outcome.stores_kept);
    let left = outcome.left.unwrap();
    assert!(left.nothing_left && left.taken_back.is_ok());
}

#[test]
fn a_program_of_which_half_is_worse_must_have_all_of_its_stores_recorded() {
    let flags = |backing, all_or_nothing| {
        let code = "ENTRY(test) { finish(CONTEXT->flags); }";
        let change = |variant: &mut Variant| variant.all_or_nothing = all_or_nothing;
        match run_as(code, &memory(backing).0, Duration::from_secs(60), false, change).result.unwrap().end {
            End::Finished(flags) => flags as u32,
            end => panic!("{end:?}"),
        }
    };
    assert_eq!(flags(Backing::Shared, true), FLAG_JOURNAL_COMPLETE);
    assert_eq!(flags(Backing::Shared, false), 0);
    assert_eq!(flags(Backing::Private, true), FLAG_COPY | FLAG_JOURNAL_COMPLETE);
    assert_eq!(flags(Backing::Dump, true), FLAG_READ_ONLY);
}
