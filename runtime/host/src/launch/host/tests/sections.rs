// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that end in critical sections, in ways that no compiled one should.

use super::*;
use crate::launch::NotTakenBack;

/// What programs do that end with the lock at 0x100 held: a store before it, and in it three, and a flag; somebody comes to wait for it.
const LOCKED: &str = "
    store(8, 1, 0xaa);
    take(0x100);
    change(0x200, 8, 0x1122334455667788);
    set_flag(0x208, 4);
    change(0x200, 8, 0x99);
    put(0x102, 1, 7);
";

/// Runs a program that begins with [`LOCKED`] for a time: what came of it, and memory before and after. Two locks are free before.
fn run_locked(code: &str, time: Duration) -> (Outcome, Vec<u8>, Vec<u8>) {
    let (memory, file) = memory(Backing::Shared);
    file.write_all_at(&[0; 8], 0x100).unwrap();
    let before = content(&file);
    let ran = run_for(&format!("ENTRY(test) {{ {LOCKED} {code} }}"), &memory, time);
    (ran.result.unwrap(), before, content(&file))
}

#[test]
fn who_ends_with_a_lock_leaves_neither_it_nor_what_it_stored_under_it() {
    for end in [
        "fault(1, 0x1234);",
        "end_process(3);",
        "*(volatile int *)8;",
        "for (;;) get(0, 1);",
        // Recorded, and not made yet.
        "record(0x210, 4, get(0x210, 4)); fault(1, 2);",
        // Nothing was stored under the inner lock.
        "take(0x104); release(0x104); fault(1, 2);",
        // An exchange that failed has stored nothing, whatever is there.
        "enter(STORE, 0x210, 4, 5, 5)->after = EXCHANGED; fault(1, 2);",
    ] {
        let (outcome, before, after) = run_locked(end, Duration::from_millis(300));
        let left = outcome.left.unwrap();
        assert_eq!((left.released, left.not_released, left.taken_back), (1, 0, Ok(())), "{end}");
        assert!(!left.paused && !left.nothing_left && outcome.stores_kept, "{end}");
        let taken_back: Vec<_> = outcome.stores.iter().take(5).map(|store| store.taken_back).collect();
        assert_eq!(taken_back, [false, false, true, true, true], "{end}");
        let mut expected = before;
        expected[8] = 0xaa;
        expected[0x102] = 7;
        assert!(after == expected, "{end}: the store before it is there, and so is who waits for the lock");
    }
}

#[test]
fn who_has_stored_only_under_locks_leaves_nothing() {
    let (memory, file) = memory(Backing::Shared);
    file.write_all_at(&[0; 8], 0x100).unwrap();
    let before = content(&file);
    let code =
        "ENTRY(test) { take(0x100); change(0x200, 4, 5); take(0x104); change(0x208, 1, 5); fault(1, 2); }";
    let outcome = run_on(code, &memory).result.unwrap();
    let left = outcome.left.unwrap();
    assert!(left.nothing_left && left.released == 2 && !outcome.stores_kept);
    assert!(content(&file) == before);
}

#[test]
fn what_cannot_be_taken_back_stays_and_the_lock_is_released() {
    for (code, reason) in [
        ("put(0x200, 8, 0x98); fault(1, 2);", NotTakenBack::Changed),
        // Of what was stored, not set in one step, all counts.
        ("change(0x210, 1, 4); put(0x210, 1, 6); fault(1, 2);", NotTakenBack::Changed),
        ("put(0x208, 1, 0x08); fault(1, 2);", NotTakenBack::Changed),
        ("take(0x104); change(0x300, 1, 9); release(0x104); fault(1, 2);", NotTakenBack::Released),
        ("REPORT->journal_lost = 1; fault(1, 2);", NotTakenBack::Unknown),
        ("store(0x300, 4, 1); fault(1, 2);", NotTakenBack::Unknown),
        ("enter(STORE, 0x301, 4, 0, 0)->after = STORED; fault(1, 2);", NotTakenBack::Unknown),
        ("enter(STORE, 1ul << 40, 4, 0, 0)->after = STORED; fault(1, 2);", NotTakenBack::Unknown),
        ("enter(STORE, -1, 64, 0, 0)->after = STORED; fault(1, 2);", NotTakenBack::Unknown),
        ("finish(0);", NotTakenBack::Returned),
    ] {
        let (outcome, _, after) = run_locked(code, Duration::from_secs(60));
        let left = outcome.left.unwrap();
        assert_eq!((left.released, left.taken_back, left.nothing_left), (1, Err(reason), false), "{code}");
        assert_eq!(
            after[0x100..0x108],
            [0, 0, 7, 0, 0, 0, 0, 0],
            "{code}: released, and the waiter is there"
        );
        assert!(after[0x200] & 0x98 == 0x98, "{code}: what was stored is there");
        assert!(outcome.stores.iter().all(|store| !store.taken_back), "{code}");
    }
}

