// SPDX-License-Identifier: MIT OR Apache-2.0

//! A real guest does what it is asked for, and says what happens to it.

use std::fs;
use std::time::Duration;

use gpufas_guest::protocol::{Disposition, ProcessEvent, SignalProbe};
use gpufas_guest::{Backing, Error, Guest, GuestBuilder, GuestEvent, Kernel, kernels};

/// Longer than anything here takes, also where processors are emulated on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;

fn kernel() -> Kernel {
    kernels::find("6.1").unwrap().fetch(&|_| {}).unwrap()
}

fn guest(cpus: u32) -> Guest {
    Guest::builder(&kernel()).cpus(cpus).boot().unwrap()
}

#[test]
fn a_guest_is_what_was_asked_for() {
    let kernel = kernel();
    let folder = tempfile::tempdir().unwrap();
    let console = folder.path().join("console.txt");
    let guest = Guest::builder(&kernel)
        .cpus(4)
        .memory_mib(300)
        .kernel_argument("gpufas=1")
        .console_file(&console)
        .boot()
        .unwrap();
    let ready = guest.ready();
    assert_eq!(ready.release, kernel.release);
    assert_eq!(ready.cpus, 4);
    assert!((200 << 10..300 << 10).contains(&ready.memory_kib), "{}", ready.memory_kib);
    assert!(ready.command_line.contains("gpufas=1"));
    assert!(!ready.command_line.contains("nokaslr"));
    assert_eq!(fs::metadata(guest.memory_file().unwrap()).unwrap().len(), 300 << 20);
    assert!(guest.qmp_socket().exists());
    assert!(fs::read_to_string(console).unwrap().contains("Linux version"));
}

#[test]
fn processes_are_as_they_were_started_and_their_ends_are_told() {
    let guest = guest(1);
    let sleepers = guest.spawn_sleepers(1000, "sleeper").unwrap();
    let runaway = guest.spawn_runaway("runaway").unwrap();
    let hog = guest.spawn_hog("hog", 64).unwrap();
    assert_eq!(sleepers.len(), 1000);

    let processes = guest.processes().unwrap();
    let named = |name: &str| processes.iter().filter(|process| process.comm == name).collect::<Vec<_>>();
    assert_eq!(named("sleeper").len(), 1000);
    assert!(named("sleeper").iter().all(|process| sleepers.contains(&process.pid) && process.ppid == 1));
    assert_eq!((named("runaway")[0].pid, named("runaway")[0].state), (runaway, 'R'));
    assert_eq!(named("hog")[0].pid, hog);
    assert!(named("hog")[0].rss_kib >= 64 << 10);
    assert_eq!(named("kthreadd")[0].pid, 2);

    guest.kill(runaway, SIGKILL).unwrap();
    let end = guest.wait_for_end(runaway, LIMIT).unwrap();
    assert_eq!(end, ProcessEvent::Killed { pid: runaway, signal: SIGKILL });
    let alive = guest.alive(&[&sleepers[..], &[runaway]].concat()).unwrap();
    assert_eq!((alive.alive, alive.gone), (sleepers, vec![runaway]));
    assert!(guest.processes().unwrap().iter().all(|process| process.pid != runaway));
}

#[test]
fn signal_probes_report_what_they_are_for() {
    let guest = guest(2);
    let probe = |name: &str, disposition, busy| {
        let probe = SignalProbe { name: name.to_owned(), signal: SIGTERM, disposition, busy };
        guest.spawn_signal_probe(probe).unwrap()
    };
    let report = |pid| match guest.wait_for_process(pid, LIMIT, |_| true).unwrap() {
        ProcessEvent::Signal(report) => report,
        other => panic!("{other:?}"),
    };
    for busy in [false, true] {
        let default = probe("default", Disposition::Default, busy);
        guest.kill(default, SIGTERM).unwrap();
        let killed = ProcessEvent::Killed { pid: default, signal: SIGTERM };
        assert_eq!(guest.wait_for_end(default, LIMIT).unwrap(), killed);

        let handled = probe("handle", Disposition::Handle, busy);
        guest.kill(handled, SIGTERM).unwrap();
        let seen = report(handled);
        assert_eq!(
            (seen.tid, seen.signal, seen.delivered, seen.code, seen.sender),
            (handled, SIGTERM, true, 0, 1)
        );

        let blocked = probe("block", Disposition::Block, busy);
        guest.kill(blocked, SIGTERM).unwrap();
        assert!(!report(blocked).delivered);

        let second = probe("second", Disposition::HandleInSecondThread, busy);
        guest.kill(second, SIGTERM).unwrap();
        let seen = report(second);
        assert!(seen.delivered && seen.tid != second, "{seen:?}");

        let ignored = probe("ignore", Disposition::Ignore, busy);
        guest.kill(ignored, SIGTERM).unwrap();
        assert_eq!(guest.alive(&[ignored, blocked, handled, default]).unwrap().gone, [default]);
    }
}

