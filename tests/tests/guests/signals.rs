// SPDX-License-Identifier: MIT OR Apache-2.0

//! A signal that is sent from outside acts as the kernel's own would.

use anyhow::{Context, Result, ensure};
use gpufas_guest::Guest;
use gpufas_guest::protocol::{Disposition, ProcessEvent};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::probe::{count, is_stopped, probe, state, wait_for};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::signal_rules::RULES;
use gpufas_tests::suite::Group;
use libc::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1};

use crate::case;

/// `EOPNOTSUPP`, `ESRCH` and `EINVAL` of include/uapi/asm-generic.
const EOPNOTSUPP: i64 = 95;
const ESRCH: i64 = 3;
const EINVAL: i64 = 22;

pub fn add(group: &mut Group<'_, Repair>) {
    ending(group);
    debugger(group);
    for (name, rule) in RULES {
        case(group, name, rule);
    }
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
        case(group, &format!("{name} ends a process that sleeps for good"), move |repair| {
            let pid = sleeper(repair.machine.guest())?;
            let report = repair.kill(pid, name)?;
            report.says(&format!("{pid} (deep-sleeper): signal {number} delivered"))?;
            report.was_served()?;
            repair.was_killed(pid, number)
        });
        case(
            group,
            &format!("{name} without waking reaches a sleeping process when it wakes up"),
            move |repair| {
                // It looks every 20 ms whether another signal is pending.
                let pid = probe(repair.machine.guest(), SIGUSR1, Disposition::Block, false)?;
                repair.kill_without_waking(pid, name)?.has_written(true)?;
                repair.was_killed(pid, number)
            },
        );
        case(group, &format!("{name} without waking waits until the process is woken"), move |repair| {
            let guest = repair.machine.guest();
            let pid = sleeper(guest)?;
            let report = repair.kill_without_waking(pid, name)?;
            report.says("pending until the process wakes up")?;
            ensure!(report.0["interrupts"] == serde_json::json!([]), "{report:?}");
            ensure!(guest.alive(&[pid])?.alive == [pid]);
            let report = repair.wake(pid)?;
            report.says("(deep-sleeper): woken")?;
            report.was_served()?;
            repair.was_killed(pid, number)
        });
    }
    case(group, "KILL ends all threads of a process", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::HandleInSecondThread, true)?;
        repair.kill(pid, "9")?.says("delivered")?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "KILL ends all threads of a process that sleeps", |repair| {
        let pid = probe(repair.machine.guest(), SIGTERM, Disposition::HandleInSecondThread, false)?;
        repair.kill(pid, "9")?.was_served()?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "KILL without waking waits, and the guest's own wakes the process", |repair| {
        let guest = repair.machine.guest();
        let pid = sleeper(guest)?;
        repair.kill_without_waking(pid, "KILL")?.says("pending until the process wakes up")?;
        ensure!(guest.alive(&[pid])?.alive == [pid]);
        guest.kill(pid, SIGKILL)?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "KILL without waking is followed by one that wakes", |repair| {
        let pid = sleeper(repair.machine.guest())?;
        repair.kill_without_waking(pid, "KILL")?.says("pending until the process wakes up")?;
        repair.kill(pid, "KILL")?.says("delivered")?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "many processes that sleep for good are ended at once", |repair| {
        let guest = repair.machine.guest();
        let pids = guest.spawn_sleepers(100, "many")?;
        let report = repair.kill_all("many", "TERM")?;
        report.says("100 processes are called many, signal 15 was delivered to 100")?;
        report.was_served()?;
        pids.into_iter().try_for_each(|pid| repair.was_killed(pid, SIGTERM))
    });
    case(group, "who has no signal pending, or does not sleep, is not woken", |repair| {
        let guest = repair.machine.guest();
        let pid = sleeper(guest)?;
        let wake = |status| repair.report(status, KILL, "wake", &["--pid", &pid.to_string()]);
        let report = wake(1)?;
        report.says("has no signal pending")?;
        report.has_written(false)?;
        guest.kill(pid, SIGSTOP)?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
        repair.kill_without_waking(pid, "USR1")?.says("pending until the process can take it")?;
        let report = wake(1)?;
        report.has_written(false)?;
        repair.clean_up(pid)
    });
}

fn debugger(group: &mut Group<'_, Repair>) {
    case(group, "a debugger keeps QEMU's gdb stub, and nobody is woken meanwhile", |repair| {
        let pid = sleeper(repair.machine.guest())?;
        let stub = repair.machine.folder().join("gdb");
        let mut monitor = repair.machine.monitor()?;
        monitor.human(format!("gdbserver unix:{},server=on,wait=off", stub.display()))?;
        let debugger = std::os::unix::net::UnixStream::connect(&stub)?;
        monitor.human("cont")?;
        let report = repair.kill(pid, "TERM")?;
        report.says("pending until the process wakes up")?;
        let reason = report.0["no_interrupts"].as_str().context("no reason")?;
        ensure!(reason.contains("gdbserver none"), "{reason}");
        // The debugger's connection is as it was: it still answers.
        monitor.human("stop")?;
        let answer = ask_stub(&debugger, "$?#3f")?;
        ensure!(answer.contains("$T") || answer.contains("$S"), "the debugger was told {answer:?}");
        monitor.human("gdbserver none")?;
        monitor.human("cont")?;
        repair.wake(pid)?.was_served()?;
        repair.was_killed(pid, SIGTERM)
    });
}

/// Sends a packet to QEMU's gdb stub and returns what comes.
fn ask_stub(mut stub: &std::os::unix::net::UnixStream, packet: &str) -> Result<String> {
    use std::io::{Read, Write};
    stub.set_read_timeout(Some(LIMIT))?;
    stub.write_all(packet.as_bytes())?;
    let mut answer = Vec::new();
    while answer.iter().filter(|byte| **byte == b'#').count() == 0 {
        let mut buffer = [0; 256];
        let size = stub.read(&mut buffer)?;
        ensure!(size > 0, "the stub has closed the connection");
        answer.extend_from_slice(&buffer[..size]);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn stopping(group: &mut Group<'_, Repair>) {
    for (what, busy) in [("computes", true), ("sleeps", false)] {
        case(group, &format!("STOP stops a process that {what}, and CONT continues it"), move |repair| {
            let guest = repair.machine.guest();
            let pid = probe(guest, SIGCONT, Disposition::Handle, busy)?;
            for round in 0..3 {
                let happened = || count(guest, |event| event.pid() == pid);
                let before = happened();
                repair.kill(pid, "STOP")?.says("delivered")?;
                wait_for(guest, pid, before, |event| {
                    *event == ProcessEvent::Stopped { pid, signal: SIGSTOP }
                })?;
                is_stopped(guest, pid)?;
                let before = happened();
                let report = repair.kill(pid, "CONT")?;
                report.says("delivered")?;
                report.was_served()?;
                wait_for(guest, pid, before, |event| *event == ProcessEvent::Continued { pid })
                    .with_context(|| format!("round {round}"))?;
                wait_for(
                    guest,
                    pid,
                    before,
                    |event| matches!(event, ProcessEvent::Signal(seen) if seen.signal == SIGCONT && seen.delivered),
                )?;
                ensure!(state(guest, pid)? == Some(if busy { 'R' } else { 'S' }));
            }
            repair.clean_up(pid)
        });
    }
    case(group, "STOP stops all threads of a process, and CONT continues them", |repair| {
        let guest = repair.machine.guest();
        let pid = probe(guest, SIGTERM, Disposition::HandleInSecondThread, false)?;
        repair.kill(pid, "STOP")?.says("delivered")?;
        guest
            .wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Stopped { pid, signal: SIGSTOP })?;
        let report = repair.kill(pid, "CONT")?;
        report.says("delivered, the process goes on")?;
        guest.wait_for_process(pid, LIMIT, |event| *event == ProcessEvent::Continued { pid })?;
        repair.kill(pid, "TERM")?.says("delivered")?;
        let handled = |event: &ProcessEvent| matches!(event, ProcessEvent::Signal(seen) if seen.tid != pid);
        guest.wait_for_process(pid, LIMIT, handled)?;
        repair.clean_up(pid)
    });
    case(group, "CONT without waking is refused", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_runaway("runaway")?;
        repair.kill_without_waking(pid, "STOP")?.says("delivered")?;
        let stopped = ProcessEvent::Stopped { pid, signal: SIGSTOP };
        guest.wait_for_process(pid, LIMIT, |event| *event == stopped)?;
        is_stopped(guest, pid)?;

        let arguments = ["--pid", &pid.to_string(), "--signal", "CONT"];
        let report = repair.report_with(1, KILL, "kill", &["--interrupts", "never"], &arguments)?;
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
    for (name, number) in [("KILL", SIGKILL), ("TERM", SIGTERM)] {
        case(group, &format!("{name} to a stopped process"), move |repair| {
            let guest = repair.machine.guest();
            let pid = guest.spawn_runaway("runaway")?;
            guest.kill(pid, SIGSTOP)?;
            guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Stopped { .. }))?;
            if name == "KILL" {
                repair.kill_without_waking(pid, name)?.says("pending until the process wakes up")?;
                is_stopped(guest, pid)?;
                repair.wake(pid)?.says("(runaway): woken")?;
            } else {
                repair.kill(pid, name)?.says("pending until the process can take it")?;
                is_stopped(guest, pid)?;
                repair.kill(pid, "CONT")?.says("delivered, the process goes on")?;
            }
            repair.was_killed(pid, number)
        });
    }
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

/// Starts a process that sleeps for good.
fn sleeper(guest: &Guest) -> Result<u32> {
    guest.spawn_sleepers(1, "deep-sleeper")?.first().copied().context("no process")
}
