// SPDX-License-Identifier: MIT OR Apache-2.0

//! A signal that could not be sent as a whole, because threads were not woken after all or the program was ended, leaves a
//! process that the guest can still end.

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::protocol::{Activity, ProcessEvent};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::{KILL, Repair, Report};
use gpufas_tests::suite::Group;
use gpufas_tests::wait;
use libc::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM};

use crate::case;

/// Sends a signal while threads cannot be woken.
pub const PROGRAM: &str = "tests/programs/half_done.c";

/// Threads of the processes: the first sleeps for an hour, then every second.
const THREADS: u32 = 4;

/// More turns of loops than a program takes from its first store to the process to its end, most of them to say what it did.
const MOST_TURNS: u64 = 120;

/// More turns than a program takes.
const BUDGET: u64 = 1_000_000;

pub fn add(group: &mut Group<'_, Repair>) {
    for signal in [SIGKILL, SIGTERM] {
        // The first thread; the first two that sleep.
        for failing in [0b0001, 0b0101] {
            case(
                group,
                &format!(
                    "signal {signal}, of whose wakeups fail {failing:#06b}, ends the process all the same"
                ),
                move |repair| {
                    let pid = threads(repair)?;
                    let report = kill_half(repair, pid, signal, failing, 0)?;
                    report.says(&format!("signal {signal} delivered, {THREADS} wakeups"))?;
                    repair.was_killed(pid, SIGKILL)
                },
            );
        }
        case(
            group,
            &format!("signal {signal} that wakes nobody is told, and the guest's own acts"),
            move |repair| {
                let guest = repair.machine.guest();
                let pid = guest.spawn_sleepers(1, "half")?.first().copied().context("no process")?;
                kill_half(repair, pid, signal, 1, 0)?.says("pending until the process wakes up")?;
                ensure!(guest.alive(&[pid])?.alive == [pid]);
                guest.kill(pid, SIGKILL)?;
                repair.was_killed(pid, SIGKILL)
            },
        );
    }
    case(group, "CONT that does not wake all threads is told, and the next one wakes the rest", |repair| {
        let guest = repair.machine.guest();
        let pid = threads(repair)?;
        repair.kill(pid, "STOP")?.says("delivered")?;
        let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
        guest.wait_for_process(pid, LIMIT, |event| *event == stopped)?;
        // Each try fails in the same way.
        kill_half(repair, pid, SIGCONT, 0b0001, 1)?.says("not sent, the kernel is at work")?;
        repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
        guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid })?;
        repair.kill(pid, "TERM")?.says("delivered")?;
        repair.was_killed(pid, SIGTERM)
    });
    for (name, signal) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
        case(
            group,
            &format!("a program that ends anywhere in sending {name} leaves a process that can be ended"),
            move |repair| ends_anywhere(repair, name, signal),
        );
    }
}

/// Ends a program at each turn of a loop that it takes while it sends a signal.
fn ends_anywhere(repair: &Repair, name: &str, signal: i32) -> Result<()> {
    let guest = repair.machine.guest();
    let pid = threads(repair)?;
    let whole = kill_within(repair, pid, name, BUDGET)?;
    let left = whole.0["budget_left"].as_u64().context("no budget")?;
    let stores = whole.stores()?.len();
    repair.was_killed(pid, signal)?;
    let mut budget = BUDGET - left - MOST_TURNS;
    let mut halves = 0;
    loop {
        let pid = threads(repair)?;
        let report = loop {
            let report = kill_within(repair, pid, name, budget)?;
            report.fault("budget-spent")?;
            budget += 1;
            if !report.stores()?.is_empty() {
                break report;
            }
        };
        if report.stores()?.len() >= stores {
            repair.was_killed(pid, signal)?;
            ensure!(halves > 1, "{halves} programs were ended between two stores");
            return Ok(());
        }
        halves += 1;
        // It may be gone already: one thread that has taken the signal is enough.
        let killed = guest.kill(pid, SIGKILL);
        repair.was_killed(pid, SIGKILL).with_context(|| format!("{killed:?} after {report:?}"))?;
    }
}

/// Starts a process with several threads, and waits until they do what they do.
fn threads(repair: &Repair) -> Result<u32> {
    let guest = repair.machine.guest();
    let pid = guest.spawn_active("half", Activity::Threads { count: THREADS })?;
    wait::until("all threads are there", LIMIT, || {
        let status = guest.read_file(&format!("/proc/{pid}/status"))?;
        Ok(status.contains(&format!("Threads:\t{THREADS}\n")) && status.contains("State:\tS"))
    })?;
    Ok(pid)
}

fn kill_half(repair: &Repair, pid: u32, signal: i32, failing: u32, status: i32) -> Result<Report> {
    let (pid, signal, failing) = (pid.to_string(), signal.to_string(), failing.to_string());
    let arguments = ["--pid", &pid, "--signal", &signal, "--fail", &failing];
    repair.report(status, PROGRAM, "kill_half", &arguments)
}

/// Sends a signal by a program that may take so many branches.
fn kill_within(repair: &Repair, pid: u32, signal: &str, budget: u64) -> Result<Report> {
    let (pid, budget) = (pid.to_string(), budget.to_string());
    let options = ["--json", "--budget", &budget];
    let ran = repair.run(KILL, "kill", &options, &["--pid", &pid, "--signal", signal])?;
    match ran.status.code() {
        Some(0 | 3) => Ok(Report(ran.json()?)),
        _ => bail!("{ran:?}"),
    }
}
