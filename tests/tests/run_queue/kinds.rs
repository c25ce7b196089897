// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sleepers that are scheduled in different ways, in groups, and what is refused.

use anyhow::{Result, ensure};
use gpufas_tests::lock;
use gpufas_tests::repair::{Repair, Report};
use gpufas_tests::suite::Group;
use libc::{SIGKILL, SIGTERM};

use crate::sleeping::ENQUEUED;
use crate::ways::{DELIVERED, wakes_by_queue};
use crate::{case, schedule, signal_only};

/// Policies of include/uapi/linux/sched.h.
const SCHED_NORMAL: i32 = 0;
const SCHED_FIFO: i32 = 1;
const SCHED_RR: i32 = 2;
const SCHED_BATCH: i32 = 3;
const SCHED_IDLE: i32 = 5;

/// `EOPNOTSUPP` of include/uapi/asm-generic/errno.h, and `EAGAIN` of errno-base.h.
const EOPNOTSUPP: i64 = 95;
const EAGAIN: i64 = 11;

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    for (what, policy, priority, nice) in [
        ("that is very nice", SCHED_NORMAL, 0, 19),
        ("that is not nice", SCHED_NORMAL, 0, -20),
        ("of SCHED_BATCH", SCHED_BATCH, 0, 0),
        ("of SCHED_IDLE", SCHED_IDLE, 0, 0),
        ("of SCHED_FIFO", SCHED_FIFO, 50, 0),
        ("of SCHED_RR", SCHED_RR, 1, 0),
    ] {
        case(group, &format!("a sleeper {what}"), move |repair| {
            let guest = repair.machine.guest();
            let pid = guest.spawn_sleepers(1, "of-a-kind")?[0];
            guest.schedule(pid, policy, priority, nice)?;
            wakes(repair, pid)
        });
    }
    case(group, "a sleeper in a session of its own", move |repair| {
        let pid = repair.machine.guest().spawn_session_leaders(1, "leader")?[0];
        wakes(repair, pid)
    });
    case(group, "sleepers in a control group, and in one within it", move |repair| {
        let guest = repair.machine.guest();
        let pids = guest.spawn_sleepers(2, "grouped")?;
        guest.make_cpu_group("outer", &[])?;
        guest.write_file("/sys/fs/cgroup/outer/cgroup.subtree_control", "+cpu")?;
        guest.make_cpu_group("outer/inner", &pids[..1])?;
        guest.make_cpu_group("other", &pids[1..])?;
        pids.into_iter().try_for_each(|pid| wakes(repair, pid))
    });
    case(group, "sleepers run beside others that compute in a control group", move |repair| {
        let guest = repair.machine.guest();
        let busy = (0..cpus * 2).map(|_| guest.spawn_runaway("busy")).collect::<Result<Vec<_>, _>>()?;
        guest.make_cpu_group("busy", &busy)?;
        let sleepers = guest.spawn_sleepers(8, "sleeper-beside")?;
        guest.make_cpu_group("busy/sleepers", &sleepers[..4])?;
        sleepers.into_iter().try_for_each(|pid| wakes(repair, pid))?;
        busy.into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
    if cpus > 1 {
        case(group, "a sleeper whose processor it may no longer use", move |repair| {
            let guest = repair.machine.guest();
            for cpu in 0..cpus {
                let pid = guest.spawn_sleepers(1, "moved")?[0];
                guest.pin(pid, cpu)?;
                wakes(repair, pid)?;
            }
            Ok(())
        });
    }
    case(group, "a sleeper of a group whose time is limited is left asleep", move |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_sleepers(1, "limited")?[0];
        guest.make_cpu_group("limited", &[pid])?;
        guest.write_file("/sys/fs/cgroup/limited/cpu.max", "10000 100000")?;
        let report = refuses(repair, pid, EOPNOTSUPP)?;
        ensure!(report.contains("its group's CPU time is limited"), "{report}");
        guest.write_file("/sys/fs/cgroup/limited/cpu.max", "max")?;
        report_of_waking(repair, pid)?.says(ENQUEUED)?;
        repair.was_killed(pid, SIGTERM)
    });
    case(group, "while a lock of a sleeper's is held it is left asleep", move |repair| {
        let pid = repair.machine.guest().spawn_sleepers(1, "locked")?[0];
        let memory = repair.machine.memory()?;
        let held = lock::hold(repair, memory.task(pid)? + memory.offset_of("task_struct", "pi_lock")?)?;
        refuses(repair, pid, EAGAIN)?;
        held.restore()?;
        report_of_waking(repair, pid)?.says(ENQUEUED)?;
        repair.was_killed(pid, SIGTERM)
    });
    case(group, "one that is awake stays as it is", move |repair| {
        let pid = repair.machine.guest().spawn_runaway("awake")?;
        let report = schedule(repair, 1, "wake", &["--pid", &pid.to_string()])?;
        report.says("has no signal pending")?;
        report.has_written(false)?;
        repair.clean_up(pid)
    });
}

/// A sleeper gets a signal, is put on a run queue by the same program, and takes it.
fn wakes(repair: &Repair, pid: u32) -> Result<()> {
    let report = schedule(repair, 0, "kill", &["--pid", &pid.to_string(), "--signal", "KILL"])?;
    report.says(DELIVERED)?;
    ensure!(!wakes_by_queue(&report), "it was left to its CPU: {report:?}");
    repair.was_killed(pid, SIGKILL)
}

/// A sleeper that has a signal pending is made to run.
fn report_of_waking(repair: &Repair, pid: u32) -> Result<Report> {
    schedule(repair, 0, "wake", &["--pid", &pid.to_string()])
}

/// A sleeper that has a signal pending is left as it is; with what is said of it.
fn refuses(repair: &Repair, pid: u32, error: i64) -> Result<String> {
    // One that can be sent again, as KILL to a process that has it pending cannot.
    signal_only(repair, "kill", &["--pid", &pid.to_string(), "--signal", "TERM"])?;
    let report = schedule(repair, 1, "wake", &["--pid", &pid.to_string()])?;
    ensure!(report.result()? == -error, "{report:?}");
    report.has_written(false)?;
    ensure!(repair.machine.guest().alive(&[pid])?.alive == [pid], "it is gone");
    Ok(report.log().to_owned())
}
