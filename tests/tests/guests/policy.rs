// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that choose their victims themselves: none without need, never the first process, a kernel thread or who is protected,
//! and the right one.

use anyhow::{Result, ensure};
use gpufas_guest::protocol::{Activity, ProcessEvent, Work};
use gpufas_tests::machine::{LIMIT, SLEEPER};
use gpufas_tests::repair::{KILL_HOG, Repair, Report};
use gpufas_tests::suite::Group;
use gpufas_tests::wait;
use libc::{SIGKILL, SIGSTOP};

use crate::case;

const MEMORY: &str = "examples/memory.c";
const FORK_BOMB: &str = "examples/fork-bomb.c";
const CPU_HOGS: &str = "examples/cpu-hogs.c";
const END_MANY: &str = "examples/end-many.c";

/// The programs.
pub const PROGRAMS: &[&str] = &[MEMORY, FORK_BOMB, CPU_HOGS, END_MANY];

/// `ENOENT` and `ESRCH` of include/uapi/asm-generic/errno-base.h.
const ENOENT: i64 = 2;
const ESRCH: i64 = 3;

/// More groups than `fork-bomb.c` tells apart at once.
const GROUPS: u32 = 300;

/// The user of processes that are ended together.
const USER: u32 = 1000;

/// As long as the names that the kernel keeps, and longer: both with what protects from it.
const LONG_NAMES: [(&str, &str); 2] =
    [("fifteen-letters", "fifteen-letters"), ("process-with-a-long-name", "process-with-a-long-name")];

pub fn add(group: &mut Group<'_, Repair>) {
    thresholds(group);
    protected(group);
    case(group, "neither the first process nor a kernel thread is ever chosen", |repair| {
        for (source, entry, arguments) in [
            (MEMORY, "memory", &["--memory_percent", "0", "--swap_percent", "0"][..]),
            (KILL_HOG, "kill_hog", &["--threshold_mib", "0"]),
            (FORK_BOMB, "fork_bomb", &["--threshold_percent", "0", "--least", "1", "--by", "user"]),
            (FORK_BOMB, "fork_bomb", &["--threshold_percent", "0", "--least", "1", "--by", "session"]),
            (END_MANY, "end_many", &["--name", "", "--user", "-1", "--signal", "KILL"]),
        ] {
            // All others.
            let arguments = [arguments, &["--protect", SLEEPER]].concat();
            nothing_is_done(&repair.report(1, source, entry, &arguments)?, ESRCH)?;
        }
        // Whoever runs at the moment, if anybody does.
        let report = cpu_hogs(repair, 1, "0", "0", SLEEPER)?;
        report.has_written(false)
    });
    case(group, "a fork bomb is found behind more groups than are told apart at once", many_groups);
}

fn thresholds(group: &mut Group<'_, Repair>) {
    case(group, "while a threshold is not reached nothing is done", |repair| {
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        for (memory, swap) in [("100", "0"), ("0", "101")] {
            nothing_is_done(&run_memory(repair, 1, (memory, swap), "")?, ENOENT)?;
        }
        nothing_is_done(&fork_bomb(repair, 1, ("100", "1"), "")?, ENOENT)?;
        nothing_is_done(&fork_bomb(repair, 1, ("0", "100000"), "")?, ESRCH)?;
        for (busy, run) in [("101", "0"), ("0", "100000000")] {
            nothing_is_done(&cpu_hogs(repair, 1, busy, run, "")?, ENOENT)?;
        }
        repair.clean_up(pid)
    });
}

