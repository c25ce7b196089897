// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest in which faults are made and cured, as long as it lives through them.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::Disk;
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::machine::{Machine, Model};
use gpufas_tests::modules::{DEADLOCK, Module, SEND_SIGNAL, SUPPORT};
use gpufas_tests::releases::is_matrix;
use gpufas_tests::tools::{Target, Tools};

use crate::fault::{Fault, LIMIT, faults};
use crate::method::Method;

/// The memory of a guest in which a process makes it short, in MiB: little, since to fill it and the swap space takes an
/// emulated processor most of a run.
pub const MEMORY_MIB: u32 = 160;

/// The same where stress-ng does, which needs some for itself.
pub const STRESS_MEMORY_MIB: u32 = 192;

/// What a guest is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// For hogs: several processors.
    Processes,
    /// For a table that is full, and a thousand processes: memory for them, and one processor. Several, emulated, wait for one
    /// another's locks more than they do.
    Many,
    /// The same with the in-kernel support.
    Supported,
    /// For faults that are made of locks: several processors that queue for one, the module that makes them, and the in-kernel
    /// support.
    Locks,
    /// For a process that gets a signal: the modules of all methods.
    Signals,
    /// For faults that are made of memory: little of it, and swap space.
    Memory,
    /// The same, where earlyoom runs.
    EarlyOom,
    /// For what stress-ng does, with swap space.
    Stress,
}

/// All of them.
pub const SHAPES: &[Shape] = &[
    Shape::Processes,
    Shape::Many,
    Shape::Supported,
    Shape::Locks,
    Shape::Signals,
    Shape::Memory,
    Shape::EarlyOom,
    Shape::Stress,
];

/// The loader, for programs that have no place in the guest's file system but this.
const LOADER: (&str, &[&str]) = ("/modules/ld-linux-x86-64.so.2", &["--library-path", "/modules"]);

/// Starts a program that a guest was given, with its libraries.
///
/// # Errors
///
/// If it cannot be started.
pub fn start(machine: &Machine, program: &str, arguments: &[&str]) -> Result<()> {
    let (loader, options) = LOADER;
    let program = format!("/modules/{program}");
    machine.guest().run(loader, &[options, &[program.as_str()], arguments].concat())?;
    Ok(())
}

/// How earlyoom is started: it kills when less than a fifth of memory and less than nine tenths of swap space are free, as
/// the bundled program is told to.
const EARLYOOM: &[&str] = &["-r", "0", "-m", "20", "-s", "90"];

impl Shape {
    /// The modules that are loaded from the start.
    fn loads(self) -> &'static [Module] {
        match self {
            Self::Processes | Self::Many => &[SEND_SIGNAL],
            Self::Supported | Self::Locks => &[SUPPORT],
            // Of all methods.
            Self::Signals | Self::Memory | Self::Stress => &[SUPPORT, SEND_SIGNAL],
            Self::EarlyOom => &[],
        }
    }

    fn model(self) -> Model {
        let end_on_trouble = Some(tolerated());
        let cpus = processors();
        match self {
            Self::Signals => Model {
                modules: self.loads(),
                cpus,
                memory_mib: 256,
                sleepers: 20,
                disks: &[Disk::Files],
                end_on_trouble,
                ..Model::default()
            },
            Self::Locks => Model {
                modules: &[SUPPORT, DEADLOCK],
                cpus,
                memory_mib: 256,
                sleepers: 20,
                hides_hypervisor: true,
                disks: &[Disk::Files],
                end_on_trouble,
                ..Model::default()
            },
            Self::Processes | Self::Many | Self::Supported => Model {
                modules: self.loads(),
                cpus: if self == Self::Processes { cpus } else { 1 },
                memory_mib: 512,
                sleepers: 20,
                disks: &[Disk::Files],
                end_on_trouble,
                ..Model::default()
            },
            Self::Memory | Self::EarlyOom | Self::Stress => {
                let (memory_mib, disks): (_, &[Disk]) = match self {
                    Self::Stress => (STRESS_MEMORY_MIB, &[Disk::Files, Disk::Swap(2 * STRESS_MEMORY_MIB)]),
                    _ => (MEMORY_MIB, &[Disk::Files, Disk::Swap(2 * MEMORY_MIB)]),
                };
                Model {
                    modules: self.loads(),
                    earlyoom: self == Self::EarlyOom,
                    stress_ng: self == Self::Stress,
                    cpus: 1,
                    memory_mib,
                    sleepers: 20,
                    disks,
                    end_on_trouble,
                    ..Model::default()
                }
            }
        }
    }
}

