// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is done about a fault.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gpufas_guest::Error;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::tools::{Target, Tools};

use crate::deadlock::shows_who_waits;
use crate::fault::{Fault, LIMIT, Lock};
use crate::scene::{Repaired, Shape};

/// How the scheduler's own programs wake tasks.
const RUN_QUEUE: &str = "run-queue";

/// How long a fault is watched that a program cannot cure.
const VAIN_LIMIT: Duration = Duration::from_secs(2);

/// How long a user waits for what there is without us.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// A bundled program sends signals, and puts those who get one on run queues, with the kernel's own scheduler.
    RunQueue,
    /// A bundled program shows who waits for a lock, and releases it.
    Unlock,
    /// A bundled program asks the in-kernel support.
    Supported,
    /// A bundled program leaves a request for the in-kernel support, and an NMI lets it be served.
    Nmi,
    /// A new process in the guest sends the signal.
    Inside,
    /// A module in the guest sends it by the kernel's own sender.
    Module,
    /// The kernel does something by itself, or nothing.
    Nothing,
    /// earlyoom does.
    EarlyOom,
}

/// All of them. Another is one more line.
pub const METHODS: &[Method] = &[
    Method {
        name: "signal only",
        often: false,
        act: Act::Program { options: &["--interrupts", "never"], wakes: false },
    },
    Method { name: "signal, wake queue", often: true, act: Act::Program { options: &[], wakes: true } },
    Method { name: "signal, run queue", often: false, act: Act::RunQueue },
    Method { name: "unlock", often: true, act: Act::Unlock },
    Method { name: "in-kernel support", often: false, act: Act::Supported },
    Method { name: "in-kernel support, NMI", often: true, act: Act::Nmi },
    Method { name: "kill in the guest", often: false, act: Act::Inside },
    Method { name: "send_sig() by a module", often: false, act: Act::Module },
    Method { name: "the kernel's OOM killer", often: false, act: Act::Nothing },
    Method { name: "earlyoom in the guest", often: false, act: Act::EarlyOom },
];

impl Method {
    /// Whether there is something to try.
    pub fn is_for(&self, fault: &Fault) -> bool {
        match self.act {
            // No signal ends what spins in the kernel.
            Act::Program { .. } | Act::Inside | Act::Module => fault.lock.is_none(),
            Act::Unlock => fault.lock.is_some(),
            // Nobody who is awake needs it.
            Act::RunQueue => fault.is_made_of_sleepers,
            // Who has interrupts off serves nobody but an NMI.
            Act::Supported => fault.supported.is_some() && fault.lock != Some(Lock::InterruptsOff),
            Act::Nmi => fault.lock == Some(Lock::InterruptsOff),
            Act::Nothing => fault.is_for_oom_killer,
            Act::EarlyOom => fault.is_for_oom_killer && fault.shape == Shape::Memory,
        }
    }

    /// Whether it must cure the fault. What a user has without us need not, nor can a signal be taken by who does not wake up.
    pub fn cures(&self, fault: &Fault) -> bool {
        match self.act {
            Act::Program { wakes, .. } => wakes || !fault.asleep,
            Act::RunQueue | Act::Unlock | Act::Supported | Act::Nmi => true,
            Act::Inside | Act::Module | Act::Nothing | Act::EarlyOom => false,
        }
    }

