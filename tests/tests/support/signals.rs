// SPDX-License-Identifier: MIT OR Apache-2.0

//! Heavy requests: signals and wake-ups by the guest's own kernel.

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::protocol::{Disposition, ProcessEvent, SignalProbe};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;
use libc::SIGUSR1;

use crate::{SUPPORT_PROGRAM, TEST_PROGRAM, ask, case, check, served_heavy};

/// `SI_KERNEL`.
const FROM_KERNEL: i32 = 128;
/// `ESRCH`.
const NO_PROCESS: i64 = -3;
/// `EPERM`.
const NOT_PERMITTED: i64 = -1;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "a process that sleeps is killed, and one that computes", |repair| {
        let guest = repair.machine.guest();
        let sleeper = one(&guest.spawn_sleepers(1, "victim")?)?;
        for pid in [sleeper, guest.spawn_runaway("victim")?] {
            send(repair, "signal", pid, "KILL")?;
            repair.was_killed(pid, 9)?;
        }
        let by_thread = one(&guest.spawn_sleepers(1, "victim")?)?;
        send_thread(repair, by_thread, "TERM")?;
        repair.was_killed(by_thread, 15)?;
        let served = served_heavy(repair)?;
        ensure!(served == 3, "{served} were served");
        Ok(())
    });
    case(group, "a handler gets what the kernel sends, with its marks", |repair| {
        let guest = repair.machine.guest();
        let probe =
            |disposition| SignalProbe { name: "probe".into(), signal: SIGUSR1, disposition, busy: false };
        let arguments = |pid: u32, thread: bool| {
            [("pid", pid.to_string()), ("signal", SIGUSR1.to_string()), ("thread", thread.to_string())]
        };
        for thread in [false, true] {
            let pid = guest.spawn_signal_probe(probe(Disposition::Handle))?;
            check(repair, "signal_as", &arguments(pid, thread))?;
            let event =
                guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Signal(_)))?;
            let ProcessEvent::Signal(report) = event else { bail!("{event:?}") };
            ensure!(report.delivered && report.signal == SIGUSR1, "{report:?}");
            ensure!(report.code == FROM_KERNEL && report.sender == 0, "{report:?}");
            repair.clean_up(pid)?;
        }
        // A process has it taken by the thread that does not block it; a thread that blocks it keeps it.
        let pid = guest.spawn_signal_probe(probe(Disposition::HandleInSecondThread))?;
        check(repair, "signal_as", &arguments(pid, true))?;
        let status = guest.read_file(&format!("/proc/{pid}/status"))?;
        let pending = status.lines().find_map(|line| line.strip_prefix("SigPnd:")).context("no SigPnd")?;
        ensure!(u64::from_str_radix(pending.trim(), 16)? == 1 << (SIGUSR1 - 1), "{status}");
        check(repair, "signal_as", &arguments(pid, false))?;
        guest.wait_for_process(pid, LIMIT, |event| matches!(event, ProcessEvent::Signal(_)))?;
        repair.clean_up(pid)
    });
    case(group, "a process is stopped and continued", |repair| {
        let guest = repair.machine.guest();
        let pid = one(&guest.spawn_sleepers(1, "victim")?)?;
        let state = || -> Result<char> {
            let processes = guest.processes()?;
            Ok(processes.iter().find(|process| process.pid == pid).context("no process")?.state)
        };
        let until = |wanted| -> Result<()> {
            for _ in 0..1000 {
                if state()? == wanted {
                    return Ok(());
                }
            }
            bail!("its state is {}, and should be {wanted}", state()?)
        };
        send(repair, "signal", pid, "STOP")?;
        until('T')?;
        send(repair, "signal", pid, "CONT")?;
        until('S')?;
        repair.clean_up(pid)
    });
    case(group, "a thread that sleeps is woken, and sleeps again", |repair| {
        let pid = one(&repair.machine.guest().spawn_sleepers(1, "victim")?)?;
        let report = ask(repair, SUPPORT_PROGRAM, "wake", 0, &[("tid", pid.to_string())])?;
        report.says(&format!("{pid} slept"))?;
        repair.clean_up(pid)
    });
    case(group, "a process whose pid has become another's gets no signal", |repair| {
        let pid = one(&repair.machine.guest().spawn_sleepers(1, "victim")?)?;
        let kill = |later: u64, status| {
            let arguments = [("pid", pid.to_string()), ("later", later.to_string())];
            ask(repair, TEST_PROGRAM, "kill_started", status, &arguments)
        };
        for later in [1, u64::MAX] {
            let report = kill(later, 1)?;
            ensure!(report.result()? == NO_PROCESS, "{report:?}");
        }
        ensure!(repair.machine.guest().alive(&[pid])?.gone.is_empty(), "it is gone");
        kill(0, 0)?;
        repair.was_killed(pid, 9)
    });
    case(group, "nobody and those that must live get no signal", |repair| {
        for (pid, result) in [(4_000_000, NO_PROCESS), (1, NOT_PERMITTED), (2, NOT_PERMITTED)] {
            for thread in ["false", "true"] {
                let arguments = [("pid", pid.to_string()), ("signal", "9".into()), ("thread", thread.into())];
                let report = ask(repair, TEST_PROGRAM, "signal_as", 1, &arguments)?;
                ensure!(report.result()? == result, "{pid}: {report:?}");
            }
        }
        let report = ask(repair, SUPPORT_PROGRAM, "wake", 1, &[("tid", "4000000".into())])?;
        ensure!(report.result()? == NO_PROCESS, "{report:?}");
        Ok(())
    });
}

fn one(pids: &[u32]) -> Result<u32> {
    pids.first().copied().context("no process")
}

fn send(repair: &Repair, entry: &str, pid: u32, signal: &str) -> Result<()> {
    let arguments = [("pid", pid.to_string()), ("signal", signal.to_owned())];
    ask(repair, SUPPORT_PROGRAM, entry, 0, &arguments)?.says(&format!("{signal}: done"))
}

fn send_thread(repair: &Repair, tid: u32, signal: &str) -> Result<()> {
    let arguments = [("tid", tid.to_string()), ("signal", signal.to_owned())];
    ask(repair, SUPPORT_PROGRAM, "signal_thread", 0, &arguments).map(drop)
}
