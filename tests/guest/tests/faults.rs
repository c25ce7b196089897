// SPDX-License-Identifier: MIT OR Apache-2.0

//! A real guest is broken in all the ways that there are, and says how it fares.

use std::thread;
use std::time::{Duration, Instant};

use gpufas_guest::protocol::{Activity, ProcessEvent, Work};
use gpufas_guest::{Disk, Error, Guest, GuestBuilder, kernels};

/// Longer than anything here takes, also where processors are emulated on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

const SIGKILL: i32 = 9;
const SIGSTOP: i32 = 19;

fn builder() -> GuestBuilder {
    let kernel = kernels::find("6.1").unwrap().fetch(&|_| {}).unwrap();
    Guest::builder(&kernel).memory_mib(256)
}

/// Waits until processes with a name have these states.
fn wait_for_states(guest: &Guest, name: &str, wanted: &str) {
    let start = Instant::now();
    loop {
        let states = guest.states(name).unwrap();
        if states == wanted {
            return;
        }
        assert!(start.elapsed() < LIMIT, "{name} should be {wanted}, and is {states}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn processes_do_what_they_are_started_for() {
    let guest = builder().cpus(2).disk(Disk::Files).disk(Disk::Slow).end_on_trouble(&[]).boot().unwrap();
    guest.stay_responsive().unwrap();
    let slow = Activity::ReadDevice { device: Disk::device(1) };
    for (name, activity, states) in [
        ("busy", Activity::Compute, "RR"),
        ("hour", Activity::Sleep { milliseconds: 3_600_000 }, "SS"),
        ("stopped", Activity::Stop, "TT"),
        ("pipe", Activity::ReadPipe, "SS"),
        ("reader", slow, "DD"),
        ("threads", Activity::Threads { count: 3 }, "SS"),
    ] {
        let pids = guest.spawn_many(2, name, activity).unwrap();
        assert_eq!(pids.len(), 2);
        wait_for_states(&guest, name, states);
        guest.check_health(LIMIT).unwrap();
        // From a process in the guest, of which nothing is told.
        guest.kill_by_name(name, SIGKILL, LIMIT).unwrap();
        guest.wait_until_no(name, LIMIT).unwrap();
        assert_eq!(guest.states(name).unwrap(), "");
    }
    assert!(guest.answer_time(LIMIT).unwrap() > Duration::ZERO);
    let work = Work {
        count: 1,
        name: "user".into(),
        user: 1000,
        activity: Activity::Sleep { milliseconds: 10 },
        told: true,
    };
    let pids = guest.spawn_work(work).unwrap();
    let status = guest.read_file(&format!("/proc/{}/status", pids[0])).unwrap();
    assert!(status.contains("Uid:\t1000\t"), "{status}");
    guest.kill(pids[0], SIGKILL).unwrap();
    let killed = ProcessEvent::Killed { pid: pids[0], signal: SIGKILL };
    assert_eq!(guest.wait_for_end(pids[0], LIMIT).unwrap(), killed);
    let ran = guest.run("/init", &["health"]).unwrap();
    assert_eq!(guest.wait_for_end(ran, LIMIT).unwrap(), ProcessEvent::Exited { pid: ran, code: 0 });
    let problems = guest.kernel_log(None).unwrap().problems();
    assert!(!problems.iter().any(|problem| problem.record.text.contains("vd")), "{problems:?}");
}

#[test]
fn a_first_process_that_stays_responsive_answers_while_nothing_else_can() {
    let guest = builder().disk(Disk::Swap(512)).end_on_trouble(&[]).boot().unwrap();
    guest.stay_responsive().unwrap();
    assert_eq!(guest.memory_use().unwrap().swap_total_kib, (512 << 10) - 4);
    let before = guest.answer_time(LIMIT).unwrap();

    // The process table is full: nothing can be started, until the bomb is gone.
    guest.write_file("/proc/sys/kernel/pid_max", "400").unwrap();
    guest.spawn_many(1, "bomb", Activity::ForkBomb).unwrap();
    let start = Instant::now();
    while guest.check_health(LIMIT).is_ok() {
        assert!(start.elapsed() < LIMIT, "a fork bomb fills no table: {:?}", guest.states("bomb"));
    }
    assert!(matches!(guest.wait_until_no("bomb", Duration::from_secs(1)), Err(Error::Refused { .. })));
    // To kill one after another leaves time for others to start more.
    for signal in [SIGSTOP, SIGSTOP, SIGSTOP, SIGKILL] {
        for process in guest.processes().unwrap().iter().filter(|process| process.comm == "bomb") {
            guest.kill(process.pid, signal).unwrap();
        }
    }
    guest.wait_until_no("bomb", LIMIT).unwrap();
    guest.check_health(LIMIT).unwrap();

    // Memory is written to faster than it can be swapped.
    let hog = guest.spawn_active("hog", Activity::WriteMemory { mib: 384 }).unwrap();
    let start = Instant::now();
    while guest.memory_use().unwrap().swap_free_kib > 400 << 10 {
        assert!(start.elapsed() < LIMIT, "nothing is swapped: {:?}", guest.memory_use());
        thread::sleep(Duration::from_millis(50));
    }
    let meanwhile = guest.answer_time(LIMIT).unwrap();
    guest.kill(hog, SIGKILL).unwrap();
    assert_eq!(guest.wait_for_end(hog, LIMIT).unwrap(), ProcessEvent::Killed { pid: hog, signal: SIGKILL });
    println!("an answer took {before:?}, and {meanwhile:?} while memory was short");
    guest.check_health(LIMIT).unwrap();
}

#[test]
fn trouble_on_the_console_ends_a_guest_that_is_to_end_then() {
    let guest = builder().end_on_trouble(&["WARNING: expected"]).boot().unwrap();
    guest.write_kernel_log(4, "WARNING: expected trouble").unwrap();
    guest.check_health(LIMIT).unwrap();
    guest.write_kernel_log(1, "BUG: soft lockup - CPU#0 stuck for 26s!").ok();
    let error = guest.wait_for_process(1, LIMIT, |_| true).unwrap_err();
    assert!(!error.is_setup());
    assert!(matches!(&error, Error::Trouble { message, .. } if message.contains("soft lockup")), "{error}");
    guest.wait_until_gone(LIMIT).unwrap();
}