    /// What it says if it cannot be used on the fault, and does nothing.
    pub fn refusal(&self, fault: &Fault) -> Option<&'static str> {
        // CONT is an order to wake, so that without that there is nothing to leave pending (prepare_signal() in kernel/signal.c).
        let wakes_nobody = matches!(self.act, Act::Program { wakes: false, .. });
        (wakes_nobody && fault.signal == libc::SIGCONT)
            .then_some("stopped threads cannot be woken from outside here")
    }

    /// Whether it is known that it cures the fault never, so that to see it once is enough.
    pub fn is_in_vain(&self, fault: &Fault) -> bool {
        matches!(self.act, Act::Program { .. }) && !self.cures(fault)
    }

    /// The guest in which it is tried on a fault.
    pub fn shape(&self, fault: &Fault) -> Shape {
        match self.act {
            // The support looks for requests every millisecond, on each processor, which is not to weigh on what needs it not.
            Act::Supported if fault.shape == Shape::Many => Shape::Supported,
            Act::Supported if fault.shape == Shape::Processes => Shape::Signals,
            Act::EarlyOom => Shape::EarlyOom,
            _ => fault.shape,
        }
    }

    /// Whether it wakes tasks that sleep.
    pub fn wakes(&self) -> bool {
        matches!(self.act, Act::Program { wakes: true, .. })
    }

    /// Whether the in-kernel support does it.
    pub fn is_supported(&self) -> bool {
        matches!(self.act, Act::Supported)
    }

    /// Whether a program does it, which runs on the host's processor or on a GPU.
    pub fn is_program(&self) -> bool {
        !matches!(self.act, Act::Inside | Act::Module | Act::Nothing | Act::EarlyOom)
    }

    /// Whether its program is compiled together with the kernel's scheduler.
    pub fn compiles_scheduler(&self) -> bool {
        matches!(self.act, Act::RunQueue)
    }

    /// Whether it notices the fault by itself.
    pub fn acts_by_itself(&self) -> bool {
        matches!(self.act, Act::Nothing | Act::EarlyOom)
    }

    /// How long to wait for the cure.
    pub fn limit(&self, fault: &Fault) -> Duration {
        match self.act {
            Act::Program { .. } if !self.cures(fault) => VAIN_LIMIT,
            Act::Inside | Act::Module | Act::Nothing | Act::EarlyOom => PATIENCE,
            _ => LIMIT,
        }
    }

    /// Compiles its programs.
    ///
    /// # Errors
    ///
    /// If they do not compile.
    pub fn prepare(&self, tools: &Tools, fault: &Fault, target: Target) -> Result<()> {
        match self.act {
            Act::Program { .. } | Act::Unlock => tools.compile(fault.program.0, target).map(drop),
            Act::Supported | Act::Nmi => {
                fault.supported.map_or(Ok(()), |program| tools.compile(program.0, target).map(drop))
            }
            Act::RunQueue => tools.compile_scheduled(fault.program.0, target, RUN_QUEUE, &[]).map(drop),
            Act::Inside | Act::Module | Act::Nothing | Act::EarlyOom => Ok(()),
        }
    }

    /// Does it. `arguments` are the fault's own.
    ///
    /// # Errors
    ///
    /// If it could not even be tried, or says that it failed.
    pub fn act(&self, repaired: Repaired<'_>, fault: &Fault, arguments: &[String]) -> Result<()> {
        let (machine, target) = repaired;
        let all = |own: &[&'static str]| -> Vec<&str> {
            own.iter().copied().chain(arguments.iter().map(String::as_str)).collect()
        };
        let with_arguments = |(source, entry, own): Program<'static>, options: &[&str]| {
            run_program(repaired, (source, entry, &all(own)), options)
        };
        let supported = || {
            let program = fault.supported.context("no program for the in-kernel support")?;
            with_arguments(program, &["--pause", "never"])
        };
        match self.act {
            Act::Program { options, .. } => {
                with_arguments(fault.program, options)?;
            }
            Act::Unlock => shows_who_waits(machine, &with_arguments(fault.program, &[])?)?,
            Act::RunQueue => {
                let (source, entry, own) = fault.program;
                let program = machine.tools().compile_scheduled(source, target, RUN_QUEUE, &[])?;
                run_compiled(repaired, &program, entry, &[], &all(own))?;
            }
            Act::Supported => {
                supported()?;
            }
            Act::Nmi => {
                supported()?;
                // Through LINT1, which Linux opens on the boot processor alone.
                machine.monitor()?.human("nmi")?;
            }
            Act::Inside => match machine.guest().kill_by_name(fault.victims, fault.signal, PATIENCE) {
                // It may still come to it.
                Err(Error::NoAnswer { .. }) => {}
                other => other?,
            },
            Act::Module => {
                let order = format!("{} {}", fault.victims, fault.signal);
                machine.guest().write_file("/sys/module/send_signal/parameters/send", &order)?;
            }
            Act::Nothing | Act::EarlyOom => {}
        }
        Ok(())
    }
}

/// A program: its source, its entry point, its arguments.
pub type Program<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Runs a bundled program on the guest, and returns what it printed.
///
/// # Errors
///
/// If it cannot be compiled, does not end, or says that it failed.
pub fn run_program(repaired: Repaired<'_>, program: Program<'_>, options: &[&str]) -> Result<String> {
    let (source, entry, arguments) = program;
    let (machine, target) = repaired;
    let compiled = machine.tools().compile(source, target)?;
    run_compiled(repaired, &compiled, entry, options, arguments)
}

fn run_compiled(
    (machine, target): Repaired<'_>,
    program: &Path,
    entry: &str,
    options: &[&str],
    arguments: &[&str],
) -> Result<String> {
    let ran = Ran::of(
        machine
            .with_source(|guest| run(machine.tools(), (program, target), entry, guest, options, arguments)),
    )?;
    let start: String = ran.output.chars().take(2000).collect();
    ensure!(ran.status.success(), "{entry} failed ({}):\n{start}\n{}", ran.status, ran.errors);
    Ok(ran.output)
}
