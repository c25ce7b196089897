// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest that goes away, or whose memory does, is told, and is no reason to crash.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use gpufas_guest::Backing;
use gpufas_tests::command::{Ran, Running, Source, ps, run};
use gpufas_tests::machine::{LIMIT, Model};
use gpufas_tests::repair::KILL;
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};
use rustix::process::Signal;

use crate::ends::forever;
use crate::group;

pub fn add(suite: &mut Suite, tools: &Arc<Tools>) {
    for (name, backing) in [("shared", Backing::SharedFile), ("private", Backing::Private)] {
        let mut guest =
            group(suite, tools, "QEMU is killed", Target::Host, Model { backing, ..Model::default() });
        guest.case(&format!("in the middle of a run, {name} memory"), move |repair| {
            let mut running = Running::start(forever(repair, "walk", &["--pause", "always"])?)?;
            running.wait_for("walking")?;
            if backing == Backing::SharedFile {
                // Before that: memory that became smaller than QEMU says.
                memory_is_cut_off(&repair.machine)?;
            }
            repair.machine.guest().kill_qemu()?;
            repair.machine.guest().wait_until_gone(LIMIT)?;
            running.signal(Signal::INT)?;
            // Private memory may have been missed before that.
            let ran = running.finish()?.with_one_error(2, &["QEMU"])?;
            let (gone, lost) = ("start the guest again", "memory at physical address");
            let missed = backing == Backing::Private && ran.errors.contains(lost);
            ensure!(missed || ran.errors.contains(gone), "{}", ran.errors);
            ensure!(missed || ran.output.contains("nothing was written"), "{}", ran.output);

            // And before a run.
            let (socket, tools) = (repair.machine.socket(), repair.machine.tools());
            let program = tools.compile(KILL, repair.target)?;
            let (source, arguments) = (Source::Qmp(&socket), ["--pid", "1", "--signal", "KILL"]);
            let parts = ["QEMU has ended", "start the guest again"];
            Ran::of(ps(tools, source))?.with_one_error(2, &parts)?;
            let command = run(tools, (&program, repair.target), "kill", source, &[], &arguments);
            Ran::of(command)?.with_one_error(2, &parts)?;
            Ok(())
        });
    }
}

/// A file that is shorter than the guest's memory is told.
fn memory_is_cut_off(machine: &gpufas_tests::machine::Machine) -> Result<()> {
    let path = machine.guest().memory_file().context("a guest whose memory is no file")?;
    let file = File::options().write(true).open(&path)?;
    let size = file.metadata()?.len();
    file.set_len(size - (1 << 20))?;
    // The other monitor: the first one serves the program that runs.
    let command = ps(machine.tools(), Source::Qmp(machine.monitor_socket()));
    let parts = ["bytes where QEMU says", "truncated"];
    Ran::of(command)?.with_one_error(2, &parts)?;
    file.set_len(size)?;
    Ok(())
}
