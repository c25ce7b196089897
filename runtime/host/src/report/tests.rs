// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::arguments::Value;
use crate::error::Error;
use crate::launch::{End, Left, NotTakenBack, Outcome, StopReason, Store};
use crate::message_interrupt::{Interrupt, Served};
use crate::program::Program;
use crate::run::{Identity, NamedStore, Summary};
use gpufas_abi::manifest::{Frame, Target};
use gpufas_abi::{Access, FaultRecord, JournalEntry};
use std::time::Duration;

/// A run of `kill(-5)` that ended so.
fn run(end: End) -> Summary {
    let mut manifest = crate::program::tests::manifest();
    manifest.target = Target::Cuda;
    manifest.variants[0].sites[1].inlined_at =
        vec![Frame { file: "/a/b/list.h".into(), line: 3, column: 1, function: "walk\x1b[2J".into() }];
    let program =
        Program::parse("kill.fatbin".as_ref(), crate::program::tests::fatbinary(&manifest)).unwrap();
    let store = |address, old, new, size, symbol: Option<(&str, u64)>| NamedStore {
        store: Store {
            entry: JournalEntry { address, physical: 0x1000, old, size, site: 1, ..JournalEntry::default() },
            new,
            taken_back: false,
        },
        symbol: symbol.map(|(name, offset)| (name.into(), offset)),
    };
    let stores = vec![
        store(0xffff_8880_0000_1000, 2, Some(6), 1, None),
        store(0xffff_ffff_8100_0010, 0, None, 8, Some(("init_task", 0x10))),
    ];
    Summary {
        entry: program.manifest().entries[0].clone(),
        program,
        variant: 0,
        arguments: vec![Value::Number(-5i64 as u64)],
        device: "cuda:0 (NVIDIA H200)".into(),
        kernel: Identity { release: "6.1.0".into(), version: "#1 SMP".into(), build_id: None },
        memory: "shared memory /dev/shm/guest".into(),
        cpu: None,
        paused: true,
        tries: 2,
        last: Outcome {
            end,
            stop_reason: None,
            stores: Vec::new(),
            stores_lost: 0,
            stores_kept: true,
            left: None,
            half_left: None,
            still_runs: false,
            interrupts: Vec::new(),
            log_lost: 0,
            budget_left: 7,
            duration: Duration::from_micros(1500),
        },
        fault_symbol: None,
        stores,
        interrupts: Vec::new(),
        no_interrupts: None,
        guest_error: None,
    }
}

fn fault(kind: FaultKind, site: u32) -> End {
    let access = Access::Load as u32;
    End::Fault(FaultRecord { kind: kind as u32, access, address: 0x10, size: 8, site, reserved: 0 })
}