#[test]
fn stops_and_continuations_are_told() {
    let guest = guest(1);
    let pid = guest.spawn_sleepers(1, "sleeper").unwrap()[0];
    guest.kill(pid, SIGSTOP).unwrap();
    let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
    assert_eq!(guest.wait_for_process(pid, LIMIT, |event| *event == stopped).unwrap(), stopped);
    assert!(guest.processes().unwrap().iter().any(|process| process.pid == pid && process.state == 'T'));
    guest.kill(pid, SIGCONT).unwrap();
    guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid }).unwrap();
}

#[test]
fn new_kernel_warnings_are_told_from_old_ones() {
    let guest = guest(1);
    let baseline = guest.kernel_log(None).unwrap();
    assert!(baseline.records.len() > 100, "{}", baseline.records.len());
    assert!(baseline.records[0].text.contains("Linux version"), "{:?}", baseline.records[0]);
    guest.write_kernel_log(6, "all is well").unwrap();
    assert_eq!(guest.kernel_log(baseline.last()).unwrap().problems(), []);
    guest.write_kernel_log(4, "something is odd").unwrap();
    guest.write_kernel_log(6, "WARNING: in disguise").unwrap();
    let problems = guest.kernel_log(baseline.last()).unwrap().problems();
    let texts: Vec<_> = problems.iter().map(|problem| problem.record.text.as_str()).collect();
    assert_eq!(texts, ["something is odd", "WARNING: in disguise"]);
}

#[test]
fn what_the_guest_cannot_do_is_refused() {
    let guest = guest(1);
    let error = guest.kill(4_000_000, SIGKILL).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && !error.is_setup(), "{error}");
    let error = guest.spawn_hog("hog", 100_000).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    // It is still there.
    assert_eq!(guest.spawn_sleepers(3, "sleeper").unwrap().len(), 3);
}

#[test]
fn a_panic_is_told_and_is_no_broken_set_up() {
    let guest = guest(1);
    let error = guest.sysrq('c').unwrap_err();
    assert!(matches!(error, Error::Panicked { .. }) && !error.is_setup(), "{error}");
    assert!(error.to_string().contains("sysrq triggered crash"), "{error}");
    guest.wait_until_gone(LIMIT).unwrap();
    assert_eq!(guest.events().last(), Some(&GuestEvent::Gone));
}

#[test]
fn a_guest_that_is_killed_is_gone_and_one_that_turns_off_too() {
    let killed = guest(1);
    killed.kill_qemu().unwrap();
    let error = killed.processes().unwrap_err();
    assert!(matches!(error, Error::Gone { .. }) && !error.is_setup(), "{error}");
    assert!(error.to_string().contains("signal: 9"), "{error}");

    let guest = Guest::builder(&kernel()).backing(Backing::Private).boot().unwrap();
    assert_eq!(guest.memory_file(), None);
    guest.power_off().unwrap();
}

#[test]
fn a_guest_outlives_the_thread_that_started_it() {
    let guest = std::thread::spawn(|| guest(1)).join().unwrap();
    assert_eq!(guest.spawn_sleepers(1, "sleeper").unwrap().len(), 1);
}

#[test]
fn nothing_is_left_of_a_guest() {
    let guest = guest(1);
    let (pid, folder, memory) = (guest.qemu_pid(), guest.folder().to_owned(), guest.memory_file().unwrap());
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    drop(guest);
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
    assert!(!folder.exists());
    assert!(!memory.parent().unwrap().exists());
}

#[test]
fn a_guest_that_does_not_start_is_a_broken_set_up_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |builder: GuestBuilder, why: &str| {
        let Err(error) = builder.boot() else { panic!("it started, in spite of: {why}") };
        assert!(matches!(error, Error::BootFailed { .. }) && error.is_setup(), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    };
    let real = kernel();
    let mut kernel = real.clone();
    kernel.vmlinuz = folder.path().join("vmlinuz");
    fails(Guest::builder(&kernel), "could not open kernel file");
    fs::write(&kernel.vmlinuz, [0x90; 100_000]).unwrap();
    fails(Guest::builder(&kernel), "linux kernel too old to load a ram disk");
    // Its processors are never started.
    fails(Guest::builder(&real).qemu_argument("-S").boot_limit(Duration::from_secs(3)), "not up within 3s");
    fails(Guest::builder(&real).kernel_argument("rdinit=/nothing"), "panicked: VFS: Unable to mount root fs");
    fails(Guest::builder(&real).qemu_argument("-nonsense"), "-nonsense: invalid option");
    fails(Guest::builder(&real).memory_mib(40), "the guest turned off or restarted");
}
