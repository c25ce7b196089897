// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who is dying, dead or gone is told, and nothing written.

use anyhow::{Context, ensure};
use gpufas_guest::protocol::ProcessEvent;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::Repair;
use gpufas_tests::subject::WAITS_KILLABLY;
use gpufas_tests::suite::Group;
use gpufas_tests::wait;
use libc::{SIGKILL, SIGSTOP};

use crate::case;

const CPU_HOGS: &str = "examples/cpu-hogs.c";

/// `ESRCH` of include/uapi/asm-generic/errno-base.h.
const ESRCH: i64 = 3;

/// More than any process id (`PID_MAX_LIMIT` of include/linux/threads.h).
const NOBODY: u32 = 4_194_304;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "who was killed while the guest is paused gets no second signal", |repair| {
        let guest = repair.machine.guest();
        let pids = [guest.spawn_runaway("killed")?, guest.spawn_sleepers(1, "killed")?[0]];
        repair.machine.while_paused(|_| {
            for pid in pids {
                repair.kill(pid, "KILL")?.says("delivered")?;
                for signal in ["KILL", "TERM", "STOP", "CONT"] {
                    let report = repair.kill(pid, signal)?;
                    report.says("dropped, the process is dying")?;
                    report.has_written(false)?;
                }
            }
            Ok(())
        })?;
        pids.into_iter().try_for_each(|pid| repair.was_killed(pid, SIGKILL))
    });
    case(group, "a zombie gets no signal", |repair| {
        let guest = repair.machine.guest();
        // It stops as soon as its child is gone, and does not get to ask what became of it.
        let parent = WAITS_KILLABLY.start(&repair.machine)?;
        let processes = guest.processes()?;
        let child = processes.iter().find(|process| process.ppid == parent).context("no child")?.pid;
        guest.kill(parent, SIGSTOP)?;
        guest.kill(child, SIGKILL)?;
        let stopped = ProcessEvent::Stopped { pid: parent, signal: SIGSTOP };
        guest.wait_for_process(parent, LIMIT, |event| *event == stopped)?;
        wait::until("the child is a zombie", LIMIT, || {
            Ok(guest.processes()?.iter().any(|process| process.pid == child && process.state == 'Z'))
        })?;
        for signal in ["KILL", "TERM", "STOP", "CONT"] {
            let report = repair.kill(child, signal)?;
            report.says("dropped, the process is dying")?;
            report.has_written(false)?;
        }
        repair.clean_up(parent)
    });
    case(group, "of stopped processes that are to go on, who is gone is told", |repair| {
        let guest = repair.machine.guest();
        let continue_hogs = |pids: &str| repair.report(1, CPU_HOGS, "continue_hogs", &["--pids", pids]);
        let report = continue_hogs(&NOBODY.to_string())?;
        report.says(&format!("{NOBODY}: signal 18 not sent, the process is gone\n"))?;
        ensure!(report.result()? == -ESRCH, "{report:?}");
        report.has_written(false)?;

        let pid = guest.spawn_runaway("stopped")?;
        guest.kill(pid, SIGSTOP)?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
        let report = continue_hogs(&format!("{NOBODY},{pid}"))?;
        report.says(&format!("{NOBODY}: signal 18 not sent, the process is gone\n1 processes: "))?;
        ensure!(report.result()? == -ESRCH, "{report:?}");
        guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid })?;
        repair.clean_up(pid)
    });
}
