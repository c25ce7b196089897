// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program that never ends is ended, and the guest runs on.

use std::process::Command;

use anyhow::{Result, ensure};
use gpufas_tests::command::{Running, run};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;
use rustix::process::Signal;

use crate::case;

/// Programs that never end: one that follows kernel memory, and one that does not.
pub const FOREVER: &str = "tests/programs/forever.c";
const ENTRIES: [&str; 2] = ["walk", "spin"];

/// A budget that is not spent while a test runs.
const ENDLESS: [&str; 4] = ["--budget", "18446744073709551615", "--timeout", "150"];

pub fn add(group: &mut Group<'_, Repair>) {
    for entry in ENTRIES {
        case(group, &format!("{entry} ends by the budget"), move |repair| {
            let report = repair.report_with(3, FOREVER, entry, &["--budget", "100000"], &[])?;
            let fault = report.fault("budget-spent")?;
            let site = &fault["site"];
            ensure!(site["file"].as_str().is_some_and(|file| !file.is_empty()), "{fault}");
            ensure!(site["line"].as_u64() > Some(0) && report.0["budget_left"] == 0, "{report:?}");
            report.says("ing\n")?;
            report.has_written(false)?;
            let text = repair.run(FOREVER, entry, &["--budget", "100000"], &[])?.with_status(3)?;
            for part in ["the loop budget is spent", "--budget", "forever.c:", "nothing was written"] {
                ensure!(text.output.contains(part), "{part:?} should be in:\n{}", text.output);
            }
            Ok(())
        });
        case(group, &format!("{entry} ends by the time limit"), move |repair| {
            let options = ["--budget", ENDLESS[1], "--timeout", "0.5", "--pause", "always"];
            let report = repair.report_with(3, FOREVER, entry, &options, &[])?;
            report.fault("stopped")?;
            let why = report.0["asked_to_end"].as_str().unwrap_or_default();
            ensure!(why.contains("--timeout"), "{report:?}");
            ensure!(report.0["guest"]["paused"] == true, "{report:?}");
            report.has_written(false)
        });
    }
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        case(group, &format!("{name} ends a program and the guest's pause"), move |repair| {
            let mut running = Running::start(forever(repair, "walk", &["--pause", "always"])?)?;
            running.wait_for("walking")?;
            ensure!(!repair.machine.runs()?, "the guest should be paused");
            running.signal(signal)?;
            let ran = running.finish()?.with_status(3)?;
            for part in ["it was asked to stop", name, "paused meanwhile", "nothing was written"] {
                ensure!(ran.output.contains(part), "{part:?} should be in:\n{}", ran.output);
            }
            ensure!(repair.machine.runs()?, "the guest should run again");
            Ok(())
        });
    }
    case(group, "a guest that is not to be paused runs on meanwhile", |repair| {
        let mut running = Running::start(forever(repair, "walk", &["--pause", "never"])?)?;
        running.wait_for("walking")?;
        ensure!(repair.machine.runs()?, "the guest should not be paused");
        // It answers.
        repair.machine.check_unharmed()?;
        running.signal(Signal::INT)?;
        running.finish()?.with_status(3)?;
        Ok(())
    });
    case(group, "a guest that was paused before stays so, and the repair acts when it goes on", |repair| {
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        repair.machine.while_paused(|qmp| {
            let report = repair.report(0, KILL, "kill", &["--pid", &pid.to_string(), "--signal", "KILL"])?;
            ensure!(report.0["guest"]["paused"] == true, "{report:?}");
            ensure!(!qmp.run_state()?.running, "it should have been left paused");
            Ok(())
        })?;
        repair.was_killed(pid, 9)
    });
}

/// `gpufas run` of a program that never ends, with limits that are not reached.
pub fn forever(repair: &Repair, entry: &str, options: &[&str]) -> Result<Command> {
    let program = repair.machine.tools().compile(FOREVER, repair.target)?;
    let options = [&ENDLESS, options].concat();
    Ok(repair.machine.with_source(|guest| {
        run(repair.machine.tools(), (&program, repair.target), entry, guest, &options, &[])
    }))
}
