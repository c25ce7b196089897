// SPDX-License-Identifier: MIT OR Apache-2.0

//! The faults: how each is made, seen, and known to be cured.

use std::time::Duration;

use anyhow::Result;
use gpufas_tests::machine::Machine;

use crate::method::{Method, Program};
use crate::scene::{Repaired, Shape};
use crate::{deadlock, many, memory, process_table, processors, signals, stress};

/// Longer than anything here takes that must come to an end.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Name of the process that answers, which programs are told to protect. The sleepers are not protected: a wrong choice is to be seen.
pub const PROTECT: &str = "answerer";

/// A lock that nobody releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Who waits for it takes interrupts.
    InterruptsOn,
    /// Who waits for it takes none.
    InterruptsOff,
}

/// A fault.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What it is one of, if it is one of many of a kind, which are looked at together.
    pub group: Option<&'static str>,
    /// Whether every run of the tests has it.
    pub often: bool,
    /// The guest in which it is made.
    pub shape: Shape,
    /// Makes it, and waits until it is there.
    pub make: fn(&Machine) -> Result<()>,
    /// The program that cures it.
    pub program: Program<'static>,
    /// Further arguments of the programs, which are known only once it is made.
    pub arguments: fn(&Machine) -> Result<Vec<String>>,
    /// The program that cures it with the in-kernel support.
    pub supported: Option<Program<'static>>,
    /// The lock, if it is made of one: no signal cures it then.
    pub lock: Option<Lock>,
    /// The name of the processes that it is made of.
    pub victims: &'static str,
    /// The signal that cures it; 0 if none does.
    pub signal: i32,
    /// Whether they sleep.
    pub is_made_of_sleepers: bool,
    /// Whether they sleep for longer than anybody waits.
    pub asleep: bool,
    /// Whether the kernel's OOM killer is there for it.
    pub is_for_oom_killer: bool,
    /// Waits until it is cured.
    pub cured: fn(&Machine, Duration) -> Result<()>,
    /// What is still to be shown afterwards, and to be tidied up.
    pub after: fn(Repaired<'_>, &Method) -> Result<()>,
    /// Ends what is left of it where it was not cured, if the guest lives through that.
    pub end: Option<fn(&Machine) -> Result<()>>,
    /// Messages of the kernel that belong to the fault, not to its cure.
    pub tolerated: &'static [&'static str],
}

/// All of them.
pub fn faults() -> impl Iterator<Item = &'static Fault> {
    FAULTS.iter().chain(signals::ROWS)
}

/// Those that stop a guest from serving anybody.
const FAULTS: &[Fault] = &[
    process_table::FORK_BOMB,
    processors::HOGS,
    many::BUSY,
    many::SLEEPING_10_MS,
    many::SLEEPING_1_S,
    many::SLEEPING_AN_HOUR,
    memory::THRASHING,
    stress::VM,
    stress::FORK,
    deadlock::INTERRUPTS_ON,
    deadlock::INTERRUPTS_OFF,
];

/// The programs need to be told nothing more.
pub fn no_arguments(_: &Machine) -> Result<Vec<String>> {
    Ok(Vec::new())
}

/// Nothing is to be shown or done after the cure.
pub fn nothing(_: Repaired<'_>, _: &Method) -> Result<()> {
    Ok(())
}
