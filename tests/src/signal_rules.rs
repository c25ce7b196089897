// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's rules for signals, as a guest sees those that are sent from outside: who ignores or blocks one, which thread gets it,
//! what takes another back, and what one does that is sent to a single thread.

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::protocol::{Activity, Disposition, ProcessEvent};
use libc::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGTSTP};

use crate::machine::LIMIT;
use crate::probe::{count, is_stopped, probe, signal_report, wait_for};
use crate::repair::Repair;
use crate::wait;

/// A rule, in words, and what checks it.
pub type Rule = (&'static str, fn(&Repair) -> Result<()>);

/// All of them.
pub const RULES: [Rule; RULE_COUNT] = [
    ("TERM is lost on a process that ignores it", ignored),
    ("TERM stays pending for a process that blocks it, once", blocked),
    ("TERM runs the handler of a process that handles it", handled),
    ("TERM goes to the thread that does not block it", other_thread),
    ("TERM to one thread is that thread's alone", one_thread),
    ("a signal that does nothing by default is dropped", dropped),
    ("a stop and a continuation take each other back", stop_and_continuation),
    ("CONT to a process that runs is dropped", continuation_of_running),
    ("KILL and TERM to one thread end the process, whatever the thread does", thread_ends_all),
    ("STOP to one thread stops all, and CONT to one continues all", thread_stops_all),
    ("a stop and a continuation take each other out of a thread's own set", private_sets),
];

/// How many.
const RULE_COUNT: usize = 11;

/// Threads of a process: the first sleeps, then one computes and one sleeps in turn.
const THREADS: u32 = 4;

fn ignored(repair: &Repair) -> Result<()> {
    let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Ignore, true)?;
    let report = repair.kill(pid, "TERM")?;
    report.says("ignored by the process")?;
    report.has_written(false)?;
    repair.clean_up(pid)
}

fn blocked(repair: &Repair) -> Result<()> {
    let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Block, true)?;
    repair.kill(pid, "TERM")?.says("pending until the process can take it")?;
    let seen = signal_report(repair.machine.guest(), pid)?;
    ensure!(!seen.delivered && seen.signal == SIGTERM, "{seen:?}");
    let again = repair.kill(pid, "TERM")?;
    again.says("was pending already")?;
    again.has_written(false)?;
    repair.clean_up(pid)
}

fn handled(repair: &Repair) -> Result<()> {
    let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Handle, true)?;
    repair.kill(pid, "TERM")?.says("delivered")?;
    let seen = signal_report(repair.machine.guest(), pid)?;
    // collect_signal() in kernel/signal.c: SI_USER, from nobody, where it finds no sender.
    let told = (seen.tid, seen.signal, seen.delivered, seen.code, seen.sender);
    ensure!(told == (pid, SIGTERM, true, 0, 0), "{seen:?}");
    repair.clean_up(pid)
}

fn other_thread(repair: &Repair) -> Result<()> {
    let pid = probe(repair.machine.guest(), SIGTERM, Disposition::HandleInSecondThread, true)?;
    repair.kill(pid, "TERM")?.says("delivered")?;
    let seen = signal_report(repair.machine.guest(), pid)?;
    ensure!(seen.delivered && seen.tid != pid, "{seen:?}");
    repair.clean_up(pid)
}

fn one_thread(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let pid = probe(guest, SIGTERM, Disposition::HandleInSecondThread, false)?;
    let handled = |event: &ProcessEvent| matches!(event, ProcessEvent::Signal(seen) if seen.tid != pid);
    // The main thread blocks it, and the other does not take it in its place.
    repair.kill_thread(pid, "TERM")?.says("pending until the process can take it")?;
    repair.kill_thread(pid, "TERM")?.says("was pending already")?;
    // To the process, it is the other's.
    repair.kill(pid, "TERM")?.says("delivered")?;
    let other = match wait_for(guest, pid, 0, handled)? {
        ProcessEvent::Signal(seen) => seen.tid,
        event => bail!("{event:?}"),
    };
    ensure!(count(guest, |event| event.pid() == pid) == 1, "one signal was handled by somebody else");
    repair.kill_thread(other, "TERM")?.says("delivered")?;
    wait_for(guest, pid, 1, handled)?;
    repair.clean_up(pid)
}

fn dropped(repair: &Repair) -> Result<()> {
    let pid = repair.machine.guest().spawn_runaway("runaway")?;
    let report = repair.kill(pid, "CHLD")?;
    report.says("ignored by the process")?;
    report.has_written(false)?;
    repair.clean_up(pid)
}

fn stop_and_continuation(repair: &Repair) -> Result<()> {
    let pid = probe(repair.machine.guest(), SIGTSTP, Disposition::Block, true)?;
    repair.kill(pid, "TSTP")?.says("pending until the process can take it")?;
    ensure!(!signal_report(repair.machine.guest(), pid)?.delivered);
    let report = repair.kill(pid, "CONT")?;
    report.says("ignored by the process")?;
    report.has_written(true)?;
    repair.kill(pid, "TSTP")?.says("pending until the process can take it")?;
    repair.clean_up(pid)
}

