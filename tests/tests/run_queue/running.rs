// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tasks are put on run queues of a guest that runs on: under the locks that the kernel itself takes, or while its in-kernel support has all
//! processors stand.

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::ProcessEvent;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::modules::SUPPORT;
use gpufas_tests::repair::{KILL, KILL_RUNNING, Repair, Report};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::Target;
use libc::SIGTERM;

use crate::ways::{DELIVERED, wakes_by_queue};
use crate::{RUN_QUEUE, case};

/// How many sleepers get signals, one after another.
const ROUNDS: u32 = 10;

pub fn add(group: &mut Group<'_, Repair>, target: Target, cpus: u32) {
    case(group, "a guest that runs on, its processors made to stand by its support", move |repair| {
        let guest = repair.machine.guest();
        guest.load_module(SUPPORT.name, "")?;
        signals(repair, cpus, KILL_RUNNING, &["--interrupts", "never"], &[])?;
        guest.unload_module(SUPPORT.name)?;
        Ok(())
    });
    // A GPU takes no locks.
    if target == Target::Host {
        case(group, "a guest that runs on, its locks taken", move |repair| {
            signals(repair, cpus, KILL, &[], &["--locks", "take"])
        });
    }
}

/// Sends signals with a program, while some of the processors are busy.
fn signals(repair: &Repair, cpus: u32, program: &str, options: &[&str], compiled: &[&str]) -> Result<()> {
    let guest = repair.machine.guest();
    let tools = repair.machine.tools();
    let program = tools.compile_scheduled(program, repair.target, RUN_QUEUE, compiled)?;
    let busy = (0..cpus / 2).map(|_| guest.spawn_runaway("busy")).collect::<Result<Vec<_>, _>>()?;
    for round in 0..ROUNDS {
        let pid = guest.spawn_sleepers(1, "beside")?[0];
        for signal in ["STOP", "CONT", "TERM"] {
            let options = [&["--json", "--pause", "never"], options].concat();
            let arguments = ["--pid", &pid.to_string(), "--signal", signal];
            let ran = Ran::of(repair.machine.with_source(|guest| {
                run(tools, (&program, repair.target), "kill", guest, &options, &arguments)
            }))?;
            let report = Report(ran.with_status(0)?.json()?);
            ensure!(report.0["guest"]["paused"] == false, "the guest was paused: {report:?}");
            report.says(DELIVERED).with_context(|| format!("round {round}"))?;
            ensure!(!wakes_by_queue(&report), "it was left to its CPU: {report:?}");
            if signal == "STOP" {
                guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
            }
        }
        repair.was_killed(pid, SIGTERM)?;
    }
    busy.into_iter().try_for_each(|pid| repair.clean_up(pid))
}
