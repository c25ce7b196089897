// SPDX-License-Identifier: MIT OR Apache-2.0

//! One signal to one process, whatever it does meanwhile. Nothing is wrong with the guest: these rows show what each method
//! can do, and how quickly.

use std::time::Duration;

use anyhow::{Context, Result};
use gpufas_tests::machine::Machine;
use gpufas_tests::repair::KILL as PROGRAM;
use gpufas_tests::subject::{
    COMPUTES, IS_STOPPED, NAME, SLEEPS_AN_HOUR, WAITS_KILLABLY, WAITS_ON_PIPE, wait_for_state,
};
use gpufas_tests::tools::Target;
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, nothing};
use crate::method::{Method, run_program};
use crate::scene::{Repaired, Shape};

const SUPPORT: &str = "examples/support.c";

/// A signal, and how it is known to have acted.
#[derive(Clone, Copy)]
struct Signal {
    name: &'static str,
    number: i32,
    arguments: &'static [&'static str],
    acted: fn(&Machine, Duration) -> Result<()>,
    after: fn(Repaired<'_>, &Method) -> Result<()>,
}

const KILL: Signal = Signal {
    name: "KILL",
    number: libc::SIGKILL,
    arguments: &["--signal", "KILL"],
    acted: |machine, limit| Ok(machine.guest().wait_until_no(NAME, limit)?),
    after: nothing,
};

const TERM: Signal = Signal { name: "TERM", number: libc::SIGTERM, arguments: &["--signal", "TERM"], ..KILL };

const STOP: Signal = Signal {
    name: "STOP",
    number: libc::SIGSTOP,
    arguments: &["--signal", "STOP"],
    acted: |machine, limit| is_in_state(machine, 'T', limit),
    after: |(machine, _), _| kill(machine),
};

const CONT: Signal = Signal {
    name: "CONT",
    number: libc::SIGCONT,
    arguments: &["--signal", "CONT"],
    acted: |machine, limit| is_in_state(machine, 'R', limit),
    ..STOP
};

/// What a process does, for as long as no signal comes.
#[derive(Clone, Copy)]
struct Victim {
    start: fn(&Machine) -> Result<()>,
    /// Whether it must be woken for its signal.
    asleep: bool,
}

const COMPUTING: Victim = Victim { start: |machine| COMPUTES.start(machine).map(drop), asleep: false };
const SLEEPING: Victim = Victim { start: |machine| SLEEPS_AN_HOUR.start(machine).map(drop), asleep: true };
const READING_PIPE: Victim = Victim { start: |machine| WAITS_ON_PIPE.start(machine).map(drop), asleep: true };
const STOPPED: Victim = Victim { start: |machine| IS_STOPPED.start(machine).map(drop), asleep: true };
/// Not for a disk: QEMU's `stop` gives all pages at once that were asked for, so that whatever pauses the guest ends that wait.
const WAITING_KILLABLY: Victim =
    Victim { start: |machine| WAITS_KILLABLY.start(machine).map(drop), asleep: true };

/// It computed before it was stopped, and will again.
const STOPPED_IN_COMPUTING: Victim = Victim {
    start: |machine| {
        let pid = COMPUTES.start(machine)?;
        machine.guest().kill(pid, libc::SIGSTOP)?;
        wait_for_state(machine, 'T')
    },
    asleep: true,
};

/// A row for each signal to each process for which it means something.
pub const ROWS: &[Fault] = &[
    row("KILL, a process that computes", KILL, COMPUTING),
    row("KILL, one that sleeps for an hour", KILL, SLEEPING),
    row("KILL, one that is stopped", KILL, STOPPED),
    row("KILL, one that waits on a pipe", KILL, READING_PIPE),
    row("KILL, one that waits killably", KILL, WAITING_KILLABLY),
    row("TERM, a process that computes", TERM, COMPUTING),
    row("TERM, one that sleeps for an hour", TERM, SLEEPING),
    row("TERM, one that waits on a pipe", TERM, READING_PIPE),
    row("TERM, one that waits killably", TERM, WAITING_KILLABLY),
    row("STOP, a process that computes", STOP, COMPUTING),
    Fault { often: true, ..row("STOP, one that sleeps for an hour", STOP, SLEEPING) },
    row("STOP, one that waits on a pipe", STOP, READING_PIPE),
    Fault { often: true, ..row("CONT, one that is stopped", CONT, STOPPED_IN_COMPUTING) },
];

const fn row(name: &'static str, signal: Signal, victim: Victim) -> Fault {
    Fault {
        name,
        group: Some(signal.name),
        often: false,
        shape: Shape::Signals,
        make: victim.start,
        program: (PROGRAM, "kill", signal.arguments),
        arguments: pid,
        supported: Some((SUPPORT, "signal", signal.arguments)),
        lock: None,
        victims: NAME,
        signal: signal.number,
        is_made_of_sleepers: victim.asleep,
        asleep: victim.asleep,
        is_for_oom_killer: false,
        cured: signal.acted,
        after: signal.after,
        end: Some(end),
        tolerated: &[],
    }
}

fn is_in_state(machine: &Machine, state: char, limit: Duration) -> Result<()> {
    wait::until(&format!("it is in state {state}"), limit, || {
        Ok(machine.guest().states(NAME)? == state.to_string())
    })
}

/// The program's arguments that say which process it is.
fn pid(machine: &Machine) -> Result<Vec<String>> {
    let found = machine.guest().find(NAME)?;
    Ok(vec!["--pid".to_owned(), found.first().with_context(|| format!("no process {NAME}"))?.to_string()])
}

/// Ends the process, also if a signal is pending for it that it was not woken for: the kernel's own signals do not wake it
/// then.
fn end(machine: &Machine) -> Result<()> {
    if machine.guest().states(NAME)?.is_empty() {
        return Ok(());
    }
    let pid = pid(machine)?;
    let arguments: Vec<&str> = pid.iter().map(String::as_str).collect();
    // It fails if no signal is pending.
    let woken = run_program((machine, Target::Host), (PROGRAM, "wake", &arguments), &[]);
    kill(machine).with_context(|| format!("woken: {woken:?}"))
}

/// Ends the process from inside.
fn kill(machine: &Machine) -> Result<()> {
    // It may be gone already.
    let killed = machine.guest().kill_by_name(NAME, libc::SIGKILL, LIMIT);
    machine.guest().wait_until_no(NAME, LIMIT).with_context(|| format!("killed: {killed:?}"))
}
