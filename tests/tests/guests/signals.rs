// SPDX-License-Identifier: MIT OR Apache-2.0

//! A signal that is sent from outside acts as the kernel's own would.

use anyhow::{Result, bail, ensure};
use gpufas_guest::Guest;
use gpufas_guest::protocol::{Disposition, ProcessEvent, SignalProbe, SignalReport};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;

use crate::case;

const SIGKILL: i32 = 9;
const SIGUSR1: i32 = 10;
const SIGTERM: i32 = 15;
const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;
const SIGTSTP: i32 = 20;

/// `EOPNOTSUPP`, `ESRCH` and `EINVAL` of include/uapi/asm-generic.
const EOPNOTSUPP: i64 = 95;
const ESRCH: i64 = 3;
const EINVAL: i64 = 22;

pub fn add(group: &mut Group<'_, Repair>) {
    ending(group);
    dispositions(group);
    stopping(group);
    by_name(group);
    mistakes(group);
}

fn ending(group: &mut Group<'_, Repair>) {
    for (name, number) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
        case(group, &format!("{name} by pid ends a runaway process"), move |repair| {
            let pid = repair.machine.guest().spawn_runaway("runaway")?;
            let report = repair.kill(pid, name)?;
            report.says(&format!("{pid} (runaway): signal {number} delivered"))?;
            report.has_written(true)?;
            ensure!(report.0["guest"]["paused"] == true && report.0["tries"] == 1);
            repair.was_killed(pid, number)
        });
        case(group, &format!("{name} by name ends a runaway process"), move |repair| {
            let pid = repair.machine.guest().spawn_runaway("runaway")?;
            repair.kill_all("runaway", &format!("SIG{name}"))?.says("1 processes are called runaway")?;
            repair.was_killed(pid, number)
        });
        case(group, &format!("{name} reaches a sleeping process when it wakes up"), move |repair| {
            // It looks every 20 ms whether another signal is pending.
            let pid = probe(repair.machine.guest(), SIGUSR1, Disposition::Block, false)?;
            repair.kill(pid, name)?.has_written(true)?;
            repair.was_killed(pid, number)
        });
    }
    case(group, "KILL ends all threads of a process", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::HandleInSecondThread, true)?;
        repair.kill(pid, "9")?.says("delivered")?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "KILL to a process that sleeps for good waits, and the guest's own wakes it", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_sleepers(1, "deep-sleeper")?[0];
        repair.kill(pid, "KILL")?.says("pending until the process wakes up")?;
        ensure!(guest.alive(&[pid])?.alive == [pid]);
        guest.kill(pid, SIGKILL)?;
        repair.was_killed(pid, SIGKILL)
    });
}

fn dispositions(group: &mut Group<'_, Repair>) {
    case(group, "TERM is lost on a process that ignores it", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Ignore, true)?;
        let report = repair.kill(pid, "TERM")?;
        report.says("ignored by the process")?;
        report.has_written(false)?;
        repair.clean_up(pid)
    });
    case(group, "TERM stays pending for a process that blocks it, once", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Block, true)?;
        repair.kill(pid, "TERM")?.says("pending until the process can take it")?;
        let seen = signal_report(repair.machine.guest(), pid)?;
        ensure!(!seen.delivered && seen.signal == SIGTERM, "{seen:?}");
        let again = repair.kill(pid, "TERM")?;
        again.says("was pending already")?;
        again.has_written(false)?;
        repair.clean_up(pid)
    });
    case(group, "TERM runs the handler of a process that handles it", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::Handle, true)?;
        repair.kill(pid, "TERM")?.says("delivered")?;
        let seen = signal_report(repair.machine.guest(), pid)?;
        // collect_signal() in kernel/signal.c: SI_USER, from nobody, where it finds no sender.
        let told = (seen.tid, seen.signal, seen.delivered, seen.code, seen.sender);
        ensure!(told == (pid, SIGTERM, true, 0, 0), "{seen:?}");
        repair.clean_up(pid)
    });
    case(group, "TERM goes to the thread that does not block it", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::HandleInSecondThread, true)?;
        repair.kill(pid, "TERM")?.says("delivered")?;
        let seen = signal_report(repair.machine.guest(), pid)?;
        ensure!(seen.delivered && seen.tid != pid, "{seen:?}");
        repair.clean_up(pid)
    });
    case(group, "a signal that does nothing by default is dropped", |repair| {
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        let report = repair.kill(pid, "CHLD")?;
        report.says("ignored by the process")?;
        report.has_written(false)?;
        repair.clean_up(pid)
    });
}

