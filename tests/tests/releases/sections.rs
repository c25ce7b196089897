// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that end while they hold locks of a guest that runs on: nobody waits for these locks without end, and what was written under
//! them is as if it had never been.

use anyhow::{Context, Result, ensure};
use gpufas_tests::command::{Ran, run};
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;
use gpufas_tests::tools::Target;
use serde_json::Value;

use crate::case;

const SECTIONS: &str = "tests/programs/sections.c";

/// How a program ends: its number, what `gpufas run` calls it, and whether it did so by itself.
const WAYS: [(&str, &str, bool); 3] = [("0", "fault", false), ("1", "fault", false), ("2", "returned", true)];

/// The name of the process that is written to.
const NAME: &str = "victim";

pub fn add(group: &mut Group<'_, Repair>) {
    case(
        group,
        "a program that ends with locks held has them released, and its stores taken back",
        |repair| {
            for (way, kind, by_itself) in WAYS {
                let report = end(repair, "locked", way, kind)?;
                let left = &report["critical_section"];
                ensure!(left["locks_released"] == 2 && left["stores"] == 3, "{report}");
                ensure!(left["taken_back"] == !by_itself && report["stores_kept"] == by_itself, "{report}");
                is_left(repair, if by_itself { "LLct" } else { NAME })?;
            }
            Ok(())
        },
    );
    case(
        group,
        "what was written under a lock that was released stays, and the other lock is released",
        |repair| {
            let report = end(repair, "inner", "0", "fault")?;
            let left = &report["critical_section"];
            ensure!(left["locks_released"] == 1 && left["taken_back"] == false, "{report}");
            ensure!(
                left["why_not"].as_str().is_some_and(|text| text.contains("which was released")),
                "{report}"
            );
            is_left(repair, "vIctim")
        },
    );
}

/// Runs an entry point on a process, which must end in a critical section while the guest runs on.
fn end(repair: &Repair, entry: &str, way: &str, kind: &str) -> Result<Value> {
    let pid = repair.machine.guest().spawn_sleepers(1, NAME)?[0].to_string();
    let report = run_taking(repair, entry, &["--pid", &pid, "--way", way], 3)?;
    ensure!(report["end"]["kind"] == kind, "{report}");
    Ok(report)
}

/// Sees that the locks of the process are free, for programs and for the kernel, and what its name is; ends it.
fn is_left(repair: &Repair, name: &str) -> Result<()> {
    let guest = repair.machine.guest();
    let pid = guest.processes()?.into_iter().find(|process| process.comm == name);
    let pid = pid.with_context(|| format!("nobody is called {name}"))?.pid;
    let report = run_taking(repair, "seen", &["--pid", &pid.to_string()], 0)?;
    ensure!(report["end"]["result"] == 1, "a lock is held: {report}");
    // The kernel takes both to kill it.
    repair.clean_up(pid)
}

/// Runs an entry point in a guest that runs on.
fn run_taking(repair: &Repair, entry: &str, arguments: &[&str], status: i32) -> Result<Value> {
    let tools = repair.machine.tools();
    let program = tools.compile_along(SECTIONS, Target::Host, &[], &["--locks", "take"])?;
    let options = ["--json", "--pause", "never", "--timeout", "1"];
    let ran = repair
        .machine
        .with_source(|guest| run(tools, (&program, Target::Host), entry, guest, &options, arguments));
    let report = Ran::of(ran)?.with_status(status)?.json()?;
    ensure!(report["guest"]["paused"] == false, "the guest was paused: {report}");
    Ok(report)
}
