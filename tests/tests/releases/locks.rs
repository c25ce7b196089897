// SPDX-License-Identifier: MIT OR Apache-2.0

//! Locks of the kernel's, looked at or taken, on kernels whose spinning locks spin and on those where tasks own them.

use anyhow::{Context, Result, ensure};
use gpufas_tests::lock;
use gpufas_tests::repair::{Repair, number};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::Target;
use serde_json::Value;

use crate::{case, run_with};

const LOCKS: &str = "tests/programs/locks.c";

/// The entry points that take a lock.
const TAKING: [&str; 3] = ["spin", "raw", "sleeping"];

/// What they return: the lock was free before and after, and meanwhile as the mode says.
const TAKEN_MEANWHILE: i64 = 0b010;
const NEVER_TAKEN: i64 = 0;

pub fn add(group: &mut Group<'_, Repair>, guest: &str) {
    let realtime = guest.ends_with("-rt");
    case(group, "locks that are free are taken and released", |repair| {
        let pid = victim(repair)?;
        for entry in TAKING {
            let report = run_mode(repair, "take", entry, pid, 0)?;
            ensure!(report["end"]["result"] == TAKEN_MEANWHILE, "{entry}: {report}");
            let stores = report["stores"].as_array().context("no stores")?;
            // Each is a store to the lock and one that puts back what was there.
            let [take, release] = stores.as_slice() else { anyhow::bail!("{entry}: {report}") };
            ensure!(take["address"] == release["address"] && release["new"] == take["old"], "{report}");
            ensure!(report["guest"]["paused"] == true, "{report}");
        }
        ensure!(run_mode(repair, "take", "trying", pid, 0)?["end"]["result"] == 1);
        repair.clean_up(pid)
    });
    case(group, "locks that are looked at stay as they are, while the guest is paused", |repair| {
        let pid = victim(repair)?;
        for entry in TAKING {
            let report = run_mode(repair, "check", entry, pid, 0)?;
            ensure!(report["end"]["result"] == NEVER_TAKEN, "{entry}: {report}");
            ensure!(report["stores"].as_array().is_some_and(Vec::is_empty), "{entry}: {report}");
            ensure!(report["guest"]["paused"] == true, "{entry}: {report}");
        }
        ensure!(run_mode(repair, "check", "trying", pid, 0)?["end"]["result"] == 1);
        repair.clean_up(pid)
    });
    case(group, "a lock that is held ends a program in either mode", move |repair| {
        let pid = victim(repair)?;
        let address = lock::of_signals(repair, pid)?;
        let held = if realtime { lock::hold_as(repair, address, pid) } else { lock::hold(repair, address) }?;
        for mode in ["check", "take"] {
            let report = run_mode(repair, mode, "spin", pid, 3)?;
            let end = &report["end"];
            ensure!(end["kind"] == "fault" && end["fault"] == "lock-held", "{mode}: {report}");
            ensure!(number(&end["address"])?.abs_diff(address) < 64, "{mode}: {address:#x}: {report}");
            ensure!(report["tries"].as_u64() > Some(1), "it should be tried again: {mode}: {report}");
            ensure!(run_mode(repair, mode, "trying", pid, 0)?["end"]["result"] == 0, "{mode}");
        }
        held.restore()?;
        ensure!(run_mode(repair, "take", "spin", pid, 0)?["end"]["result"] == TAKEN_MEANWHILE);
        repair.clean_up(pid)
    });
}

/// A process that nobody else does anything to.
fn victim(repair: &Repair) -> Result<u32> {
    let pids = repair.machine.guest().spawn_sleepers(1, "locked")?;
    pids.first().copied().context("no process")
}

fn run_mode(repair: &Repair, mode: &str, entry: &str, pid: u32, status: i32) -> Result<Value> {
    let options = ["--locks", mode];
    let program = repair.machine.tools().compile_along(LOCKS, Target::Host, &[], &options)?;
    run_with(repair, &program, entry, &["--pid", &pid.to_string()])?.with_status(status)?.json()
}