fn stopping(group: &mut Group<'_, Repair>) {
    case(group, "STOP stops a process, and CONT is refused", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_runaway("runaway")?;
        repair.kill(pid, "STOP")?.says("delivered")?;
        let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
        guest.wait_for_process(pid, LIMIT, |event| *event == stopped)?;
        is_stopped(guest, pid)?;

        let pid_text = pid.to_string();
        let report = repair.report(1, KILL, "kill", &["--pid", &pid_text, "--signal", "CONT"])?;
        report.says("stopped threads cannot be woken from outside")?;
        report.has_written(false)?;
        ensure!(report.result()? == -EOPNOTSUPP && report.0["end"]["errno"] == "EOPNOTSUPP");
        is_stopped(guest, pid)?;

        // The guest's own is not disturbed by all that.
        guest.kill(pid, SIGCONT)?;
        guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid })?;
        repair.clean_up(pid)
    });
    case(group, "STOP by name stops a process", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_runaway("runaway")?;
        repair.kill_all("runaway", "STOP")?.says("signal 19 was delivered to 1")?;
        let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
        guest.wait_for_process(pid, LIMIT, |event| *event == stopped)?;
        is_stopped(guest, pid)?;
        repair.clean_up(pid)
    });
    case(group, "KILL to a stopped process acts when it goes on", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_runaway("runaway")?;
        guest.kill(pid, SIGSTOP)?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
        repair.kill(pid, "KILL")?.says("pending until the process wakes up")?;
        is_stopped(guest, pid)?;
        guest.kill(pid, SIGCONT)?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "a stop and a continuation take each other back", |repair| {
        let pid = probe(repair.machine.guest(), SIGTSTP, Disposition::Block, true)?;
        repair.kill(pid, "TSTP")?.says("pending until the process can take it")?;
        ensure!(!signal_report(repair.machine.guest(), pid)?.delivered);
        let report = repair.kill(pid, "CONT")?;
        report.says("ignored by the process")?;
        report.has_written(true)?;
        repair.kill(pid, "TSTP")?.says("pending until the process can take it")?;
        repair.clean_up(pid)
    });
    case(group, "CONT to a process that runs is dropped", |repair| {
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        repair.kill(pid, "CONT")?.says("ignored by the process")?;
        repair.clean_up(pid)
    });
}

fn by_name(group: &mut Group<'_, Repair>) {
    case(group, "every process with a name gets the signal, and no other", |repair| {
        let guest = repair.machine.guest();
        let spawn = |name| guest.spawn_runaway(name);
        let herd = [spawn("herd")?, spawn("herd")?, spawn("herd")?];
        let others = [spawn("herdsman")?, spawn("her")?, spawn("HERD")?];
        let report = repair.kill_all("herd", "TERM")?;
        report.says("3 processes are called herd, signal 15 was delivered to 3")?;
        for pid in herd {
            repair.was_killed(pid, SIGTERM)?;
        }
        ensure!(guest.alive(&others)?.alive == others);
        others.into_iter().try_for_each(|pid| repair.clean_up(pid))
    });
    case(group, "a long name is found by what the kernel keeps of it", |repair| {
        let pid = repair.machine.guest().spawn_runaway("process-with-a-long-name")?;
        repair.kill_all("process-with-a-long-name", "KILL")?.says(&format!("{pid} (process-with-a-)"))?;
        repair.was_killed(pid, SIGKILL)
    });
}

fn mistakes(group: &mut Group<'_, Repair>) {
    case(group, "who or what is not there is told, and nothing written", |repair| {
        for (entry, arguments, result, says) in [
            ("kill", ["--pid", "4194000", "--signal", "KILL"], ESRCH, "no process has pid 4194000"),
            ("killall", ["--name", "nobody", "--signal", "KILL"], ESRCH, "0 processes are called nobody"),
            ("kill", ["--pid", "1", "--signal", "NONSENSE"], EINVAL, "no signal is called NONSENSE"),
            ("killall", ["--name", "init", "--signal", "65"], EINVAL, "no signal is called 65"),
        ] {
            let report = repair.report(1, KILL, entry, &arguments)?;
            report.says(says)?;
            report.has_written(false)?;
            ensure!(report.result()? == -result, "{report:?}");
        }
        Ok(())
    });
    case(group, "arguments that do not fit are refused", |repair| {
        let run = |entry, arguments| repair.run(KILL, entry, &[], arguments);
        run("kill", &["--pid", "many", "--signal", "KILL"])?.with_one_error(1, &["pid", "many", "kill"])?;
        run("kill", &["--pid", "1"])?.with_one_error(1, &["signal"])?;
        run("kill", &["--pid", "1", "--signal", "KILL", "--how", "1"])?.with_one_error(1, &["how"])?;
        run("murder", &[])?.with_one_error(1, &["murder", "killall"])?;
        Ok(())
    });
}

/// Starts a process that treats a signal in a given way.
fn probe(guest: &Guest, signal: i32, disposition: Disposition, busy: bool) -> Result<u32> {
    Ok(guest.spawn_signal_probe(SignalProbe { name: "probe".into(), signal, disposition, busy })?)
}

fn is_stopped(guest: &Guest, pid: u32) -> Result<()> {
    let state =
        guest.processes()?.into_iter().find(|process| process.pid == pid).map(|process| process.state);
    ensure!(state == Some('T'), "process {pid} should be stopped, and is in state {state:?}");
    Ok(())
}

/// Waits for what a probe notices of its signal.
fn signal_report(guest: &Guest, pid: u32) -> Result<SignalReport> {
    match guest.wait_for_process(pid, LIMIT, |_| true)? {
        ProcessEvent::Signal(report) => Ok(report),
        other => bail!("process {pid} should notice a signal: {other:?}"),
    }
}
