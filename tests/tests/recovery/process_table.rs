// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process table is full: nothing can be started, not even what would clear it.

use std::time::Duration;

use anyhow::Result;
use gpufas_guest::Error;
use gpufas_guest::protocol::Activity;
use gpufas_tests::machine::Machine;
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, PROTECT, no_arguments};
use crate::method::Method;
use crate::scene::{Repaired, Shape};

const PID_MAX: &str = "/proc/sys/kernel/pid_max";
const NAME: &str = "bomb";

/// A process that starts others of its kind, as they do.
pub const FORK_BOMB: Fault = Fault {
    name: "process table full",
    group: None,
    often: true,
    shape: Shape::Many,
    make,
    program: (
        "examples/fork-bomb.c",
        "fork_bomb",
        &["--threshold_percent", "95", "--least", "100", "--by", "name", "--protect", PROTECT],
    ),
    arguments: no_arguments,
    supported: None,
    lock: None,
    victims: NAME,
    signal: libc::SIGKILL,
    is_made_of_sleepers: false,
    asleep: false,
    is_for_oom_killer: false,
    cured,
    after,
    end: None,
    // What cannot be started is worker threads of the kernel as well.
    tolerated: &["Failed to create a worker", "failed to create worker", "fork rejected"],
};

fn make(machine: &Machine) -> Result<()> {
    fill(machine, || Ok(machine.guest().spawn_many(1, NAME, Activity::ForkBomb).map(drop)?))
}

/// Begins what fills the table, and waits until it is full.
///
/// # Errors
///
/// If it does not come to that.
pub fn fill(machine: &Machine, begin: impl FnOnce() -> Result<()>) -> Result<()> {
    let guest = machine.guest();
    guest.write_file(PID_MAX, "600")?;
    begin()?;
    // EAGAIN: alloc_pid() in kernel/pid.c.
    wait::until("no process can be started", LIMIT, || match guest.check_fork() {
        Ok(()) => Ok(false),
        Err(Error::Refused { message, .. }) if message.contains("os error 11") => Ok(true),
        Err(error) => Err(error.into()),
    })
}

fn cured(machine: &Machine, limit: Duration) -> Result<()> {
    machine.guest().wait_until_no(NAME, limit)?;
    Ok(machine.guest().check_health(LIMIT)?)
}

fn after((machine, _): Repaired<'_>, _: &Method) -> Result<()> {
    Ok(machine.guest().write_file(PID_MAX, "32768")?)
}
