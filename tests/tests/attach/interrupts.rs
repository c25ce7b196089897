// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest whose interrupts cannot be sent after all: it must not find anything on its queues.

use anyhow::{Context, Result, ensure};
use gpufas_tests::command::{Ran, Source, run};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::refusing_stub;
use gpufas_tests::repair::{KILL, Repair, Report};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::Target;
use gpufas_tests::wait;
use libc::SIGTERM;

use crate::case;
use crate::sockets::is_reported;

/// So many that some of them sleep on each processor.
const SLEEPERS: u32 = 20;

const SLEEPER: &str = "deep-sleeper";

/// A process that has gone to sleep: one that is still awake needs no interrupt.
fn sleeper(repair: &Repair) -> Result<u32> {
    let guest = repair.machine.guest();
    let pid = guest.spawn_sleepers(1, SLEEPER)?[0];
    wait::until("it sleeps", LIMIT, || Ok(guest.states(SLEEPER)? == "S"))?;
    Ok(pid)
}

pub fn add(group: &mut Group<'_, Repair>, target: Target) {
    case(group, "what was written is taken back where the interrupts for it cannot be sent", |repair| {
        let (machine, tools) = (&repair.machine, repair.machine.tools());
        let pid = sleeper(repair)?;
        let program = tools.compile(KILL, repair.target)?;
        machine.while_unchanged(|| {
            let socket = refusing_stub::serve(machine.folder(), &machine.socket(), usize::MAX)?;
            let arguments = ["--pid", &pid.to_string(), "--signal", "TERM"];
            let program = (program.as_path(), repair.target);
            let ran = Ran::of(run(tools, program, "kill", Source::Qmp(&socket), &["--json"], &arguments))?;
            let ran = ran.with_one_error(2, &["were not sent", "E14", "was taken back"])?;
            is_reported(&ran, 2)?;
            let report = ran.json()?;
            // The program itself did what it should: it is what it wrote that is gone.
            ensure!(report["log"].as_str().is_some_and(|log| log.contains("delivered")), "{report}");
            ensure!(report["interrupts"] == serde_json::json!([]), "{report}");
            let stores = report["stores"].as_array().context("no list of stores")?;
            ensure!(!stores.is_empty() && report["stores_kept"] == false, "{report}");
            ensure!(stores.iter().all(|store| store["taken_back"] == true), "{report}");
            Ok(())
        })?;
        ensure!(machine.guest().alive(&[pid])?.alive == [pid], "the process is gone");
        repair.kill(pid, "TERM")?.was_served()?;
        repair.was_killed(pid, SIGTERM)
    });
    // Only the host's processor takes locks.
    if target == Target::Host {
        case(group, "in a guest that runs on interrupts are sent that cannot be sent at first", |repair| {
            let pid = sleeper(repair)?;
            let report = Report(kill_running(repair, pid, 2)?.with_status(0)?.json()?);
            report.was_served()?;
            repair.was_killed(pid, SIGTERM)
        });
        case(group, "in a guest that runs on it is told if interrupts cannot be sent at all", |repair| {
            let guest = repair.machine.guest();
            let pid = sleeper(repair)?;
            let ran = kill_running(repair, pid, usize::MAX)?;
            let ran = ran.with_one_error(
                2,
                &["were not sent", "E14", "is there still, since the guest had gone on"],
            )?;
            is_reported(&ran, 2)?;
            let report = ran.json()?;
            ensure!(report["interrupts"] == serde_json::json!([]), "{report}");
            let stores = report["stores"].as_array().context("no list of stores")?;
            ensure!(!stores.is_empty() && report["stores_kept"] == true, "{report}");
            ensure!(stores.iter().all(|store| store["taken_back"] == false), "{report}");
            // The next interrupt for that processor lets it look at its queue, if it has not before.
            guest.spawn_sleepers(SLEEPERS, "crowd")?;
            repair.kill_all("crowd", "KILL")?.was_served()?;
            guest.wait_until_no("crowd", LIMIT)?;
            repair.was_killed(pid, SIGTERM)
        });
    }
}

/// Sends TERM in a guest that is not paused for the program, and whose stub refuses so many writes.
fn kill_running(repair: &Repair, pid: u32, refusals: usize) -> Result<Ran> {
    let (machine, tools) = (&repair.machine, repair.machine.tools());
    let program = tools.compile_along(KILL, Target::Host, &[], &["--locks", "take"])?;
    let socket = refusing_stub::serve(machine.folder(), &machine.socket(), refusals)?;
    let arguments = ["--pid", &pid.to_string(), "--signal", "TERM"];
    let options = ["--json", "--pause", "never"];
    Ran::of(run(tools, (&program, Target::Host), "kill", Source::Qmp(&socket), &options, &arguments))
}
