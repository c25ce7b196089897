// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sleepers of every kind take the signals that are pending for them.

use std::time::Duration;

use anyhow::{Result, ensure};
use gpufas_guest::protocol::Activity;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;
use libc::{SIGKILL, SIGTERM};

use crate::{case, schedule, signal_only};

/// What is said of a process that was made to run.
pub const ENQUEUED: &str = "woken, put on a run queue";

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    case(group, "sleepers take signals, one after another", one_by_one);
    case(group, "a hundred sleepers are made to run at once", move |repair| many(repair, 100));
    case(group, "a thousand sleepers are ended at once, and all that was written is recorded", a_thousand);
    case(group, "sleepers run beside others that compute", move |repair| {
        let guest = repair.machine.guest();
        let busy = (0..cpus * 2).map(|_| guest.spawn_runaway("busy")).collect::<Result<Vec<_>, _>>()?;
        one_by_one(repair)?;
        many(repair, 20)?;
        busy.into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
}

/// 20 times a process that sleeps for good gets a signal and is made to run.
fn one_by_one(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    for round in 0..20 {
        let (name, number) = if round % 2 == 0 { ("KILL", SIGKILL) } else { ("TERM", SIGTERM) };
        let pid = guest.spawn_sleepers(1, "deep-sleeper")?[0];
        signal_only(repair, "kill", &["--pid", &pid.to_string(), "--signal", name])?;
        ensure!(guest.alive(&[pid])?.alive == [pid], "the signal woke it by itself");
        let report = schedule(repair, 0, "wake", &["--pid", &pid.to_string()])?;
        report.says(&format!("{pid} (deep-sleeper): {ENQUEUED}"))?;
        report.has_written(true)?;
        repair.was_killed(pid, number)?;
    }
    Ok(())
}

/// Many are made to run in one go.
fn many(repair: &Repair, count: u32) -> Result<()> {
    let pids = repair.machine.guest().spawn_sleepers(count, "one-of-many")?;
    signal_only(repair, "killall", &["--name", "one-of-many", "--signal", "KILL"])?;
    let report = schedule(repair, 0, "wakeall", &["--name", "one-of-many"])?;
    report.says(&format!("{count} processes are called one-of-many"))?;
    let enqueued = report.log().matches(ENQUEUED).count();
    ensure!(enqueued == pids.len(), "{enqueued} of {count} were put on a run queue:\n{}", report.log());
    pids.into_iter().try_for_each(|pid| repair.was_killed(pid, SIGKILL))
}

/// A thousand are ended in one go. Half of that could not be taken back if the journal did not hold all of it.
fn a_thousand(repair: &Repair) -> Result<()> {
    let (guest, name) = (repair.machine.guest(), "one-of-a-thousand");
    guest.spawn_many(1000, name, Activity::Sleep { milliseconds: 3_600_000 })?;
    // That they sleep shows nowhere.
    std::thread::sleep(Duration::from_millis(300));
    let report = schedule(repair, 0, "killall", &["--name", name, "--signal", "KILL"])?;
    report.says("signal 9 was delivered to 1000")?;
    Ok(guest.wait_until_no(&name[..15], LIMIT)?)
}
