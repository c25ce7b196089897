// SPDX-License-Identifier: MIT OR Apache-2.0

//! The first process and kernel threads come to no harm.

use anyhow::{Context, Result, ensure};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;

use crate::case;

/// The signals that end or stop a process.
const SIGNALS: [&str; 4] = ["KILL", "TERM", "STOP", "INT"];

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "the first process takes no signal by pid", |repair| is_left_alone(repair, 1));
    case(group, "kernel threads take no signal by pid", |repair| {
        let processes = repair.machine.guest().processes()?;
        let worker = processes.iter().find(|process| process.comm.starts_with("kworker/"));
        is_left_alone(repair, 2)?;
        is_left_alone(repair, worker.context("no worker of the kernel's")?.pid)
    });
    case(group, "the first process takes no signal by name", |repair| {
        let processes = repair.machine.guest().processes()?;
        let first = processes.iter().find(|process| process.pid == 1).context("no first process")?;
        for signal in SIGNALS {
            let report = repair.kill_all(&first.comm, signal)?;
            report.says("ignored by the process")?;
            report.has_written(false)?;
        }
        Ok(())
    });
    case(group, "kernel threads are not found by name", |repair| {
        let report = repair.report(1, KILL, "killall", &["--name", "kthreadd", "--signal", "KILL"])?;
        report.says("0 processes are called kthreadd")?;
        report.has_written(false)
    });
}

fn is_left_alone(repair: &Repair, pid: u32) -> Result<()> {
    for signal in SIGNALS {
        let report = repair.kill(pid, signal)?;
        report.says("ignored by the process")?;
        report.has_written(false)?;
    }
    ensure!(repair.machine.guest().alive(&[pid])?.alive == [pid]);
    Ok(())
}
