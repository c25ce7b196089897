// SPDX-License-Identifier: MIT OR Apache-2.0

//! What kernel code means in a program: this CPU, locks, warnings.

use anyhow::ensure;
use gpufas_tests::lock::hold;
use gpufas_tests::repair::{Repair, number};
use gpufas_tests::suite::Group;

use crate::case;
use crate::locked::victim;

/// The program.
pub const MEANING: &str = "tests/programs/meaning.c";

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    case(group, "a program runs as the CPU that it is told, with that CPU's task", move |repair| {
        for cpu in 0..cpus {
            let options = ["--pause", "always", "--cpu", &cpu.to_string()];
            let report = repair.report_with(0, MEANING, "this_cpu", &options, &[])?;
            report.says(&format!("CPU {cpu} runs "))?;
            ensure!(report.result()? == i64::from(cpu) && report.0["guest"]["cpu"] == cpu, "{report:?}");
            report.has_written(false)?;
        }
        let text = repair.run(MEANING, "this_cpu", &["--pause", "always"], &[])?.with_status(0)?;
        ensure!(text.output.contains(" as its CPU 0"), "{}", text.output);
        // What has nothing to do with it says nothing of it.
        let other = repair.report(0, MEANING, "warn", &[]);
        ensure!(
            other.is_ok_and(|report| report.0["guest"]["cpu"] == 0),
            "the CPU is the program's, not the entry's"
        );
        let number = cpus.to_string();
        let possible = format!(
            "possible CPUs are 0{}",
            if cpus == 1 { String::new() } else { format!("-{}", cpus - 1) }
        );
        let refused = repair.run(MEANING, "this_cpu", &["--cpu", &number], &[])?;
        refused.with_one_error(1, &[&format!("no CPU {number}"), &possible])?;
        Ok(())
    });
    case(group, "a lock that is free is passed, and left as it is", move |repair| {
        let (pid, _) = victim(repair)?;
        let report = repair.report(0, MEANING, "guarded", &["--pid", &pid.to_string()])?;
        ensure!(report.stores()?.len() == 1, "only the task is written: {report:?}");
        ensure!(repair.report(0, MEANING, "try", &["--pid", &pid.to_string()])?.result()? == 1);
        repair.clean_up(pid)
    });
    case(group, "a lock that stays held ends a program before its first store", move |repair| {
        let (pid, lock) = victim(repair)?;
        let held = hold(repair, lock)?;
        let report = repair.report(3, MEANING, "guarded", &["--pid", &pid.to_string()])?;
        let fault = report.fault("lock-held")?;
        ensure!(number(&fault["address"])? == lock && fault["site"]["line"].as_u64() > Some(0), "{fault}");
        ensure!(report.0["tries"].as_u64() > Some(1), "it should be tried again: {report:?}");
        report.has_written(false)?;
        ensure!(repair.report(0, MEANING, "try", &["--pid", &pid.to_string()])?.result()? == 0);
        let text = repair.run(MEANING, "guarded", &[], &["--pid", &pid.to_string()])?.with_status(3)?;
        for part in [
            "a lock of the kernel's is held",
            &format!("the lock at {lock:#x}"),
            "meaning.c:",
            "nothing was written",
        ] {
            ensure!(text.output.contains(part), "{part:?} should be in:\n{}", text.output);
        }
        held.restore()?;
        repair.report(0, MEANING, "guarded", &["--pid", &pid.to_string()])?;
        repair.clean_up(pid)
    });
    case(group, "a lock that is held after the first store ends a program for good", move |repair| {
        let (pid, lock) = victim(repair)?;
        let held = hold(repair, lock)?;
        let report = repair.report(3, MEANING, "too_late", &["--pid", &pid.to_string()])?;
        report.fault("lock-held")?;
        report.has_written(true)?;
        ensure!(report.0["tries"] == 1, "it must not be run again: {report:?}");
        held.restore()?;
        repair.clean_up(pid)
    });
    case(group, "each try begins with the program's variables as they were compiled", move |repair| {
        let report = repair.report_with(1, MEANING, "fresh", &["--pause", "always"], &[])?;
        ensure!(report.0["end"]["errno"] == "EAGAIN" && report.0["tries"].as_u64() > Some(1), "{report:?}");
        report.has_written(false)
    });
    case(group, "a program is told how often it was tried before", move |repair| {
        let report = repair.report_with(0, MEANING, "tries", &["--pause", "always"], &["--often", "3"])?;
        ensure!(report.result()? == 3 && report.0["tries"] == 4, "{report:?}");
        report.has_written(false)
    });
    case(
        group,
        "memory of processes is not there, which the kernel's functions say in their ways",
        |repair| {
            let report = repair.report(0, MEANING, "user", &[])?;
            ensure!(report.result()? == 15, "{report:?}");
            report.has_written(false)
        },
    );
    case(group, "texts are made in memory as the kernel makes them", move |repair| {
        let report = repair.report(0, MEANING, "format", &["--pid", "1"])?;
        ensure!(report.result()? == 6, "{report:?}");
        report.says("/1\n")?;
        report.has_written(false)
    });
    case(group, "a warning is a line in the log, and the program goes on", move |repair| {
        let report = repair.report(0, MEANING, "warn", &[])?;
        ensure!(report.result()? == 6, "{report:?}");
        let lines = |text: &str| report.log().lines().filter(|line| line.contains(text)).count();
        ensure!(lines("warning at meaning.c:") == 4 && lines("the pid is 0") == 3, "{}", report.log());
        report.says("reference count at ")?;
        report.has_written(false)
    });
}
