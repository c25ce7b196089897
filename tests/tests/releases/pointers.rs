// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls through pointers in the kernel's memory, and static calls.

use anyhow::{Context, Result, ensure};
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;
use gpufas_tests::tools::Target;
use serde_json::Value;

use crate::{case, run_with};

const POINTERS: (&str, &[&str], &[&str]) = ("tests/programs/pointers.c", &["kernel/sched/fair.c"], &[]);
const STATIC_CALLS: (&str, &[&str], &[&str]) =
    ("tests/programs/static_calls.c", &[], &["--kernel-symbol", "__traceiter_sched_kthread_stop_ret"]);

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "a function that a pointer of the kernel's leads to is called", |repair| {
        // One that is not the only one on its CPU has a turn that ends.
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        let report = run_one(repair, POINTERS, "interval", &["--pid", &pid.to_string()], 0)?;
        let ticks = report["end"]["result"].as_i64().context("no result")?;
        // A tick is 4 ms, and a turn no longer than some tenths of a second; from 6.6 on it may be less than one.
        ensure!((0..100).contains(&ticks), "{report}");
        repair.clean_up(pid)
    });
    case(group, "a pointer to a function that is not there is a fault that names it", |repair| {
        let report = run_one(repair, POINTERS, "stranger", &[], 3)?;
        is_stranger(&report, "update_curr_stop")
    });
    case(group, "a static call goes where its key says", |repair| {
        let report = run_one(repair, STATIC_CALLS, "known", &[], 0)?;
        ensure!(report["end"]["result"] == 42, "{report}");
        let report = run_one(repair, STATIC_CALLS, "stranger", &[], 3)?;
        is_stranger(&report, "__traceiter_sched_kthread_stop")?;
        let report = run_one(repair, STATIC_CALLS, "nothing", &[], 0)?;
        ensure!(report["end"]["result"] == 0, "{report}");
        Ok(())
    });
}

/// Runs an entry point of a program that is made of a source, files of the kernel's and with options, which ends with that status.
fn run_one(
    repair: &Repair,
    (source, files, options): (&str, &[&str], &[&str]),
    entry: &str,
    arguments: &[&str],
    status: i32,
) -> Result<Value> {
    let program = repair.machine.tools().compile_along(source, Target::Host, files, options)?;
    run_with(repair, &program, entry, arguments)?.with_status(status)?.json()
}

/// The fault of a call of a kernel function that the program does not have.
fn is_stranger(report: &Value, function: &str) -> Result<()> {
    let end = &report["end"];
    ensure!(end["kind"] == "fault" && end["fault"] == "no-function", "{report}");
    ensure!(end["symbol"].as_str().is_some_and(|symbol| symbol.starts_with(function)), "{report}");
    ensure!(end["site"]["line"].as_u64() > Some(0), "{report}");
    Ok(())
}
