// SPDX-License-Identifier: MIT OR Apache-2.0

//! A deadlock in a guest, which the module `tests/modules/deadlock` makes.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::machine::{LIMIT, Machine};
use crate::modules::DEADLOCK;
use crate::repair::Repair;
use crate::wait;

const STATUS: &str = "/sys/module/deadlock/parameters/status";
const START: &str = "/sys/module/deadlock/parameters/start";

/// Says how many wait, and for which lock, as its entry point `deadlocked`.
pub const COUNTER: &str = "tests/programs/deadlocks.c";

/// A deadlock in the guest.
pub struct Deadlock<'a> {
    repair: &'a Repair,
    lock: u64,
}

impl<'a> Deadlock<'a> {
    /// Lets it begin in a fifth of a second, on one processor or on all. `kind`: `raw`, `spin`, `mutex` or `orphan`, as the module says.
    /// Whatever program is to end it must be compiled before: that takes longer than a guest may be locked.
    ///
    /// # Errors
    ///
    /// Those of the guest; if the module says no address.
    pub fn start(repair: &'a Repair, kind: &str, interrupts: bool, cpu: Option<u32>) -> Result<Self> {
        repair.machine.tools().compile(COUNTER, repair.target)?;
        Ok(Self { repair, lock: start(&repair.machine, kind, interrupts, cpu)? })
    }

    /// Has the lock taken, with nobody waiting for it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn hold(repair: &'a Repair, kind: &str) -> Result<Self> {
        Ok(Self { repair, lock: command(&repair.machine, &format!("{kind} on none"))? })
    }

    /// The lock's address.
    pub fn lock(&self) -> u64 {
        self.lock
    }

    /// Waits until so many wait, as the guest's memory says: the guest itself may not answer any more.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn wait_until_started(&self, count: u32) -> Result<()> {
        wait::until(&format!("{count} wait"), LIMIT, || {
            let report = self.repair.report(0, COUNTER, "deadlocked", &[])?;
            Ok(report.log().contains(&format!("started: {count}\n")))
        })
    }

    /// Waits until all have proceeded, as the guest itself says.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn has_ended(&self, count: u32) -> Result<()> {
        has_ended(&self.repair.machine, count, LIMIT)
    }
}

/// Lets a deadlock begin, as [`Deadlock::start`], and says the lock's address.
///
/// # Errors
///
/// Those of the guest; if the module says no address.
pub fn start(machine: &Machine, kind: &str, interrupts: bool, cpu: Option<u32>) -> Result<u64> {
    let state = if interrupts { "on" } else { "off" };
    let cpus = cpu.map(|cpu| cpu.to_string()).unwrap_or_default();
    command(machine, &format!("{kind} {state} {cpus}"))
}

/// Gives the module a command, and says the lock's address.
fn command(machine: &Machine, command: &str) -> Result<u64> {
    let guest = machine.guest();
    if !guest.read_file("/proc/modules")?.contains(DEADLOCK.name) {
        guest.load_module(DEADLOCK.name, "")?;
    }
    guest.write_file(START, command)?;
    let status = guest.read_file(STATUS)?;
    let lock = status.trim().rsplit_once(" lock ").context("no lock in the status")?.1;
    Ok(u64::from_str_radix(lock.trim_start_matches("0x"), 16)?)
}

/// Waits until all of a deadlock have proceeded, as the guest itself says.
///
/// # Errors
///
/// If they do not.
pub fn has_ended(machine: &Machine, count: u32, limit: Duration) -> Result<()> {
    wait::until(&format!("{count} have proceeded"), limit, || {
        let status = machine.guest().read_file(STATUS)?;
        Ok(status.contains(&format!("{count} started, {count} proceeded")))
    })
}