#[test]
fn flags_that_others_set_in_a_byte_stay_when_ours_is_taken_back() {
    // It was 8 and became 0x0c; somebody sets 0x41.
    let (outcome, _, after) = run_locked("put(0x208, 1, 0x4d); fault(1, 2);", Duration::from_secs(60));
    assert_eq!(outcome.left.unwrap().taken_back, Ok(()));
    assert_eq!(after[0x208], 0x49);
}

#[test]
fn what_the_program_released_is_left_alone() {
    let (outcome, _, after) = run_locked("release(0x100); fault(1, 2);", Duration::from_secs(60));
    assert_eq!(outcome.left, None);
    assert_eq!((after[0x100], after[0x102], after[0x200]), (0, 7, 0x99));
}

#[test]
fn a_lock_that_is_not_held_as_it_was_taken_is_not_released() {
    // Somebody has released it; a hypervisor has to kick a waiter.
    for byte in [0, 3] {
        let (outcome, _, after) =
            run_locked(&format!("put(0x100, 1, {byte}); fault(1, 2);"), Duration::from_secs(60));
        let left = outcome.left.unwrap();
        assert_eq!((left.released, left.not_released, left.taken_back), (0, 1, Ok(())));
        assert_eq!(after[0x100], byte);
    }
}

#[test]
fn memory_that_may_not_be_written_has_no_locks_to_release() {
    let (shared, file) = memory(Backing::Shared);
    let extents = shared.extents().to_vec();
    let read_only = Some(io::ErrorKind::PermissionDenied);
    let memory = GuestMemory::new(Backing::Shared, extents, read_only, "test".into()).unwrap();
    let before = content(&file);
    let code = "ENTRY(test) { enter(LOCK_TAKEN, 0x100, 4, 0, 1); fault(1, 2); }";
    assert_eq!(run_on(code, &memory).result.unwrap().left, None);
    assert!(content(&file) == before);
}

#[test]
fn what_is_written_while_the_guest_stands_still_is_taken_back_as_long_as_it_does() {
    // Another pause was not ended.
    let code = |number: u64| {
        format!(
            "ENTRY(test) {{
                put(0x400, 8, 41); enter(KEPT, 0x500, 64, 0, 0); enter(PAUSE_BEGUN, 0x400, 8, 0, 41);
                store(0x510, 8, 1); store(0x600, 4, 2); enter(PAUSE_ENDED, 0x400, 8, 0, 40);
                put(0x400, 8, {number}); fault(1, 2);
            }}"
        )
    };
    for (number, taken_back) in [(41, Ok(())), (42, Err(NotTakenBack::WentOn))] {
        let (memory, file) = memory(Backing::Shared);
        let before = content(&file);
        let outcome = run_on(&code(number), &memory).result.unwrap();
        let left = outcome.left.unwrap();
        assert_eq!((left.paused, left.stores.len(), left.taken_back), (true, 1, taken_back));
        let after = content(&file);
        assert_eq!(after[0x510], 1, "what is acted upon at once stays");
        assert_eq!(after[0x600..0x604] == before[0x600..0x604], taken_back.is_ok());
        assert_eq!(outcome.stores[1].new, Some(2), "what was stored is told");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever a program leaves in its journal is survived.
    #[test]
    fn any_sections_are_survived(
        entries in prop::collection::vec((0u32..7, 0u32..3, prop::sample::select(vec![0u64, 0x100, 0x101, 0xffff, 1 << 32, u64::MAX]),
            prop::sample::select(vec![0u32, 1, 4, 8, 9, u32::MAX]), any::<u64>()), 1..12),
    ) {
        let entries = entries.iter().map(|(kind, after, address, size, value)| {
            format!("enter({kind}, {address}ul, {size}u, 0, {value}ul)->after = {after};")
        });
        let code = format!("ENTRY(test) {{ {} fault(1, 2); }}", entries.collect::<String>());
        let outcome = run_on(&code, &memory(Backing::Shared).0).result.unwrap();
        prop_assert!(matches!(outcome.end, End::Fault(_)));
    }
}
