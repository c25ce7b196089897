// SPDX-License-Identifier: MIT OR Apache-2.0

//! A thousand processes are to end at once, whatever they do.

use std::time::Duration;

use anyhow::Result;
use gpufas_guest::protocol::Activity;
use gpufas_tests::machine::Machine;

use crate::fault::{Fault, PROTECT, no_arguments, nothing};
use crate::scene::Shape;

const NAME: &str = "worker";
const COUNT: u32 = 1000;
const ARGUMENTS: &[&str] = &["--name", NAME, "--user", "0", "--signal", "KILL", "--protect", PROTECT];

/// They compute.
pub const BUSY: Fault = Fault {
    name: "1,000 processes, busy",
    group: None,
    often: true,
    shape: Shape::Many,
    make: |machine| make(machine, Activity::Compute),
    program: ("examples/end-many.c", "end_many", ARGUMENTS),
    arguments: no_arguments,
    supported: Some(("examples/end-many.c", "end_many_supported", ARGUMENTS)),
    lock: None,
    victims: NAME,
    signal: libc::SIGKILL,
    is_made_of_sleepers: false,
    asleep: false,
    is_for_oom_killer: false,
    cured,
    after: nothing,
    end: None,
    tolerated: &[],
};

/// They sleep for a moment, again and again.
pub const SLEEPING_10_MS: Fault = Fault {
    name: "1,000 processes, sleeping 10 ms",
    often: false,
    make: |machine| make(machine, Activity::Sleep { milliseconds: 10 }),
    is_made_of_sleepers: true,
    ..BUSY
};

/// They sleep for a second, again and again.
pub const SLEEPING_1_S: Fault = Fault {
    name: "1,000 processes, sleeping 1 s",
    often: false,
    make: |machine| make(machine, Activity::Sleep { milliseconds: 1000 }),
    is_made_of_sleepers: true,
    ..BUSY
};

/// They sleep.
pub const SLEEPING_AN_HOUR: Fault = Fault {
    name: "1,000 processes, sleeping an hour",
    make: |machine| make(machine, Activity::Sleep { milliseconds: 3_600_000 }),
    is_made_of_sleepers: true,
    asleep: true,
    ..BUSY
};

fn make(machine: &Machine, activity: Activity) -> Result<()> {
    machine.guest().spawn_many(COUNT, NAME, activity)?;
    // That they have come to what they do shows nowhere; they were let go at once.
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}

fn cured(machine: &Machine, limit: Duration) -> Result<()> {
    Ok(machine.guest().wait_until_no(NAME, limit)?)
}
