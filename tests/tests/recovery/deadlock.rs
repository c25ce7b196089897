// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every processor waits for a spinlock that was not released: the guest answers nobody, its first process included.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gpufas_tests::deadlock::{COUNTER, has_ended, start};
use gpufas_tests::machine::Machine;
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, Lock, nothing};
use crate::method::run_program;
use crate::scene::Shape;

const UNLOCK: &str = "examples/unlock.c";
const SUPPORT: &str = "examples/support.c";

/// A `raw_spinlock_t`, which spins with PREEMPT_RT as well.
const KIND: &str = "raw";

/// For how long each must have waited before it counts as one that waits without end.
const THRESHOLD: &[&str] = &["--threshold_ms", "200"];

/// They wait with interrupts on: the lock is found by what a tick leaves on their stacks.
pub const INTERRUPTS_ON: Fault = Fault {
    name: "spinlock deadlock",
    group: None,
    often: true,
    shape: Shape::Locks,
    make: |machine| make(machine, true),
    program: (UNLOCK, "raw_spinlock", &[]),
    arguments: found,
    supported: Some((SUPPORT, "unlock", &[])),
    lock: Some(Lock::InterruptsOn),
    victims: "",
    signal: 0,
    is_made_of_sleepers: false,
    asleep: false,
    is_for_oom_killer: false,
    cured,
    after: nothing,
    end: None,
    tolerated: &[],
};

/// They wait with interrupts off. Nothing tells which lock it is: the program is told.
pub const INTERRUPTS_OFF: Fault = Fault {
    name: "spinlock deadlock, interrupts off",
    make: |machine| make(machine, false),
    arguments: told,
    supported: Some((SUPPORT, "leave_unlock", &[])),
    lock: Some(Lock::InterruptsOff),
    ..INTERRUPTS_ON
};

/// Compiles what looks at it from outside. That takes longer than a guest may be locked.
///
/// # Errors
///
/// What the compiler says.
pub fn compile(tools: &Tools) -> Result<()> {
    for program in [COUNTER, UNLOCK] {
        tools.compile(program, Target::Host)?;
    }
    Ok(())
}

fn make(machine: &Machine, interrupts: bool) -> Result<()> {
    compile(machine.tools())?;
    start(machine, KIND, interrupts, None)?;
    let all = format!("started: {}\n", machine.guest().ready().cpus);
    wait::until("every processor waits", LIMIT, || {
        Ok(run_program((machine, Target::Host), (COUNTER, "deadlocked", &[]), &[])?.contains(&all))
    })
}

/// The lock that all wait for, as the bundled program finds it.
fn found(machine: &Machine) -> Result<Vec<String>> {
    let cpus = machine.guest().ready().cpus as usize;
    let mut shown = String::new();
    wait::until("all are found that wait", LIMIT, || {
        shown = run_program((machine, Target::Host), (UNLOCK, "find", THRESHOLD), &[])?;
        Ok(shown.matches("for the lock at 0x").count() == cpus)
    })?;
    let locks: Vec<&str> =
        shown.lines().filter_map(|line| Some(line.split_once("for the lock at ")?.1)).collect();
    let lock = locks.first().context("no lock")?;
    ensure!(locks.iter().all(|other| other == lock), "they wait for several locks:\n{shown}");
    arguments(lock)
}

/// The lock, as the module tells.
fn told(machine: &Machine) -> Result<Vec<String>> {
    let shown = run_program((machine, Target::Host), (COUNTER, "deadlocked", &[]), &[])?;
    let lock = shown.lines().find_map(|line| line.strip_prefix("lock: "));
    arguments(lock.with_context(|| format!("no lock: {shown}"))?)
}

fn arguments(lock: &str) -> Result<Vec<String>> {
    Ok(vec!["--address".to_owned(), lock.trim().to_owned()])
}

fn cured(machine: &Machine, limit: Duration) -> Result<()> {
    has_ended(machine, machine.guest().ready().cpus, limit)
}

/// Checks that the program that releases the lock has shown before who waits for it, and for how long.
///
/// # Errors
///
/// If it has not.
pub fn shows_who_waits(machine: &Machine, output: &str) -> Result<()> {
    let cpus = machine.guest().ready().cpus;
    // The first to wait has no place in the queue, and so no name.
    let named = output.lines().filter(|line| line.contains("(waiter/") && line.ends_with(" ms")).count();
    ensure!(named + 1 >= cpus as usize, "not all are shown:\n{output}");
    ensure!(output.contains(&format!("is released, {cpus} wait for it")), "not all are counted:\n{output}");
    Ok(())
}