fn continuation_of_running(repair: &Repair) -> Result<()> {
    let pid = repair.machine.guest().spawn_runaway("runaway")?;
    repair.kill(pid, "CONT")?.says("ignored by the process")?;
    repair.clean_up(pid)
}

fn thread_ends_all(repair: &Repair) -> Result<()> {
    for (name, signal) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
        for number in 0..THREADS as usize {
            let (pid, tids) = threads(repair)?;
            repair.kill_thread(tids[number], name)?.says("delivered")?;
            repair.was_killed(pid, signal).with_context(|| format!("{name} to thread {number}"))?;
        }
    }
    Ok(())
}

fn thread_stops_all(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    for number in 0..THREADS as usize {
        let (pid, tids) = threads(repair)?;
        repair.kill_thread(tids[number], "STOP")?.says("delivered")?;
        let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
        guest.wait_for_process(pid, LIMIT, |event| *event == stopped)?;
        let states =
            || -> Result<String> { tids.iter().map(|&tid| thread_state(repair, pid, tid)).collect() };
        ensure!(states()? == "TTTT", "after STOP to thread {number}: {}", states()?);
        // Not to the same one.
        let other = tids[(number + 1) % tids.len()];
        repair.kill_thread(other, "CONT")?.says("delivered, the process goes on")?;
        guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid })?;
        wait::until("all threads go on", LIMIT, || Ok(states()? == "SRSR"))?;
        repair.clean_up(pid)?;
    }
    Ok(())
}

fn private_sets(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let bit = |signal: i32| 1_u64 << (signal - 1);
    let pid = probe(guest, SIGTSTP, Disposition::Block, true)?;
    repair.kill_thread(pid, "TSTP")?.says("pending until the process can take it")?;
    ensure!(pending(repair, pid)? == (bit(SIGTSTP), 0), "it should be in the thread's own set");
    repair.kill_thread(pid, "CONT")?.has_written(true)?;
    ensure!(pending(repair, pid)? == (0, 0), "CONT should take TSTP back");
    repair.clean_up(pid)?;

    let pid = probe(guest, SIGCONT, Disposition::Block, true)?;
    repair.kill_thread(pid, "CONT")?.says("pending until the process can take it")?;
    ensure!(pending(repair, pid)? == (bit(SIGCONT), 0), "it should be in the thread's own set");
    let before = count(guest, |event| event.pid() == pid);
    repair.kill(pid, "STOP")?.says("delivered")?;
    let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
    wait_for(guest, pid, before, |event| *event == stopped)?;
    is_stopped(guest, pid)?;
    ensure!(pending(repair, pid)? == (0, 0), "STOP should take CONT back");
    repair.kill_thread(pid, "CONT")?.has_written(true)?;
    wait_for(guest, pid, before, |event| *event == ProcessEvent::Continued { pid })?;
    repair.clean_up(pid)
}

/// Starts a process with several threads, waits until they do what they do, and returns their ids.
fn threads(repair: &Repair) -> Result<(u32, Vec<u32>)> {
    let guest = repair.machine.guest();
    let pid = guest.spawn_active("threads", Activity::Threads { count: THREADS })?;
    let mut tids = Vec::new();
    wait::until("all threads are there", LIMIT, || {
        // They are started one after the other, and others may be started in between.
        tids =
            (pid..pid + 100).filter(|&tid| status(repair, pid, tid).is_ok()).take(THREADS as usize).collect();
        let states: Result<String> = tids.iter().map(|&tid| thread_state(repair, pid, tid)).collect();
        Ok(states? == "SRSR")
    })?;
    Ok((pid, tids))
}

/// A thread's status, as in `/proc`.
fn status(repair: &Repair, pid: u32, tid: u32) -> Result<String> {
    Ok(repair.machine.guest().read_file(&format!("/proc/{pid}/task/{tid}/status"))?)
}

/// A line of that, behind its name.
fn field(status: &str, name: &str) -> Result<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":"));
    Ok(line.with_context(|| format!("no {name} in {status}"))?.trim().to_owned())
}

/// The letter of a thread's state.
fn thread_state(repair: &Repair, pid: u32, tid: u32) -> Result<String> {
    Ok(field(&status(repair, pid, tid)?, "State")?.chars().take(1).collect())
}

/// The signals that are pending for a process's first thread, and for the process: bit 0 is signal 1.
fn pending(repair: &Repair, pid: u32) -> Result<(u64, u64)> {
    let status = status(repair, pid, pid)?;
    let set = |name| Ok::<_, anyhow::Error>(u64::from_str_radix(&field(&status, name)?, 16)?);
    Ok((set("SigPnd")?, set("ShdPnd")?))
}
