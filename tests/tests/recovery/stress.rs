// SPDX-License-Identifier: MIT OR Apache-2.0

//! The faults that stress-ng makes, a program that distributions have for that.

use std::time::Duration;

use anyhow::Result;
use gpufas_tests::machine::Machine;
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, PROTECT, nothing};
use crate::memory::{THRASHING, answers_as_before, is_there, written};
use crate::process_table::{FORK_BOMB, fill};
use crate::scene::{STRESS_MEMORY_MIB, Shape, start};

/// The name of its first process, which ends when all that it has started have ended.
const MAIN: &str = "stress-ng";
const WRITER: &str = "stress-ng-vm";
const FORKER: &str = "stress-ng-fork";

/// How it complains, on the guest's console, that it was ended; among its words are some that a kernel uses.
const COMPLAINT: &str = "stress-ng: warn:";

/// How many of its processes start others, up to the guest's limit.
const FORKERS: &str = "40";

/// Its processes write to more memory than there is.
pub const VM: Fault = Fault {
    name: "memory exhausted, stress-ng --vm",
    often: false,
    shape: Shape::Stress,
    make: write,
    victims: WRITER,
    cured: |machine, limit| {
        are_gone(machine, WRITER, limit)?;
        answers_as_before(machine, limit)
    },
    after: nothing,
    tolerated: &["Out of memory", "oom-kill", "invoked oom-killer", COMPLAINT],
    ..THRASHING
};

/// Its processes start others without end.
pub const FORK: Fault = Fault {
    name: "process table full, stress-ng --fork",
    often: false,
    shape: Shape::Stress,
    make: fork,
    // Its first process starts those that it could not start before: all of its session is to go. Most are zombies, which do
    // not count.
    program: (
        "examples/fork-bomb.c",
        "fork_bomb",
        &["--threshold_percent", "90", "--least", "20", "--by", "session", "--protect", PROTECT],
    ),
    victims: FORKER,
    cured: |machine, limit| {
        are_gone(machine, FORKER, limit)?;
        Ok(machine.guest().check_health(LIMIT)?)
    },
    tolerated: &["Failed to create a worker", "failed to create worker", "fork rejected", COMPLAINT],
    ..FORK_BOMB
};

fn write(machine: &Machine) -> Result<()> {
    let bytes = format!("{}M", written(STRESS_MEMORY_MIB));
    // Without --oomable it starts another whenever one is killed.
    let arguments =
        ["--quiet", "--oomable", "--vm", "1", "--vm-keep", "--vm-method", "write64", "--vm-bytes", &bytes];
    start(machine, MAIN, &arguments)?;
    wait::until("it has begun", LIMIT, || Ok(!machine.guest().states(WRITER)?.is_empty()))?;
    is_there(machine, WRITER)
}

fn fork(machine: &Machine) -> Result<()> {
    wait::until("zombies of earlier ones are gone", LIMIT, || {
        Ok(machine.guest().states(FORKER)?.is_empty())
    })?;
    fill(machine, || start(machine, MAIN, &["--quiet", "--fork", FORKERS, "--fork-max", "16000"]))
}

fn are_gone(machine: &Machine, name: &str, limit: Duration) -> Result<()> {
    machine.guest().wait_until_no(name, limit)?;
    Ok(machine.guest().wait_until_no(MAIN, limit)?)
}
