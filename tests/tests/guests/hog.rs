// SPDX-License-Identifier: MIT OR Apache-2.0

//! kill-hog.c ends the process with the most memory, if that is much.

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::Process;
use gpufas_tests::repair::{KILL_HOG, Repair, Report};
use gpufas_tests::suite::Group;
use libc::SIGKILL;

use crate::case;

/// `ESRCH` of include/uapi/asm-generic/errno-base.h.
const ESRCH: i64 = 3;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "the largest hogs are killed in turn, and none below the threshold", |repair| {
        let guest = repair.machine.guest();
        let (small, large) = (guest.spawn_busy_hog("small-hog", 40)?, guest.spawn_busy_hog("large-hog", 80)?);
        let idle = guest.spawn_hog("idle-hog", 16)?;

        none_is_killed(&kill_hog(repair, 1, "100", "")?)?;
        for hog in [large, small] {
            kill_hog(repair, 0, "32", "")?.says(&format!("{hog} ("))?;
            repair.was_killed(hog, SIGKILL)?;
        }
        none_is_killed(&kill_hog(repair, 1, "32", "")?)?;

        repair.clean_up(idle)
    });
    case(group, "a hog that is protected is spared, and the next one killed", |repair| {
        let guest = repair.machine.guest();
        let (small, large) = (guest.spawn_busy_hog("small-hog", 40)?, guest.spawn_busy_hog("large-hog", 80)?);
        kill_hog(repair, 0, "32", "large-hog")?.says(&format!("{small} (small-hog)"))?;
        repair.was_killed(small, SIGKILL)?;
        none_is_killed(&kill_hog(repair, 1, "32", "other,large-hog")?)?;
        repair.clean_up(large)
    });
    case(group, "the first process is not killed, however large it is", |repair| {
        let guest = repair.machine.guest();
        // What the first process starts has less memory than itself.
        let pid = guest.spawn_runaway("runaway")?;
        let processes = guest.processes()?;
        let resident = |pid| Some(find(&processes, pid)?.rss_kib);
        let first = resident(1).context("no first process")?;
        ensure!(
            processes.iter().all(|process| process.rss_kib <= first),
            "this case wants a large first process"
        );
        // From below the others' memory up to the first process's own.
        let most = processes.iter().filter(|process| process.pid != 1).map(|process| process.rss_kib).max();
        ensure!(most.is_some_and(|most| most < first), "this case wants a large first process");
        let report = kill_hog(repair, 1, &(first / 1024 + 1).to_string(), "")?;
        report.says(&format!("the largest has {} KiB", most.unwrap_or_default()))?;
        none_is_killed(&report)?;
        repair.clean_up(pid)
    });
}

fn find(processes: &[Process], pid: u32) -> Option<&Process> {
    processes.iter().find(|process| process.pid == pid)
}

fn kill_hog(repair: &Repair, status: i32, threshold_mib: &str, protect: &str) -> Result<Report> {
    repair.report(status, KILL_HOG, "kill_hog", &["--threshold_mib", threshold_mib, "--protect", protect])
}

fn none_is_killed(report: &Report) -> Result<()> {
    ensure!(report.result()? == -ESRCH, "{report:?}");
    report.has_written(false)
}
