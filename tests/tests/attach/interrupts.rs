// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest whose interrupts cannot be sent after all: it must not find anything on its queues.

use anyhow::ensure;
use gpufas_tests::command::{Ran, Source, run};
use gpufas_tests::refusing_stub;
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;
use libc::SIGTERM;

use crate::case;
use crate::sockets::is_reported;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "what was written is taken back where the interrupts for it cannot be sent", |repair| {
        let (machine, tools) = (&repair.machine, repair.machine.tools());
        let pid = machine.guest().spawn_sleepers(1, "deep-sleeper")?[0];
        let program = tools.compile(KILL, repair.target)?;
        machine.while_unchanged(|| {
            let socket = refusing_stub::serve(machine.folder(), &machine.socket())?;
            let arguments = ["--pid", &pid.to_string(), "--signal", "TERM"];
            let program = (program.as_path(), repair.target);
            let ran = Ran::of(run(tools, program, "kill", Source::Qmp(&socket), &["--json"], &arguments))?;
            let ran = ran.with_one_error(2, &["were not sent", "E14", "was taken back"])?;
            is_reported(&ran, 2)?;
            let report = ran.json()?;
            // The program itself did what it should: it is what it wrote that is gone.
            ensure!(report["log"].as_str().is_some_and(|log| log.contains("delivered")), "{report}");
            ensure!(report["interrupts"] == serde_json::json!([]), "{report}");
            Ok(())
        })?;
        ensure!(machine.guest().alive(&[pid])?.alive == [pid], "the process is gone");
        repair.kill(pid, "TERM")?.was_served()?;
        repair.was_killed(pid, SIGTERM)
    });
}
