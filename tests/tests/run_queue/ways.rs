// SPDX-License-Identifier: MIT OR Apache-2.0

//! One program sends a signal and wakes who gets it, in the preferred one of two ways that is possible.

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::ProcessEvent;
use gpufas_tests::lock;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::{Repair, Report};
use gpufas_tests::suite::Group;
use libc::{SIGKILL, SIGTERM};

use crate::{RUN_QUEUE, RUN_QUEUE_FIRST, WAKE_QUEUE_FIRST, case, schedule_by};

/// What is said of a signal that a process takes at once.
pub const DELIVERED: &str = "delivered";

/// And of one that it does not take.
const LEFT: &str = "pending until the process wakes up";

/// `CALL_FUNCTION_SINGLE_VECTOR` of arch/x86/include/asm/irq_vectors.h, with which a task is left to its processor.
const WAKE_QUEUE_VECTOR: &str = "0xfb";

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    case(group, "a process is stopped and goes on, by its run queue", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_sleepers(1, "stopped")?[0];
        for _ in 0..3 {
            ensure!(!wakes_by_queue(&send(repair, RUN_QUEUE, pid, "STOP")?), "it was left to its CPU");
            guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
            ensure!(!wakes_by_queue(&send(repair, RUN_QUEUE, pid, "CONT")?), "it was left to its CPU");
            guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Continued { .. }))?;
        }
        send(repair, RUN_QUEUE, pid, "TERM")?;
        repair.was_killed(pid, SIGTERM)
    });
    case(group, "where a run queue cannot be changed the task is left to its CPU", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_sleepers(1, "limited")?[0];
        guest.make_cpu_group("limited-too", &[pid])?;
        guest.write_file("/sys/fs/cgroup/limited-too/cpu.max", "50000 100000")?;
        let report =
            schedule_by(repair, RUN_QUEUE, &[], 0, "kill", &["--pid", &pid.to_string(), "--signal", "USR1"])?;
        report.says("cannot be put on a run queue: its group's CPU time is limited")?;
        report.says(LEFT)?;
        let report = send(repair, RUN_QUEUE_FIRST, pid, "KILL")?;
        report.says("cannot be put on a run queue: its group's CPU time is limited")?;
        report.was_served()?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "while a lock of its run queue's is held a task is left to its CPU", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_sleepers(1, "held")?[0];
        // A run queue of its own, of whose locks nobody else needs one.
        guest.make_cpu_group("held", &[pid])?;
        let memory = repair.machine.memory()?;
        let queue = memory.read(memory.task(pid)? + memory.offset_of("task_struct", "se.cfs_rq")?)?;
        let held = lock::hold(repair, queue + memory.offset_of("cfs_rq", "removed.lock")?)?;
        let report =
            schedule_by(repair, RUN_QUEUE, &[], 1, "kill", &["--pid", &pid.to_string(), "--signal", "STOP"])?;
        report.says("a lock of the scheduler's is held")?;
        report.has_written(false)?;
        // A process that dies would take it.
        send(repair, RUN_QUEUE_FIRST, pid, "STOP")?.was_served()?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
        held.restore()?;
        repair.clean_up(pid)
    });
    case(group, "where no interrupt can be sent the task is put on its run queue", |repair| {
        let pid = repair.machine.guest().spawn_sleepers(1, "unreachable")?[0];
        let options = ["--interrupts", "never"];
        let report = schedule_by(
            repair,
            WAKE_QUEUE_FIRST,
            &options,
            0,
            "kill",
            &["--pid", &pid.to_string(), "--signal", "KILL"],
        )?;
        report.says("cannot be left to its CPU: no interrupts can be sent")?;
        report.says(DELIVERED)?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "of two ways that are possible the first is taken", |repair| {
        let pids = repair.machine.guest().spawn_sleepers(2, "either")?;
        let report = send(repair, WAKE_QUEUE_FIRST, pids[0], "KILL")?;
        ensure!(wakes_by_queue(&report), "it was not left to its CPU: {report:?}");
        let report = send(repair, RUN_QUEUE_FIRST, pids[1], "KILL")?;
        ensure!(!wakes_by_queue(&report), "it was left to its CPU: {report:?}");
        pids.into_iter().try_for_each(|pid| repair.was_killed(pid, SIGKILL))
    });
    if cpus > 1 {
        case(group, "where no interrupt can be sent a processor that is awake gets the task", awake);
        case(group, "a sleeper whose CPU is offline is put on another's run queue", offline);
    }
}

/// The processor that a process has run on last.
fn last_processor(repair: &Repair, pid: u32) -> Result<u32> {
    let stat = repair.machine.guest().read_file(&format!("/proc/{pid}/stat"))?;
    // The 39th field, `processor`; the second ends the name, and the third follows.
    let fields = stat.rsplit_once(") ").context("no name")?.1;
    Ok(fields.split(' ').nth(39 - 3).context("no processor")?.parse()?)
}

/// A processor that is idle may not look at its run queue for seconds. One that answers the tests is none in that moment, so that some
/// sleepers may stay.
fn awake(repair: &Repair) -> Result<()> {
    /// Sleepers, one after another.
    const SLEEPERS: u32 = 10;
    let guest = repair.machine.guest();
    let busy = guest.spawn_runaway("busy")?;
    let mut moved = 0;
    for pid in guest.spawn_sleepers(SLEEPERS, "beside-idle")? {
        let before = [last_processor(repair, pid)?, last_processor(repair, busy)?];
        let arguments = ["--pid", &pid.to_string(), "--signal", "STOP"];
        schedule_by(repair, RUN_QUEUE, &["--interrupts", "never"], 0, "kill", &arguments)?.says(DELIVERED)?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
        let after = last_processor(repair, pid)?;
        moved += u32::from(before[0] != before[1] && after == before[1]);
        repair.clean_up(pid)?;
    }
    ensure!(moved > 0, "none of {SLEEPERS} was moved to the processor that computes");
    repair.clean_up(busy)
}

/// The wake queue of a processor that is offline is of no use.
fn offline(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let pids = guest.spawn_sleepers(16, "left-behind")?;
    let places = pids.iter().map(|pid| last_processor(repair, *pid)).collect::<Result<Vec<_>>>()?;
    let cpu = places.iter().find(|cpu| **cpu > 0).context("all of them sleep on the boot processor")?;
    let online = format!("/sys/devices/system/cpu/cpu{cpu}/online");
    guest.write_file(&online, "0")?;
    for (pid, _) in pids.iter().zip(&places).filter(|(_, place)| *place == cpu) {
        let report = send(repair, WAKE_QUEUE_FIRST, *pid, "KILL")?;
        report.says("cannot be left to its CPU: its CPU is offline")?;
        repair.was_killed(*pid, SIGKILL)?;
    }
    guest.write_file(&online, "1")?;
    pids.iter().zip(&places).filter(|(_, place)| *place != cpu).try_for_each(|(pid, _)| repair.clean_up(*pid))
}

/// Sends a signal, which must be taken.
fn send(repair: &Repair, schedule: &str, pid: u32, signal: &str) -> Result<Report> {
    let report =
        schedule_by(repair, schedule, &[], 0, "kill", &["--pid", &pid.to_string(), "--signal", signal])?;
    report.says(DELIVERED)?;
    Ok(report)
}

/// Whether a program left tasks to their processors.
pub fn wakes_by_queue(report: &Report) -> bool {
    let interrupts = report.0["interrupts"].as_array();
    interrupts.is_some_and(|all| all.iter().any(|interrupt| interrupt["vector"] == WAKE_QUEUE_VECTOR))
}