fn protected(group: &mut Group<'_, Repair>) {
    for (name, protect) in LONG_NAMES {
        case(
            group,
            &format!("{name} is protected from the cure for memory, and the next one killed"),
            move |repair| {
                let guest = repair.machine.guest();
                let (largest, next) = (guest.spawn_busy_hog(name, 80)?, guest.spawn_busy_hog("next", 40)?);
                let protect = format!("{SLEEPER},{protect}");
                run_memory(repair, 0, ("0", "0"), &protect)?.says(&format!("{next} (next)"))?;
                repair.was_killed(next, SIGKILL)?;
                nothing_is_done(&run_memory(repair, 1, ("0", "0"), &protect)?, ESRCH)?;
                repair.clean_up(largest)
            },
        );
    }
    case(group, "what the kernel's OOM killer is told of a process counts", |repair| {
        let guest = repair.machine.guest();
        let (largest, next) = (guest.spawn_busy_hog("largest", 80)?, guest.spawn_busy_hog("next", 40)?);
        let adjust = |pid: u32, value: &str| guest.write_file(&format!("/proc/{pid}/oom_score_adj"), value);
        adjust(largest, "-900")?;
        run_memory(repair, 0, ("0", "0"), SLEEPER)?.says(&format!("{next} (next)"))?;
        repair.was_killed(next, SIGKILL)?;
        nothing_is_done(&run_memory(repair, 1, ("0", "0"), SLEEPER)?, ESRCH)?;
        adjust(largest, "0")?;
        let small = guest.spawn_busy_hog("small", 4)?;
        adjust(small, "1000")?;
        run_memory(repair, 0, ("0", "0"), SLEEPER)?.says(&format!("{small} (small)"))?;
        repair.was_killed(small, SIGKILL)?;
        repair.clean_up(largest)
    });
    case(group, "the first process of a namespace is spared with a protected one in it", |repair| {
        let guest = repair.machine.guest();
        let activity = Activity::PidNamespace { first: "first".to_owned(), other: "inside".to_owned() };
        let work = Work { count: 1, name: "outside".to_owned(), user: 0, activity, told: true };
        let outside = guest.spawn_work(work)?;
        wait::until("it has begun", LIMIT, || Ok(guest.find("inside")?.len() == 1))?;
        let end = |protect| ["--name", "first", "--user", "-1", "--signal", "KILL", "--protect", protect];
        nothing_is_done(&repair.report(1, END_MANY, "end_many", &end("inside"))?, ESRCH)?;
        ensure!(guest.find("inside")?.len() == 1, "the protected one is gone");
        // Who is protected elsewhere protects nobody here.
        repair.report(0, END_MANY, "end_many", &end("outside"))?.says("signal 9 sent to 1,")?;
        guest.wait_until_no("inside", LIMIT)?;
        outside.into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
    case(group, "a fork bomb that is protected is spared, and the next one killed", |repair| {
        let guest = repair.machine.guest();
        let sleep = || Activity::Sleep { milliseconds: 3_600_000 };
        let largest = guest.spawn_many(60, "large-bomb", sleep())?;
        guest.spawn_many(40, "next-bomb", sleep())?;
        let protect = format!("{SLEEPER},large-bomb");
        fork_bomb(repair, 0, ("0", "30"), &protect)?.says("signal 9 sent to 40\n")?;
        guest.wait_until_no("next-bomb", LIMIT)?;
        nothing_is_done(&fork_bomb(repair, 1, ("0", "30"), &protect)?, ESRCH)?;
        ensure!(guest.alive(&largest)?.alive == largest, "some of the protected ones are gone");
        fork_bomb(repair, 0, ("0", "30"), SLEEPER)?.says("signal 9 sent to 60\n")?;
        Ok(guest.wait_until_no("large-bomb", LIMIT)?)
    });
    case(group, "a CPU hog that is protected is spared, and the others stopped", |repair| {
        let guest = repair.machine.guest();
        let (spared, taken) = (guest.spawn_runaway("spared")?, guest.spawn_runaway("taken")?);
        // Each must have run for a while.
        wait::until("the hog is stopped", LIMIT, || {
            let arguments = ["--busy_percent", "20", "--run_ms", "50", "--protect", "spared"];
            let ran = repair.run(CPU_HOGS, "cpu_hogs", &["--json"], &arguments)?;
            let report = Report(ran.json()?);
            if report.result()? != 0 {
                report.has_written(false)?;
                return Ok(false);
            }
            report.says(&format!("--pids {taken}\n"))?;
            Ok(true)
        })?;
        let stopped = ProcessEvent::Stopped { pid: taken, signal: SIGSTOP };
        guest.wait_for_process(taken, LIMIT, |event| *event == stopped)?;
        ensure!(guest.states("spared")? == "R", "the protected one does not run");
        nothing_is_done(&cpu_hogs(repair, 1, "20", "50", "spared")?, ESRCH)?;
        [spared, taken].into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
}

/// Each process is a group of its own, and then come those of a bomb.
fn many_groups(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let activity = || Activity::Sleep { milliseconds: 3_600_000 };
    let mut others = Vec::new();
    for number in 0..GROUPS {
        let work =
            Work { count: 1, name: format!("other-{number}"), user: USER, activity: activity(), told: false };
        others.extend(guest.spawn_work(work)?);
    }
    guest.spawn_many(100, "bomb", activity())?;
    let report = fork_bomb(repair, 0, ("0", "100"), SLEEPER)?;
    report.says("100 processes like ")?;
    report.says("signal 9 sent to 100\n")?;
    guest.wait_until_no("bomb", LIMIT)?;
    ensure!(guest.alive(&others)?.alive == others, "some of the others are gone");
    let user = USER.to_string();
    let arguments = ["--name", "", "--user", &user, "--signal", "KILL", "--protect", ""];
    repair.report(0, END_MANY, "end_many", &arguments)?.says(&format!("{GROUPS} processes"))?;
    wait::until("they are gone", LIMIT, || Ok(guest.alive(&others)?.alive.is_empty()))
}

fn run_memory(repair: &Repair, status: i32, (memory, swap): (&str, &str), protect: &str) -> Result<Report> {
    let arguments = ["--memory_percent", memory, "--swap_percent", swap, "--protect", protect];
    repair.report(status, MEMORY, "memory", &arguments)
}

fn fork_bomb(
    repair: &Repair,
    status: i32,
    (threshold, least): (&str, &str),
    protect: &str,
) -> Result<Report> {
    let arguments =
        ["--threshold_percent", threshold, "--least", least, "--by", "name", "--protect", protect];
    repair.report(status, FORK_BOMB, "fork_bomb", &arguments)
}

fn cpu_hogs(repair: &Repair, status: i32, busy: &str, run: &str, protect: &str) -> Result<Report> {
    let arguments = ["--busy_percent", busy, "--run_ms", run, "--protect", protect];
    repair.report(status, CPU_HOGS, "cpu_hogs", &arguments)
}

fn nothing_is_done(report: &Report, error: i64) -> Result<()> {
    ensure!(report.result()? == -error, "{report:?}");
    report.has_written(false)
}
