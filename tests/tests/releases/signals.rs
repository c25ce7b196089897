// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every signal to processes in every state, on every kernel: what it does is what the kernel's own does.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::ProcessEvent;
use gpufas_guest::{Disk, GuestEvent};
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::{LIMIT, Model};
use gpufas_tests::releases::is_matrix;
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::signal_rules::RULES;
use gpufas_tests::subject::{self, DOINGS, Doing, WAITS_KILLABLY};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::wait;
use libc::{SIGKILL, SIGSTOP, SIGTERM};

use crate::case;

/// How often a case is repeated.
fn rounds() -> usize {
    if is_matrix() { 20 } else { 1 }
}

/// What the guest is to be like.
pub fn model(cpus: u32) -> Model {
    Model { cpus, sleepers: 20, disks: &[Disk::Slow], ..Model::default() }
}

/// Compiles the program that takes locks of a guest that runs on.
///
/// # Errors
///
/// What the compiler says.
pub fn compile_for_running(tools: &Tools) -> Result<PathBuf> {
    tools.compile_along(KILL, Target::Host, &[], &["--locks", "take"])
}

/// Adds the cases. Only the host's processor takes locks.
pub fn add(group: &mut Group<'_, Repair>, target: Target) {
    if target == Target::Host {
        case(group, "a guest that runs on, with its locks taken: signals wake who sleeps", running_on);
    }
    for doing in DOINGS {
        let (what, stopped) = (doing.what, doing.is_stopped());
        for (name, number) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
            case(group, &format!("{name} ends a process that {what}"), move |repair| {
                repeat(repair, doing, |repair, pid| {
                    let report = repair.kill(pid, name)?;
                    if stopped && name == "TERM" {
                        report.says("pending until the process can take it")?;
                        repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
                    } else {
                        report.says("delivered")?;
                    }
                    repair.was_killed(pid, number)
                })
            });
        }
        case(group, &format!("STOP and CONT act on a process that {what}"), move |repair| {
            repeat(repair, doing, |repair, pid| {
                if stopped {
                    // It goes on to stop itself again, which may hide from its parent that it went on.
                    let before = stops(repair, pid);
                    repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
                    wait::until("it has stopped again", LIMIT, || Ok(stops(repair, pid) > before))?;
                } else {
                    repair.kill(pid, "STOP")?.says("delivered")?;
                    is_stopped(repair, pid)?;
                    repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
                    let continued = ProcessEvent::Continued { pid };
                    repair.machine.guest().wait_for_process(pid, LIMIT, |event| *event == continued)?;
                }
                repair.clean_up(pid)
            })
        });
    }
    // In a sleep that only a signal which ends it ends.
    for (name, number) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
        for doing in [WAITS_KILLABLY, Doing::waits_for_disk(Disk::device(0))] {
            case(group, &format!("{name} ends a process that {}", doing.what), move |repair| {
                repeat(repair, &doing, |repair, pid| {
                    repair.kill(pid, name)?.says("delivered")?;
                    repair.was_killed(pid, number)
                })
            });
        }
    }
    case(
        group,
        "STOP and CONT act on a process that waits killably on a disk, when it has what it waits for",
        |repair| {
            let pid = Doing::waits_for_disk(Disk::device(0)).start(&repair.machine)?;
            repair.kill(pid, "STOP")?;
            is_stopped(repair, pid)?;
            repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
            let continued = ProcessEvent::Continued { pid };
            repair.machine.guest().wait_for_process(pid, LIMIT, |event| *event == continued)?;
            repair.kill(pid, "KILL")?;
            repair.was_killed(pid, SIGKILL)
        },
    );
    for (name, rule) in RULES {
        case(group, name, rule);
    }
    for name in ["KILL", "TERM"] {
        case(group, &format!("{name} ends a hundred processes at once, whatever they do"), move |repair| {
            let guest = repair.machine.guest();
            for doing in DOINGS.iter().filter(|doing| !doing.is_stopped()) {
                // Not all of them can compute on an emulated processor.
                let count = if doing.state == 'R' { 5 } else { 25 };
                guest.spawn_many(count, "many", doing.activity.clone())?;
            }
            repair.kill_all("many", name)?;
            Ok(guest.wait_until_no("many", LIMIT)?)
        });
    }
}

/// Every signal of a program that takes locks, to processes that do not stop by themselves.
fn running_on(repair: &Repair) -> Result<()> {
    let tools = repair.machine.tools();
    let program = compile_for_running(tools)?;
    for doing in DOINGS.iter().filter(|doing| !doing.is_stopped()) {
        let pid = doing.start(&repair.machine)?;
        for signal in ["STOP", "CONT", "TERM"] {
            let arguments = ["--pid", &pid.to_string(), "--signal", signal];
            let options = ["--json", "--pause", "never"];
            let ran = Ran::of(repair.machine.with_source(|guest| {
                run(tools, (&program, Target::Host), "kill", guest, &options, &arguments)
            }))?;
            let report = ran.with_status(0)?.json()?;
            ensure!(report["guest"]["paused"] == false, "{report}");
            let log = report["log"].as_str().unwrap_or_default();
            ensure!(log.contains(" delivered"), "{report}");
            if signal == "STOP" {
                is_stopped(repair, pid)?;
            }
        }
        repair.was_killed(pid, SIGTERM)?;
    }
    Ok(())
}

/// Starts a process some times, each time to be ended by `action`.
fn repeat(repair: &Repair, doing: &Doing, action: impl Fn(&Repair, u32) -> Result<()>) -> Result<()> {
    (0..rounds()).try_for_each(|round| {
        let pid = doing.start(&repair.machine)?;
        action(repair, pid).with_context(|| format!("round {}", round + 1))
    })
}

/// How often a process has stopped.
fn stops(repair: &Repair, pid: u32) -> usize {
    let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
    let is_stop = |event: &&GuestEvent| matches!(event, GuestEvent::Process(event) if *event == stopped);
    repair.machine.guest().events().iter().filter(is_stop).count()
}

/// Waits until a process is stopped.
fn is_stopped(repair: &Repair, pid: u32) -> Result<()> {
    let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
    let is_stopped = |event: &GuestEvent| matches!(event, GuestEvent::Process(event) if *event == stopped);
    repair
        .machine
        .guest()
        .wait_for_event("waiting for a process to stop", LIMIT, |event| is_stopped(event).then_some(()))?;
    ensure!(repair.machine.guest().states(subject::NAME)? == "T");
    Ok(())
}
