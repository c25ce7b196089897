// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processors that wait for a lock which nobody releases go on.

use anyhow::{Result, ensure};
use gpufas_tests::deadlock::Deadlock;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;

use crate::{SUPPORT_PROGRAM, ask, case, check, counter};

pub fn add(group: &mut Group<'_, Repair>, kernel: &str) {
    // With PREEMPT_RT a spinlock_t is one that tasks own and sleep for: nothing spins.
    let kinds: &[&str] = if kernel.ends_with("-rt") { &["raw"] } else { &["raw", "spin"] };
    for &kind in kinds {
        case(group, &format!("every processor waits, interrupts on: {kind}"), move |repair| {
            let deadlock = Deadlock::start(repair, kind, true, None)?;
            deadlock.wait_until_started(repair.machine.cpus())?;
            release(repair, deadlock.lock())?;
            deadlock.has_ended(repair.machine.cpus())?;
            ensure!(counter(repair, "served 0")? == 1, "it was not a hard interrupt that served");
            Ok(())
        });
        case(group, &format!("every processor waits, interrupts off: {kind}"), move |repair| {
            let deadlock = Deadlock::start(repair, kind, false, None)?;
            deadlock.wait_until_started(repair.machine.cpus())?;
            release_by_nmi(repair, deadlock.lock())?;
            deadlock.has_ended(repair.machine.cpus())?;
            ensure!(counter(repair, "served 1")? == 1, "it was not an NMI that served");
            Ok(())
        });
    }
    case(group, "those who wait for a mutex whose owner is dead go on", |repair| {
        let deadlock = Deadlock::start(repair, "mutex", true, None)?;
        deadlock.wait_until_started(repair.machine.cpus())?;
        let guest = repair.machine.guest();
        let processes = guest.processes()?;
        let waiters: Vec<_> =
            processes.iter().filter(|process| process.comm.starts_with("waiter/")).collect();
        ensure!(waiters.len() == repair.machine.cpus() as usize, "{waiters:?}");
        let arguments = [("address", deadlock.lock().to_string())];
        check(repair, "disown_mutex", &arguments)?;
        for waiter in waiters {
            // One that was woken by the one before is gone.
            let arguments = [("tid", waiter.pid.to_string())];
            let program = repair.run(
                SUPPORT_PROGRAM,
                "wake",
                &["--pause", "never", "--json"],
                &["--tid", &arguments[0].1],
            )?;
            ensure!(program.status.code().is_some_and(|code| code < 2), "{program:?}");
        }
        deadlock.has_ended(repair.machine.cpus())
    });
}

/// Releases a lock through the module where no processor takes interrupts.
pub fn release_by_nmi(repair: &Repair, lock: u64) -> Result<()> {
    ask(repair, SUPPORT_PROGRAM, "leave_unlock", 0, &[("address", lock.to_string())])?;
    repair.machine.monitor()?.human("nmi")?;
    Ok(())
}

/// Releases a lock through the module.
pub fn release(repair: &Repair, lock: u64) -> Result<()> {
    ask(repair, SUPPORT_PROGRAM, "unlock", 0, &[("address", lock.to_string())])?.says("unlock: done")
}