/// How many processors a guest has that needs several: two, and up to four in a matrix, but no more than this machine has. Emulated processors that
/// share a real one wait for locks whose holder does not run meanwhile; a fork bomb takes several times as long then.
fn processors() -> u32 {
    let real = thread::available_parallelism().map_or(2, usize::from);
    if is_matrix() { real.clamp(2, 4).try_into().unwrap_or(2) } else { 2 }
}

/// What the kernel may say because of the guest's first process, which starts a thousand others as a real-time process.
const TOLERATED: &[&str] = &["RT throttling activated", "DL replenish lagged"];

/// How the reports begin that a kernel makes when memory is short (mm/page_alloc.c, mm/oom_kill.c).
const MEMORY_REPORTS: &[&str] = &["page allocation failure", "invoked oom-killer"];

/// What the kernel may say of any of the faults. What it says beyond that of the one at hand is found in its log after the cure.
fn tolerated() -> &'static [&'static str] {
    let all = faults().flat_map(|fault| fault.tolerated).chain(TOLERATED).copied().collect::<Vec<_>>();
    Box::leak(all.into_boxed_slice())
}

/// A guest, and where programs run that repair it.
pub type Repaired<'a> = (&'a Machine, Target);

/// A guest that is booted when it is needed, and anew after a failure.
pub struct Scene {
    spec: &'static KernelSpec,
    shape: Shape,
    target: Target,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tools: Option<Arc<Tools>>,
    machine: Option<Machine>,
}

/// A failure before the fault was there: it says nothing about the method.
#[derive(Debug, thiserror::Error)]
#[error("the set-up failed")]
pub struct SetUpFailed;

/// What was done has harmed the guest, whether it was to cure anything or not.
#[derive(Debug, thiserror::Error)]
#[error("the guest has come to harm")]
pub struct Harmed;

impl Scene {
    /// A guest of that kernel, to be repaired from a target. None is booted yet.
    pub fn new(spec: &'static KernelSpec, shape: Shape, target: Target) -> Self {
        Self { spec, shape, target, state: Mutex::default() }
    }

    /// Gets ready what a fault and a method need before anything is broken.
    ///
    /// # Errors
    ///
    /// If the kernel cannot be had, the program not be compiled, or the guest not be booted.
    pub fn prepare(&self, tools: Arc<Tools>, fault: &Fault, method: &Method) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = Arc::clone(state.tools.get_or_insert(tools));
        method.prepare(&tools, fault, self.target)?;
        self.machine(&mut state, &tools).map(drop)
    }

    fn machine<'a>(&self, state: &'a mut State, tools: &Arc<Tools>) -> Result<&'a Machine> {
        if state.machine.is_none() {
            let machine = self.boot(tools)?;
            let guest = machine.guest();
            guest.stay_responsive()?;
            for module in self.shape.loads() {
                guest.load_module(module.name, "")?;
            }
            if self.shape == Shape::EarlyOom {
                start(&machine, "earlyoom", EARLYOOM)?;
            }
            // Starts the process that answers, which is there before anything is wrong.
            guest.answer_time(LIMIT)?;
            guest.check_health(LIMIT)?;
            // What is wrong later is measured against it.
            machine.usual_answer()?;
            state.machine = Some(machine);
        }
        state.machine.as_ref().context("no guest")
    }

    /// Boots a guest, once more if it does not come up: 5.10 was seen to stall on its way, as QEMU emulates it, which
    /// says nothing about what is tried in it.
    fn boot(&self, tools: &Arc<Tools>) -> Result<Machine> {
        let boot = || {
            Machine::boot(tools, self.shape.model()).with_context(|| format!("a guest of {}", self.spec.name))
        };
        boot().or_else(|error| {
            println!("booting once more: {error:#}");
            boot()
        })
    }

    /// Makes a fault, cures it, and checks that the guest fares well. Says how long it took from the method's beginning, or
    /// that of the fault where nobody begins anything, until it was cured.
    ///
    /// # Errors
    ///
    /// [`SetUpFailed`] if the fault could not be made; others if it was not cured, or something is wrong afterwards.
    /// The guest is given up then.
    pub fn run(&self, fault: &Fault, method: &Method) -> Result<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = state.tools.clone().context("nothing was prepared")?;
        let machine = self.machine(&mut state, &tools).context(SetUpFailed)?;
        let result = cure((machine, self.target), fault, method);
        let mut goes_on = result.is_ok();
        let result = result.or_else(|error| {
            if method.is_in_vain(fault) {
                // It was known that it cures nothing, and must have done no harm.
                fault.end.map_or(Ok(()), |end| end(machine)).context(Harmed)?;
                check_health(machine, fault)?;
                goes_on = fault.end.is_some();
            }
            Err(error)
        });
        if goes_on {
            return result;
        }
        let name = format!("{}, {}, {}", self.spec.name, fault.name, method.name);
        let result = result.map_err(|error| machine.keep_console(&name, error));
        state.machine = None;
        result
    }

    /// Checks that the guest fares well, if there is one.
    ///
    /// # Errors
    ///
    /// If something is wrong. The guest is given up then.
    pub fn is_healthy(&self, fault: &Fault) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A guest that was given up has had its failure.
        let result = state.machine.as_ref().map_or(Ok(()), |machine| check_health(machine, fault));
        if result.is_err() {
            state.machine = None;
        }
        result
    }

    /// Makes a fault on which the method cannot be used, and checks that it says so and does nothing. Returns what it says.
    ///
    /// # Errors
    ///
    /// [`SetUpFailed`] if the fault could not be made; others if the method was used, or something is wrong afterwards.
    pub fn is_refused(&self, fault: &Fault, method: &Method, refusal: &str) -> Result<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = state.tools.clone().context("nothing was prepared")?;
        let machine = self.machine(&mut state, &tools).context(SetUpFailed)?;
        let result = see_refusal((machine, self.target), fault, method, refusal);
        if result.is_err() {
            state.machine = None;
        }
        result
    }
}

