// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory is exhausted, and the guest swaps for ever: a process writes to more of it than there is.

use std::time::Duration;

use anyhow::Result;
use gpufas_guest::Error;
use gpufas_guest::protocol::Activity;
use gpufas_tests::machine::Machine;
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, PROTECT, no_arguments, nothing};
use crate::scene::{MEMORY_MIB, Shape};

const NAME: &str = "writer";

/// How much is written in a guest with that much memory: more than there is, less than there is with swap space.
pub const fn written(memory_mib: u32) -> u32 {
    memory_mib * 3 / 2
}

const ARGUMENTS: &[&str] = &["--memory_percent", "80", "--swap_percent", "10", "--protect", PROTECT];

/// A process that writes to more memory than there is.
pub const THRASHING: Fault = Fault {
    name: "memory exhausted",
    group: None,
    often: true,
    shape: Shape::Memory,
    make,
    program: ("examples/memory.c", "memory", ARGUMENTS),
    arguments: no_arguments,
    supported: Some(("examples/memory.c", "memory_supported", ARGUMENTS)),
    lock: None,
    victims: NAME,
    signal: libc::SIGKILL,
    is_made_of_sleepers: false,
    asleep: false,
    is_for_oom_killer: true,
    cured,
    after: nothing,
    end: None,
    tolerated: &["Out of memory", "oom-kill", "invoked oom-killer"],
};

fn make(machine: &Machine) -> Result<()> {
    machine.guest().spawn_many(1, NAME, Activity::WriteMemory { mib: written(MEMORY_MIB) })?;
    is_there(machine, NAME)
}

/// Waits until memory is short and answers take longer than before, or who writes is gone.
///
/// # Errors
///
/// If that does not come.
pub fn is_there(machine: &Machine, name: &str) -> Result<()> {
    let (guest, usual) = (machine.guest(), machine.usual_answer()?);
    // Who watches over the guest from inside may have seen it before.
    let is_over = || Ok::<_, Error>(guest.states(name)?.is_empty());
    wait::until("memory is short", LIMIT, || {
        let memory = guest.memory_use()?;
        let swapped = memory.swap_total_kib - memory.swap_free_kib;
        let is_short = memory.available_kib * 10 < memory.total_kib && swapped * 3 > memory.total_kib;
        Ok(is_short || is_over()?)
    })?;
    // An ordinary process has to fetch its own memory from the disk.
    wait::until("answers take longer", LIMIT, || match guest.answer_time(LIMIT) {
        Ok(time) => Ok(time > usual || is_over()?),
        Err(Error::NoAnswer { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    })
}

/// Waits until answers come as quickly as before anything was wrong.
///
/// # Errors
///
/// If it does not come.
pub fn answers_as_before(machine: &Machine, limit: Duration) -> Result<()> {
    let usual = machine.usual_answer()?;
    wait::until("answers come as before", limit, || Ok(machine.guest().answer_time(LIMIT)? <= usual))
}

fn cured(machine: &Machine, limit: Duration) -> Result<()> {
    machine.guest().wait_until_no(NAME, limit)?;
    answers_as_before(machine, limit)
}
