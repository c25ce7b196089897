// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lock that the guest holds is waited for, and respected.

use anyhow::{Result, bail, ensure};
use gpufas_guest::protocol::{Disposition, SignalProbe};
use gpufas_tests::command::{Running, run};
use gpufas_tests::lock::{self, hold};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;
use libc::SIGKILL;

use crate::case;

/// `EAGAIN` of include/uapi/asm-generic/errno-base.h.
const EAGAIN: i64 = 11;

/// How often a lock is let go during a run: on a busy machine that can come too late.
const ATTEMPTS: u32 = 10;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "a lock that stays held is told, after some tries, and nothing written", |repair| {
        let (pid, lock) = victim(repair)?;
        let held = hold(repair, lock)?;
        let arguments = ["--pid", &pid.to_string(), "--signal", "KILL"];
        let report = repair.report(1, KILL, "kill", &arguments)?;
        report.says("not sent, the kernel is at work on the process")?;
        report.has_written(false)?;
        ensure!(report.result()? == -EAGAIN && report.0["end"]["errno"] == "EAGAIN", "{report:?}");
        ensure!(report.0["tries"].as_u64() > Some(1), "{report:?}");
        let text = repair.run(KILL, "kill", &[], &arguments)?.with_status(1)?;
        for part in ["returned -11 (-EAGAIN)", "tries since a lock was held", "nothing was written"] {
            ensure!(text.output.contains(part), "{part:?} should be in:\n{}", text.output);
        }
        held.restore()?;
        repair.kill(pid, "KILL")?.says("delivered")?;
        repair.was_killed(pid, SIGKILL)
    });
    case(group, "a lock that is let go is waited for", |repair| {
        let program = repair.machine.tools().compile(KILL, repair.target)?;
        for _ in 0..ATTEMPTS {
            let (pid, lock) = victim(repair)?;
            let held = hold(repair, lock)?;
            let command = repair.machine.with_source(|guest| {
                let arguments = ["--pid", &pid.to_string(), "--signal", "KILL"];
                run(repair.machine.tools(), (&program, repair.target), "kill", guest, &[], &arguments)
            });
            let mut running = Running::start(command)?;
            running.wait_for("not sent, the kernel is at work")?;
            held.restore()?;
            let ran = running.finish()?;
            if ran.status.code() == Some(1) {
                repair.clean_up(pid)?;
                continue;
            }
            let ran = ran.with_status(0)?;
            ensure!(ran.output.contains("signal 9 delivered"), "{}", ran.output);
            ensure!(ran.output.contains("tries since a lock was held"), "{}", ran.output);
            return repair.was_killed(pid, SIGKILL);
        }
        bail!("the lock was let go too late each time");
    });
}

/// A process that can be killed, and the address of the lock of its signals. The process wakes up often, but nothing
/// in the guest looks at its signals.
pub fn victim(repair: &Repair) -> Result<(u32, u64)> {
    let guest = repair.machine.guest();
    let probe =
        SignalProbe { name: "locked".into(), signal: 10, disposition: Disposition::Default, busy: true };
    let pid = guest.spawn_signal_probe(probe)?;
    Ok((pid, lock::of_signals(repair, pid)?))
}
