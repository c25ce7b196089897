// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lists of processes, as seen from outside, compared with the guest's own.

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::protocol::Process;

use crate::command::{Ran, Source, ps};
use crate::machine::{LIMIT, SLEEPER};
use crate::repair::{PS, Repair};

/// How far resident memory may be off, in KiB: a thread of 6.1 keeps up to 64 pages of a count to itself
/// (`TASK_RSS_EVENTS_THRESH`, mm/memory.c).
const TOLERANCE: u64 = 64 * 4;

/// How often the guest is asked again if processes started or ended meanwhile: kernel threads come and go.
const ATTEMPTS: u32 = 20;

/// Checks that `gpufas ps` and the bundled ps.c list what the guest lists.
///
/// # Errors
///
/// If they do not.
pub fn compare_both(repair: &Repair) -> Result<()> {
    compare(repair, || of_json(&repair.machine.with_source(|guest| list(repair, guest))?))?;
    compare(repair, || of_program(repair.report(0, PS, "ps", &[])?.log()))
}

/// Runs `gpufas ps --json`, which must succeed.
///
/// # Errors
///
/// If it does not.
pub fn list(repair: &Repair, source: Source) -> Result<Ran> {
    let mut command = ps(repair.machine.tools(), source);
    command.arg("--json");
    let ran = Ran::of(command)?.with_status(0)?;
    ensure!(ran.errors.is_empty(), "it should have nothing to say: {}", ran.errors);
    Ok(ran)
}

/// Compares a list of processes, made from outside, with the guest's own.
///
/// # Errors
///
/// If they differ, or `list` fails.
pub fn compare(repair: &Repair, list: impl Fn() -> Result<Vec<Process>>) -> Result<()> {
    let guest = repair.machine.guest();
    let runaway = guest.spawn_runaway("runaway")?;
    let hog = guest.spawn_hog("hog", 32)?;
    for _ in 0..ATTEMPTS {
        let before = guest.processes()?;
        let mut seen = list()?;
        let after = guest.processes()?;
        if !before.iter().map(|process| process.pid).eq(after.iter().map(|process| process.pid)) {
            continue;
        }
        seen.sort_by_key(|process| process.pid);
        let ids = |processes: &[Process]| processes.iter().map(|process| process.pid).collect::<Vec<_>>();
        ensure!(ids(&seen) == ids(&before), "inside: {:?}\noutside: {:?}", ids(&before), ids(&seen));
        for ((seen, before), after) in seen.iter().zip(&before).zip(&after) {
            check(seen, before, after).with_context(|| format!("inside: {before:?}\noutside: {seen:?}"))?;
        }
        let count = |name: &str, state: char| {
            seen.iter().filter(|process| process.comm == name && process.state == state).count()
        };
        ensure!(count(SLEEPER, 'S') == repair.machine.sleepers().len() && count("runaway", 'R') == 1);
        let resident = seen.iter().find(|process| process.pid == hog).map(|process| process.rss_kib);
        ensure!(resident.is_some_and(|kib| (32 << 10..40 << 10).contains(&kib)), "hog: {resident:?} KiB");
        for pid in [runaway, hog] {
            guest.kill(pid, 9)?;
            guest.wait_for_end(pid, LIMIT)?;
        }
        return Ok(());
    }
    bail!("processes of the guest start and end all the time")
}

/// Compares one process, as seen from outside, with the guest's own reports before and after.
fn check(seen: &Process, before: &Process, after: &Process) -> Result<()> {
    ensure!(seen.ppid == before.ppid, "another parent");
    if is_kernel_thread(seen) {
        // The guest adds what a worker is about, and shows long names whole; in memory are 15 bytes of them.
        ensure!(before.comm.starts_with(&seen.comm), "another name");
        ensure!(seen.rss_kib == 0, "a kernel thread with memory");
        // It may have worked at that moment.
        ensure!(seen.state == before.state || matches!(seen.state, 'R' | 'D' | 'I' | 'S'), "another state");
        return Ok(());
    }
    ensure!(seen.comm == before.comm, "another name");
    // The first process works while it is asked.
    ensure!(
        seen.state == before.state || before.state != after.state || (seen.pid == 1 && seen.state == 'S'),
        "another state"
    );
    ensure!(seen.rss_kib.abs_diff(before.rss_kib) <= TOLERANCE, "other memory");
    Ok(())
}

/// kthreadd, or a child of it.
fn is_kernel_thread(process: &Process) -> bool {
    process.pid == 2 || process.ppid == 2
}

/// The list of `gpufas ps --json`.
///
/// # Errors
///
/// If it is none.
pub fn of_json(ran: &Ran) -> Result<Vec<Process>> {
    let list = ran.json()?;
    ensure!(list["error"].is_null(), "{}", list["error"]);
    let processes = list["processes"].as_array().context("no list of processes")?;
    let read = |process: &serde_json::Value| {
        Some(Process {
            pid: process["pid"].as_u64()?.try_into().ok()?,
            ppid: process["ppid"].as_u64()?.try_into().ok()?,
            comm: process["comm"].as_str()?.to_owned(),
            state: process["state"].as_str()?.chars().next()?,
            rss_kib: process["memory"].as_u64()? / 1024,
        })
    };
    processes.iter().map(|process| read(process).with_context(|| format!("no process: {process}"))).collect()
}

/// The list of `gpufas ps`: `PID PPID S THREADS MEMORY KiB COMMAND`.
///
/// # Errors
///
/// If it is none.
pub fn of_text(text: &str) -> Result<Vec<Process>> {
    let read = |line: &str| {
        let [pid, ppid, state, _threads, memory, unit, comm] = columns::<7>(line)?;
        if unit != "KiB" {
            return None;
        }
        let name = comm.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(comm);
        process(pid, ppid, state, memory, name)
    };
    text.lines().skip(1).map(|line| read(line).with_context(|| format!("no process: {line}"))).collect()
}

/// What ps.c prints: `PID PPID S RSS/KiB COMMAND`, and the number of processes at the end.
///
/// # Errors
///
/// If it is none.
pub fn of_program(log: &str) -> Result<Vec<Process>> {
    let read = |line: &str| {
        let [pid, ppid, state, memory, comm] = columns::<5>(line)?;
        process(pid, ppid, state, memory, comm)
    };
    let lines: Vec<&str> = log.lines().skip(1).collect();
    let (last, lines) = lines.split_last().context("nothing was printed")?;
    ensure!(*last == format!("{} processes", lines.len()), "{} lines, and then: {last}", lines.len());
    lines.iter().map(|line| read(line).with_context(|| format!("no process: {line}"))).collect()
}

fn process(pid: &str, ppid: &str, state: &str, memory: &str, comm: &str) -> Option<Process> {
    Some(Process {
        pid: pid.parse().ok()?,
        ppid: ppid.parse().ok()?,
        comm: comm.to_owned(),
        state: state.parse().ok()?,
        rss_kib: memory.parse().ok()?,
    })
}

/// The first columns of a line, and the rest of it as the last one: a name may hold spaces.
fn columns<const COUNT: usize>(line: &str) -> Option<[&str; COUNT]> {
    let mut rest = line;
    let mut columns = [""; COUNT];
    for column in &mut columns[..COUNT - 1] {
        (*column, rest) = rest.trim_start().split_once(' ')?;
    }
    columns[COUNT - 1] = rest.trim_start();
    Some(columns)
}
