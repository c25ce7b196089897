// SPDX-License-Identifier: MIT OR Apache-2.0

//! Locks that nobody releases are released from outside, and whoever waits for them goes on.

use anyhow::{Context, Result, ensure};
use gpufas_tests::deadlock::{self, Deadlock};
use gpufas_tests::machine::{LIMIT, Model};
use gpufas_tests::modules::DEADLOCK;
use gpufas_tests::releases::is_matrix;
use gpufas_tests::repair::{KILL, Repair, Report};
use gpufas_tests::suite::Group;
use gpufas_tests::wait;
use libc::SIGTERM;

use crate::case;

const UNLOCK: &str = "examples/unlock.c";

/// Makes two entries on one queue for wakeups.
const CROWD: &str = "tests/programs/crowd.c";

/// What the cases run.
pub const PROGRAMS: &[&str] = &[UNLOCK, KILL, CROWD, deadlock::COUNTER];

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
        for (state, interrupts) in [("on", true), ("off", false)] {
            case(group, &format!("every processor waits, interrupts {state}: {kind}"), move |repair| {
                for _ in 0..rounds {
                    let deadlock = deadlock(repair, kind, interrupts)?;
                    deadlock.wait_until_started(cpus)?;
                    if queued || interrupts {
                        shows_all(repair, deadlock.lock(), cpus, interrupts)?;
                    }
                    let report = unlock(repair, 0, entry, deadlock.lock())?;
                    report.says("is released")?;
                    let stores = report.stores()?;
                    ensure!(stores.len() == 1 && stores[0]["size"] == 1, "one byte is stored: {stores:?}");
                    deadlock.has_ended(cpus)?;
                    unlock(repair, 1, entry, deadlock.lock())?.says("nobody has it")?;
                }
                Ok(())
            });
        }
    }
    case(group, "the lock that processors wait for is found", move |repair| {
        let deadlock = deadlock(repair, "raw", true)?;
        deadlock.wait_until_started(cpus)?;
        // At a tick, each leaves its registers on its stack.
        wait::until("all are found", LIMIT, || {
            let report = repair.report(0, UNLOCK, "find", &["--threshold_ms", "100"])?;
            let found = report.log().matches(&format!("for the lock at 0x{:x}", deadlock.lock())).count();
            Ok(found == cpus as usize)
        })?;
        // Nobody has waited for so long.
        let report = repair.report(0, UNLOCK, "find", &["--threshold_ms", "10000000"])?;
        report.says("0 CPUs wait for a spinlock")?;
        unlock(repair, 0, "raw_spinlock", deadlock.lock())?;
        deadlock.has_ended(cpus)?;
        let report = repair.report(0, UNLOCK, "find", &["--threshold_ms", "100"])?;
        report.says("0 CPUs wait for a spinlock")
    });
    case(
        group,
        "an interrupt for a processor that takes none is told to be pending, and is served later",
        move |repair| {
            let guest = repair.machine.guest();
            let sleeper = guest.spawn_sleepers(1, "deep-sleeper")?.first().copied().context("no process")?;
            let deadlock = deadlock(repair, "raw", false)?;
            deadlock.wait_until_started(cpus)?;
            let report = repair.kill(sleeper, "TERM")?;
            ensure!(report.0["interrupts"][0]["served"] == false, "{report:?}");
            unlock(repair, 0, "raw_spinlock", deadlock.lock())?;
            deadlock.has_ended(cpus)?;
            repair.was_killed(sleeper, SIGTERM)
        },
    );
    case(group, "what others add to a queue is not taken for the end of its interrupt", move |repair| {
        let guest = repair.machine.guest();
        // Two of them are on the same processor.
        let sleepers = guest.spawn_sleepers(cpus + 1, "crowd")?;
        repair.machine.tools().compile(CROWD, repair.target)?;
        let deadlock = deadlock(repair, "raw", false)?;
        deadlock.wait_until_started(cpus)?;
        let report = repair.report(0, CROWD, "crowd", &["--name", "crowd"])?;
        ensure!(report.0["interrupts"][0]["served"] == false, "{report:?}");
        unlock(repair, 0, "raw_spinlock", deadlock.lock())?;
        deadlock.has_ended(cpus)?;
        sleepers.into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
    if realtime {
        owned(group, cpus, rounds);
    } else {
        case(group, "those who wait for a mutex whose owner is dead go on", move |repair| {
            for _ in 0..rounds {
                let deadlock = deadlock(repair, "mutex", true)?;
                let waiting = wait_for(repair, "mutex_waiters", deadlock.lock(), cpus)?;
                ensure!(waiting.log().matches("(waiter/").count() == cpus as usize, "{}", waiting.log());
                let report = unlock(repair, 0, "mutex", deadlock.lock())?;
                report.says(&format!("is released, {cpus} wait for it"))?;
                deadlock.has_ended(cpus)?;
                unlock(repair, 1, "mutex", deadlock.lock())?.says("nobody has it")?;
            }
            Ok(())
        });
    }
    case(group, "what is no lock is not released", move |repair| {
        // The kernel's banner is text, and page 0 is not mapped.
        let banner = repair.machine.memory()?.kernel().symbol("linux_banner")?;
        let report = unlock(repair, 1, "raw_spinlock", banner)?;
        report.says("there is no such lock")?;
        report.has_written(false)?;
        let report = unlock(repair, 3, "raw_spinlock", 16)?;
        report.has_written(false)
    });
}

/// Waits until all that wait for a spinlock are shown. Where interrupts are on, each is shown with its task, and with a bound of the
/// time, as soon as a tick has met it. Where they are off, nobody knows who is next without a place in the queue, nor the time.
fn shows_all(repair: &Repair, lock: u64, count: u32, interrupts: bool) -> Result<()> {
    let (named, bound) =
        if interrupts { (count, "for at most") } else { (count - 1, "for a time that is not known") };
    let mut said = String::new();
    let shown = wait::until("all are shown", LIMIT, || {
        let report = unlock(repair, 0, "waiters", lock)?;
        report.log().clone_into(&mut said);
        let shows = |text: &str, times: u32| said.matches(text).count() == times as usize;
        let nameless = shows("a CPU is next", u32::from(!interrupts));
        Ok(report.result()? == i64::from(count)
            && shows("(waiter/", named)
            && shows(bound, named)
            && nameless)
    });
    shown.with_context(|| said)
}

/// Adds the cases of locks that tasks own with PREEMPT_RT. The kinds are those of the module that makes deadlocks.
fn owned(group: &mut Group<'_, Repair>, cpus: u32, rounds: u32) {
    for (kind, entry) in [("orphan", "spinlock"), ("mutex", "mutex")] {
        case(group, &format!("a {entry} whose owner is dead is released"), move |repair| {
            // Twice: it could not be taken again had it not been released.
            for _ in 0..2 {
                let lock = Deadlock::hold(repair, kind)?.lock();
                let report = released(repair, entry, lock)?;
                report.says("is released, 0 wait for it")?;
                ensure!(report.stores()?.len() == 1, "one store: {report:?}");
                unlock(repair, 1, entry, lock)?.says("nobody has it")?;
            }
            Ok(())
        });
        case(group, &format!("those who wait for a {entry} whose owner is dead go on"), move |repair| {
            for _ in 0..rounds {
                let deadlock = deadlock(repair, kind, true)?;
                let waiting = wait_for(repair, &format!("{entry}_waiters"), deadlock.lock(), cpus)?;
                ensure!(waiting.log().matches("(waiter/").count() == cpus as usize, "{}", waiting.log());
                let report = released(repair, entry, deadlock.lock())?;
                report.says(&format!("is released, {cpus} wait for it"))?;
                deadlock.has_ended(cpus)?;
                unlock(repair, 1, entry, deadlock.lock())?.says("nobody has it")?;
            }
            Ok(())
        });
    }
    case(group, "a spinlock whose owner is alive is not released", |repair| {
        let lock = Deadlock::hold(repair, "spin")?.lock();
        let report = unlock(repair, 1, "spinlock", lock)?;
        report.says("its owner is alive")?;
        report.has_written(false)?;
        // The owner releases it itself.
        repair.machine.guest().unload_module(DEADLOCK.name)?;
        Ok(())
    });
}

/// Releases a lock once its owner, which has just begun to exit, is dead.
fn released(repair: &Repair, entry: &str, lock: u64) -> Result<Report> {
    let mut report = None;
    wait::until("its owner is dead", LIMIT, || {
        let ran = repair.run(UNLOCK, entry, &["--json"], &["--address", &lock.to_string()])?;
        let now = Report(ran.json()?);
        let is_alive = now.log().contains("its owner is alive");
        report = Some(now);
        Ok(!is_alive)
    })?;
    report.context("nothing is reported")
}

/// Begins a deadlock. What ends it is compiled before.
fn deadlock<'a>(repair: &'a Repair, kind: &str, interrupts: bool) -> Result<Deadlock<'a>> {
    for program in [UNLOCK, KILL] {
        repair.machine.tools().compile(program, repair.target)?;
    }
    Deadlock::start(repair, kind, interrupts, None)
}

fn unlock(repair: &Repair, status: i32, entry: &str, lock: u64) -> Result<Report> {
    repair.report(status, UNLOCK, entry, &["--address", &lock.to_string()])
}

/// Waits until so many wait for the lock, and returns what is shown of them.
fn wait_for(repair: &Repair, entry: &str, lock: u64, count: u32) -> Result<Report> {
    let mut shown = None;
    wait::until(&format!("{count} wait"), LIMIT, || {
        let report = unlock(repair, 0, entry, lock)?;
        let all = report.result()? == i64::from(count);
        shown = Some(report);
        Ok(all)
    })?;
    shown.context("nothing is shown")
}