#[test]
fn a_summary_says_what_happened() {
    let expected = "\
kill: returned -3 (-ESRCH)
  1.500 ms on cuda:0 (NVIDIA H200), guest 6.1.0, paused meanwhile, 2 tries since a lock was held
  2 stores to the guest's memory:
    0xffff888000001000: 0x02 -> 0x06
      kill.c:7 in send < list.h:3 in walk\\x1b[2J
    0xffffffff81000010 init_task+0x10: 0x0000000000000000 -> ?
      kill.c:7 in send < list.h:3 in walk\\x1b[2J
";
    assert_eq!(text_summary(&run(End::Finished(-3))), expected);
}

#[test]
fn interrupts_are_told_with_what_came_of_them() {
    let mut summary = run(End::Finished(0));
    let interrupt = |cpu, served| Interrupt { cpu, vector: 0xfb, served };
    summary.interrupts = vec![
        interrupt(0, Served::After(Duration::from_micros(250))),
        interrupt(1, Served::Pending),
        interrupt(2, Served::Unknown),
    ];
    summary.no_interrupts = Some(Error::GdbStubInUse);
    let text = text_summary(&summary);
    for line in [
        "  interrupt 0xfb for CPU 0: served after 0.250 ms\n",
        "  interrupt 0xfb for CPU 1: not served yet",
        "  interrupt 0xfb for CPU 2: sent\n",
        "  note: QEMU's gdb stub is in use",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let object = json_summary(&summary, "");
    let interrupts = &object["interrupts"];
    assert_eq!(interrupts[0]["served"], true);
    assert_eq!(interrupts[0]["seconds"], 0.00025);
    assert_eq!(interrupts[1]["served"], false);
    assert!(interrupts[2]["served"].is_null() && interrupts[1]["seconds"].is_null());
    assert_eq!(interrupts[2]["vector"], "0xfb");
    assert!(object["no_interrupts"].as_str().unwrap().contains("gdbserver none"));
}

#[test]
fn a_critical_section_is_told_with_how_it_was_left() {
    let left = |released, not_released, paused, stores, taken_back| Left {
        released,
        not_released,
        paused,
        stores: (0..stores).collect(),
        taken_back,
        nothing_left: false,
    };
    for (left, line) in [
        (
            left(2, 0, false, 1, Ok(())),
            "it ended with 2 locks of the guest's held; released: 2; 1 store made meanwhile: taken back",
        ),
        (
            left(0, 1, false, 2, Err(NotTakenBack::Changed)),
            "it ended with 1 lock of the guest's held; not released: 1, since somebody else has, or a waiter has to be \
             kicked; 2 stores made meanwhile: there still, since the guest has written there as well",
        ),
        (
            left(0, 0, true, 0, Ok(())),
            "it ended while the guest stood still for it; nothing was stored meanwhile",
        ),
    ] {
        let mut summary = run(End::Finished(0));
        summary.stores[0].store.taken_back = left.taken_back.is_ok();
        let expected = [("locks_released", left.released), ("stores", left.stores.len())];
        let is_taken_back = left.taken_back.is_ok();
        summary.last.left = Some(left);
        assert_eq!(summary.exit_status(), 3, "it returned when it must not");
        let text = text_summary(&summary);
        assert!(text.contains(&format!("  {line}\n")), "{text}");
        assert_eq!(text.contains("0x02 -> 0x06 (taken back)\n"), is_taken_back, "{text}");
        let object = json_summary(&summary, "");
        for (field, value) in expected {
            assert_eq!(object["critical_section"][field], value, "{object}");
        }
        assert_eq!(object["critical_section"]["taken_back"], is_taken_back);
        assert_eq!(object["stores"][0]["taken_back"], is_taken_back);
    }
    assert!(json_summary(&run(End::Finished(0)), "")["critical_section"].is_null());
}

#[test]
fn that_half_of_a_change_is_left_is_told() {
    let mut summary = run(fault(FaultKind::JournalFull, 1));
    assert!(json_summary(&summary, "")["half_left"].is_null());
    assert!(!text_summary(&summary).contains("half of what the program wanted"));
    summary.last.half_left = Some(NotTakenBack::Unknown);
    let line = "  the guest's memory holds half of what the program wanted to write, which could not be taken back, since \
                the journal does not have all of them\n";
    let text = text_summary(&summary);
    assert!(text.contains(line), "{text}");
    assert_eq!(json_summary(&summary, "")["half_left"], "the journal does not have all of them");
}

#[test]
fn a_fault_has_its_place_with_all_calls() {
    let text = text_summary(&run(fault(FaultKind::Unmapped, 1)));
    let expected = "\
kill: fault: the kernel has nothing mapped there
  load of 8 bytes at 0x10
  at kill.c:7:3 in send
    inlined at /a/b/list.h:3:1 in walk\\x1b[2J
";
    assert!(text.starts_with(expected), "{text}");
    let unknown = text_summary(&run(fault(FaultKind::BudgetSpent, u32::MAX)));
    assert!(unknown.contains("--budget") && unknown.contains("unknown place"), "{unknown}");
}

#[test]
fn stores_that_did_not_reach_the_guest_are_not_claimed() {
    let mut summary = run(fault(FaultKind::Bug, 0));
    summary.last.stores_kept = false;
    assert!(text_summary(&summary).contains("of which none is left in the guest"));
    summary.stores.clear();
    assert!(text_summary(&summary).contains("nothing was written"));
    summary.last.stores_lost = 100;
    let text = text_summary(&summary);
    assert!(text.contains("100 stores") && text.contains("and 36 more"), "{text}");
}

#[test]
fn every_end_has_its_status_and_words() {
    let crash = End::Crash { signal: "SIGSEGV".into(), address: Some(0), offset: Some(0x10) };
    let killed = End::Crash { signal: "SIGKILL".into(), address: None, offset: None };
    for (end, status, words) in [
        (End::Finished(0), 0, "returned 0"),
        (End::Finished(5), 0, "returned 5"),
        (End::Finished(-999), 1, "returned -999\n"),
        (fault(FaultKind::Stopped, 0), 3, "asked to stop"),
        (crash, 3, "crashed: SIGSEGV accessing 0x0 at offset 0x10"),
        (killed, 3, "killed by SIGKILL from outside"),
        (End::Vanished { status: 4 }, 3, "status 4"),
        (End::Unresponsive, 3, "did not end when asked to"),
    ] {
        let summary = run(end);
        assert_eq!(summary.exit_status(), status);
        let text = text_summary(&summary);
        assert!(text.contains(words), "{text}");
        assert_eq!(json_summary(&summary, "")["status"], status);
    }
    let mut summary = run(End::Finished(0));
    summary.guest_error = Some(Error::NoRam);
    assert_eq!(summary.exit_status(), 2);
}

#[test]
fn why_a_program_was_stopped_is_told() {
    let mut summary = run(fault(FaultKind::Stopped, 0));
    summary.last.stop_reason = Some(StopReason::Signal("SIGTERM"));
    assert!(text_summary(&summary).contains("because gpufas got SIGTERM"));
    summary.last.stop_reason = Some(StopReason::Timeout);
    summary.last.end = End::Unresponsive;
    assert!(text_summary(&summary).contains("because its time was over (--timeout), and was abandoned"));
}

#[test]
fn the_object_for_machines_has_stable_fields() {
    let object = json_summary(&run(fault(FaultKind::Unmapped, 1)), "text\n");
    assert_eq!(object["form"], 1);
    assert_eq!(object["arguments"]["pid"], -5);
    assert_eq!(object["log"], "text\n");
    assert_eq!(object["guest"]["paused"], true);
    let end = &object["end"];
    assert_eq!(
        (&end["kind"], &end["fault"], &end["access"]),
        (&"fault".into(), &"unmapped".into(), &"load".into())
    );
    assert_eq!((&end["address"], &end["site"]["line"]), (&"0x10".into(), &7.into()));
    let stores = object["stores"].as_array().unwrap();
    assert_eq!((&stores[0]["old"], &stores[0]["new"]), (&"0x2".into(), &"0x6".into()));
    assert_eq!((&stores[1]["symbol"], &stores[1]["offset"]), (&"init_task".into(), &16.into()));
    assert!(stores[1]["new"].is_null() && stores[0]["symbol"].is_null());
    let returned = json_summary(&run(End::Finished(-3)), "");
    assert_eq!((&returned["end"]["result"], &returned["end"]["errno"]), (&(-3).into(), &"ESRCH".into()));
    let error = json_error(&Error::NoDriver, 2);
    assert!(error["status"] == 2 && error["error"].as_str().unwrap().contains("libcuda"));
}

#[test]
fn every_kind_of_fault_has_a_name_of_its_own() {
    let names: std::collections::HashSet<_> =
        (0..=17).map(FaultKind::from_number).map(|kind| (fault_name(kind), fault_text(kind))).collect();
    assert_eq!(names.len(), 17, "16 kinds, and one for all others");
}

#[test]
fn a_pointer_to_no_function_of_the_program_is_named() {
    let mut summary = run(fault(FaultKind::NoFunction, 1));
    summary.fault_symbol = Some(("dequeue_task_rt".into(), 0));
    let text = text_summary(&summary);
    assert!(text.contains("the pointer is 0x10, the kernel's dequeue_task_rt\n"), "{text}");
    let object = json_summary(&summary, "");
    assert_eq!(
        (&object["end"]["fault"], &object["end"]["symbol"]),
        (&"no-function".into(), &"dequeue_task_rt".into())
    );
}
