// SPDX-License-Identifier: MIT OR Apache-2.0

//! Locks that nobody releases are released from outside, and whoever waits for them goes on.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gpufas_tests::machine::Model;
use gpufas_tests::modules::DEADLOCK;
use gpufas_tests::releases::is_matrix;
use gpufas_tests::repair::{Repair, Report};
use gpufas_tests::suite::Group;

use crate::case;

/// Longer than anything here takes, and shorter than it takes a kernel to complain of processors that do not schedule.
const LIMIT: Duration = Duration::from_secs(20);

const UNLOCK: &str = "examples/unlock.c";
/// Says how many wait.
const DEADLOCKED: &str = "tests/programs/requests.c";

const STATUS: &str = "/sys/module/deadlock/parameters/status";
const START: &str = "/sys/module/deadlock/parameters/start";

/// What the guest is to be like.
pub fn model(cpus: u32, queued: bool) -> Model {
    Model { cpus, sleepers: 20, modules: &[DEADLOCK], hides_hypervisor: queued, ..Model::default() }
}

/// Adds the cases. `queued`: whoever waits for a spinlock stands in a queue, as on a machine that is not virtual.
pub fn add(group: &mut Group<'_, Repair>, kernel: &str, cpus: u32, queued: bool) {
    let realtime = kernel.ends_with("-rt");
    let rounds = if is_matrix() { 20 } else { 1 };
    // With PREEMPT_RT a spinlock_t is one that tasks own and sleep for: nothing spins.
    let kinds: &[_] =
        if realtime { &[("raw", "raw_spinlock")] } else { &[("raw", "raw_spinlock"), ("spin", "spinlock")] };
    for &(kind, entry) in kinds {
        for state in ["on", "off"] {
            case(group, &format!("every processor waits, interrupts {state}: {kind}"), move |repair| {
                for _ in 0..rounds {
                    let lock = deadlock(repair, kind, state)?;
                    all_have_started(repair, cpus)?;
                    if queued || state == "on" {
                        let waiting = wait_for(repair, "waiters", &lock, cpus)?;
                        let shown = waiting.log().matches("(waiter/").count();
                        // One is next and has no place in the queue; the others are shown with their tasks.
                        let next = waiting.log().matches("a CPU is next").count();
                        ensure!(next == usize::from(queued), "{}", waiting.log());
                        ensure!(shown + next == cpus as usize, "{}", waiting.log());
                    }
                    let report = unlock(repair, 0, entry, &lock)?;
                    report.says("is released")?;
                    let stores = report.stores()?;
                    ensure!(stores.len() == 1 && stores[0]["size"] == 1, "one byte is stored: {stores:?}");
                    have_proceeded(repair, cpus)?;
                    unlock(repair, 1, entry, &lock)?.says("nobody has it")?;
                }
                Ok(())
            });
        }
    }
    case(group, "the lock that processors wait for is found", move |repair| {
        let lock = deadlock(repair, "raw", "on")?;
        all_have_started(repair, cpus)?;
        // At a tick, each leaves its registers on its stack.
        let start = Instant::now();
        loop {
            let report = repair.report(0, UNLOCK, "find", &["--threshold_ms", "100"])?;
            let found = report.log().matches(&format!("for the lock at 0x{lock}")).count();
            if found == cpus as usize {
                break report.says(&format!("{cpus} CPUs wait for a spinlock"))?;
            }
            ensure!(start.elapsed() < LIMIT, "{}", report.log());
            sleep(Duration::from_millis(50));
        }
        unlock(repair, 0, "raw_spinlock", &lock)?;
        have_proceeded(repair, cpus)?;
        let report = repair.report(0, UNLOCK, "find", &["--threshold_ms", "100"])?;
        report.says("0 CPUs wait for a spinlock")
    });
    if !realtime {
        case(group, "those who wait for a mutex whose owner is dead go on", move |repair| {
            for _ in 0..rounds {
                let lock = deadlock(repair, "mutex", "on")?;
                let waiting = wait_for(repair, "mutex_waiters", &lock, cpus)?;
                ensure!(waiting.log().matches("(waiter/").count() == cpus as usize, "{}", waiting.log());
                unlock(repair, 0, "mutex", &lock)?.says(&format!("is released, {cpus} wait for it"))?;
                have_proceeded(repair, cpus)?;
                unlock(repair, 1, "mutex", &lock)?.says("nobody has it")?;
            }
            Ok(())
        });
    }
    case(group, "what is no lock is not released", move |repair| {
        // The kernel's banner is text, and page 0 is not mapped.
        let banner = repair.machine.memory()?.kernel().symbol("linux_banner")?;
        let report = unlock(repair, 1, "raw_spinlock", &format!("{banner:x}"))?;
        report.says("there is no such lock")?;
        report.has_written(false)?;
        let report = unlock(repair, 3, "raw_spinlock", "10")?;
        report.has_written(false)
    });
}

/// Begins a deadlock and returns the lock's address in hexadecimal.
fn deadlock(repair: &Repair, kind: &str, state: &str) -> Result<String> {
    // Compiling takes longer than a guest may be locked.
    for program in [UNLOCK, DEADLOCKED] {
        repair.machine.tools().compile(program, repair.target)?;
    }
    let guest = repair.machine.guest();
    if !guest.read_file("/proc/modules")?.contains("deadlock") {
        guest.load_module("deadlock", "")?;
    }
    guest.write_file(START, &format!("{kind} {state}"))?;
    let status = guest.read_file(STATUS)?;
    let lock = status.trim().rsplit_once(" lock ").context("no lock in the status")?.1;
    Ok(lock.trim_start_matches("0x").to_owned())
}

fn unlock(repair: &Repair, status: i32, entry: &str, lock: &str) -> Result<Report> {
    repair.report(status, UNLOCK, entry, &["--address", &u64::from_str_radix(lock, 16)?.to_string()])
}

/// Waits until so many wait, as the module has counted: the guest itself may not answer any more.
fn all_have_started(repair: &Repair, count: u32) -> Result<()> {
    let start = Instant::now();
    loop {
        let report = repair.report(0, DEADLOCKED, "deadlocked", &[])?;
        if report.log().contains(&format!("started: {count}\n")) {
            return Ok(());
        }
        ensure!(start.elapsed() < LIMIT, "{count} should have begun to wait: {}", report.log());
        sleep(Duration::from_millis(50));
    }
}

/// Waits until so many wait for the lock, and returns what is shown of them.
fn wait_for(repair: &Repair, entry: &str, lock: &str, count: u32) -> Result<Report> {
    let start = Instant::now();
    loop {
        let report = unlock(repair, 0, entry, lock)?;
        if report.result()? == i64::from(count) {
            return Ok(report);
        }
        ensure!(start.elapsed() < LIMIT, "{count} should wait: {}", report.log());
        sleep(Duration::from_millis(50));
    }
}

/// Waits until all have proceeded, as the guest itself says.
fn have_proceeded(repair: &Repair, count: u32) -> Result<()> {
    let start = Instant::now();
    loop {
        let status = repair.machine.guest().read_file(STATUS)?;
        if status.contains(&format!("{count} started, {count} proceeded")) {
            return Ok(());
        }
        ensure!(start.elapsed() < LIMIT, "not all have proceeded: {status}");
        sleep(Duration::from_millis(20));
    }
}
