// SPDX-License-Identifier: MIT OR Apache-2.0

//! All processors stand while a program writes to a guest that nobody outside has paused.

use anyhow::{Result, bail, ensure};
use gpufas_guest::protocol::ProcessEvent;
use gpufas_tests::deadlock::Deadlock;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::modules::SUPPORT;
use gpufas_tests::repair::{KILL_RUNNING, Repair};
use gpufas_tests::suite::Group;
use libc::{SIGKILL, SIGTERM};

use crate::deadlocks::release;
use crate::{SUPPORT_PROGRAM, ask, case};

/// Pauses, and looks whether they are as they should be.
pub const PROGRAM: &str = "tests/programs/pauses.c";

/// How often a process is stopped and goes on.
const ROUNDS: u32 = 10;

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    case(group, "all processors stand, and go on when they are told to or their time is over", |repair| {
        ask(repair, PROGRAM, "pause", 0, &[]).map(drop)
    });
    if cpus > 1 {
        group.case("processors stand for no longer than was asked for, however seldom they look", give_up);
    }
    case(group, "what a program wrote that ended while all processors stood is taken back", fault);
    case(group, "who is woken in a pause that has run out by then runs all the same", late);
    case(group, "signals are taken that were sent while all processors stood", |repair| {
        let guest = repair.machine.guest();
        let sleeper = guest.spawn_sleepers(1, "victim")?[0];
        for _ in 0..ROUNDS {
            send(repair, sleeper, "STOP")?;
            guest.wait_for_process(sleeper, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
            send(repair, sleeper, "CONT")?;
            guest
                .wait_for_process(sleeper, LIMIT, |event| matches!(event, ProcessEvent::Continued { .. }))?;
        }
        send(repair, sleeper, "TERM")?;
        repair.was_killed(sleeper, SIGTERM)?;
        let computes = guest.spawn_runaway("victim")?;
        send(repair, computes, "KILL")?;
        repair.was_killed(computes, SIGKILL)
    });
}

/// A processor does not come for a pause, and the others wait for it no longer than they may stand.
fn give_up(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    for program in [PROGRAM, SUPPORT_PROGRAM] {
        repair.machine.tools().compile(program, repair.target)?;
    }
    guest.load_module(SUPPORT.name, "period_us=1000000")?;
    let deadlock = Deadlock::start(repair, "raw", false, Some(2))?;
    deadlock.wait_until_started(1)?;
    ask(repair, PROGRAM, "give_up", 0, &[])?;
    release(repair, deadlock.lock())?;
    deadlock.has_ended(1)?;
    guest.unload_module(SUPPORT.name)?;
    repair.machine.check_unharmed()
}

/// A program faults while all processors stand: what it wrote is taken back, unless they went on before, and they go on.
fn fault(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    for _ in 0..ROUNDS {
        let pid = guest.spawn_sleepers(1, "victim")?[0];
        let report = ask(repair, PROGRAM, "fault", 3, &[("pid", pid.to_string())])?;
        let left = &report.0["critical_section"];
        ensure!(left["paused"] == true && left["stores"] == 1, "{report:?}");
        let is_taken_back = left["taken_back"] == true;
        ensure!(is_taken_back || left["why_not"] == "the guest had gone on", "{report:?}");
        let name = if is_taken_back { "victim" } else { "Fictim" };
        let processes = guest.processes()?;
        ensure!(processes.iter().any(|process| process.pid == pid && process.comm == name), "no {name}");
        repair.clean_up(pid)?;
        if is_taken_back {
            return Ok(());
        }
    }
    bail!("all processors went on {ROUNDS} times before anything was taken back")
}

/// A pause is over between the request of an interrupt and the entry that it is for. All processors compute, so that they look at their
/// queues for interrupts only.
fn late(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let mut busy = Vec::new();
    for _ in 0..repair.machine.cpus() {
        busy.push(guest.spawn_runaway("busy")?);
    }
    for _ in 0..ROUNDS {
        let sleeper = guest.spawn_sleepers(1, "victim")?[0];
        repair.kill_without_waking(sleeper, "TERM")?;
        ask(repair, PROGRAM, "late", 0, &[("pid", sleeper.to_string())])?;
        repair.was_killed(sleeper, SIGTERM)?;
    }
    busy.into_iter().try_for_each(|pid| repair.clean_up(pid))
}

/// Sends a signal, which must be taken, with nothing but the support to send interrupts.
fn send(repair: &Repair, pid: u32, signal: &str) -> Result<()> {
    let options = ["--pause", "never", "--interrupts", "never"];
    let arguments = ["--pid", &pid.to_string(), "--signal", signal];
    let report = repair.report_with(0, KILL_RUNNING, "kill", &options, &arguments)?;
    ensure!(report.0["guest"]["paused"] == false, "the guest was paused from outside: {report:?}");
    report.says("delivered")
}