fn see_refusal(
    (machine, target): Repaired<'_>,
    fault: &Fault,
    method: &Method,
    refusal: &str,
) -> Result<String> {
    (fault.make)(machine).context(SetUpFailed)?;
    let arguments = (fault.arguments)(machine).context(SetUpFailed)?;
    let Err(error) = method.act((machine, target), fault, &arguments) else {
        bail!("it should have refused: {refusal}");
    };
    let said = format!("{error:#}");
    ensure!(said.contains(refusal), "it should have refused, since {refusal}: {said}");
    ensure!((fault.cured)(machine, Duration::ZERO).is_err(), "it has refused, and acted all the same");
    fault.end.map_or(Ok(()), |end| end(machine))?;
    check_health(machine, fault)?;
    Ok(refusal.to_owned())
}

fn cure((machine, target): Repaired<'_>, fault: &Fault, method: &Method) -> Result<Duration> {
    let beginning = Instant::now();
    (fault.make)(machine).context(SetUpFailed)?;
    let arguments = (fault.arguments)(machine).context(SetUpFailed)?;
    let start = if method.acts_by_itself() { beginning } else { Instant::now() };
    method.act((machine, target), fault, &arguments)?;
    (fault.cured)(machine, method.limit(fault).saturating_sub(start.elapsed()))?;
    let time = start.elapsed();
    (fault.after)((machine, target), method)?;
    // Of what is quickly done, the guest's health is looked at when all is done.
    if fault.group.is_none() {
        check_health(machine, fault)?;
    }
    Ok(time)
}

/// Checks that a guest fares well and that its kernel has nothing to complain of, but for what belongs to the fault.
fn check_health(machine: &Machine, fault: &Fault) -> Result<()> {
    machine.guest().check_health(LIMIT).context(Harmed)?;
    let texts = [TOLERATED, fault.tolerated].concat();
    // A report on memory has many lines, which count by their level only. Whatever comes before it is none of it.
    let reported = Cell::new(false);
    let checked = machine.check_unharmed_but(|problem| {
        let says = |text: &str| problem.record.text.contains(text);
        let begins = fault.is_for_oom_killer && MEMORY_REPORTS.iter().any(|text| says(text));
        reported.set(reported.get() || begins);
        texts.iter().any(|text| says(text)) || (reported.get() && problem.is_mere_warning())
    });
    checked.context(Harmed)
}
