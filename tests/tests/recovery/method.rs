// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is done about a fault.

use std::time::Duration;

use anyhow::{Result, ensure};
use gpufas_guest::Error;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::machine::Machine;
use gpufas_tests::tools::Target;

use crate::fault::{Fault, LIMIT};

/// How long a fault is watched that a method is not expected to cure.
const VAIN_LIMIT: Duration = Duration::from_secs(5);

/// A way to cure faults.
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// Whether every run of the tests has it.
    pub often: bool,
    act: Act,
}

enum Act {
    /// A bundled program, run with these options; it wakes tasks that sleep, or not.
    Program { options: &'static [&'static str], wakes: bool },
    /// A new process in the guest sends the signal.
    Inside,
    /// The kernel does something by itself, or nothing.
    Nothing,
}

/// All of them. Another is one more line.
pub const METHODS: &[Method] = &[
    Method {
        name: "signal only",
        often: false,
        act: Act::Program { options: &["--interrupts", "never"], wakes: false },
    },
    Method { name: "signal, wake queue", often: true, act: Act::Program { options: &[], wakes: true } },
    Method { name: "kill in the guest", often: false, act: Act::Inside },
    Method { name: "the kernel's OOM killer", often: false, act: Act::Nothing },
];

impl Method {
    /// Whether there is something to try.
    pub fn is_for(&self, fault: &Fault) -> bool {
        match self.act {
            Act::Program { .. } | Act::Inside => true,
            Act::Nothing => fault.is_for_oom_killer,
        }
    }

    /// Whether it must cure the fault. What a user has without us need not, nor can a signal be taken by who does not wake up.
    pub fn cures(&self, fault: &Fault) -> bool {
        matches!(self.act, Act::Program { wakes, .. } if wakes || !fault.asleep)
    }

    /// Whether it wakes tasks that sleep.
    pub fn wakes(&self) -> bool {
        matches!(self.act, Act::Program { wakes: true, .. })
    }

    /// How long to wait for the cure.
    pub fn limit(&self, fault: &Fault) -> Duration {
        if self.cures(fault) { LIMIT } else { VAIN_LIMIT }
    }

    /// Whether the program must be compiled.
    pub fn is_program(&self) -> bool {
        matches!(self.act, Act::Program { .. })
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// If it could not even be tried, or says that it failed.
    pub fn act(&self, machine: &Machine, fault: &Fault) -> Result<()> {
        match self.act {
            Act::Program { options, .. } => {
                let ran = run_program(machine, fault.program, options)?;
                ensure!(ran.status.success(), "the program failed:\n{}{}", ran.output, ran.errors);
            }
            Act::Inside => match machine.guest().kill_by_name(fault.victims, fault.signal, VAIN_LIMIT) {
                // It may still come to it.
                Err(Error::NoAnswer { .. }) => {}
                other => other?,
            },
            Act::Nothing => {}
        }
        Ok(())
    }
}

/// A program: its source, its entry point, its arguments.
pub type Program<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Runs a bundled program on the guest.
///
/// # Errors
///
/// If it cannot be compiled or does not end.
pub fn run_program(machine: &Machine, program: Program<'_>, options: &[&str]) -> Result<Ran> {
    let (source, entry, arguments) = program;
    let compiled = machine.tools().compile(source, Target::Host)?;
    Ran::of(machine.with_source(|guest| {
        run(machine.tools(), (&compiled, Target::Host), entry, guest, options, arguments)
    }))
}
