// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas run`: from a program's file and a guest to what came of it.

use crate::arguments::{self, Value};
use crate::attempt::{Attempt, Plan};
use crate::cpu::{BOOT_CPU, Cpu};
use crate::error::{Error, Result};
use crate::launch::cuda::{Gpu, Prepared};
use crate::launch::{self, End, Launch, Outcome, StopReason, Store};
use crate::memory::{self, Backing, GuestMemory};
use crate::message_interrupt::Interrupt;
use crate::program::Program;
use crate::qmp::Qmp;
use crate::seen::Seen;
use crate::{check, interrupt};
use gpufas_abi::FaultKind;
use gpufas_abi::manifest::{Entry, Target, Variant};
use gpufas_kernel::{Kernel, PhysicalMemory, SymbolCache, cache};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// For how long a program is run again that found a lock held. A task that a scheduler dequeues later than it fell asleep (6.12 and later) is
/// in the middle of that until its turn comes, behind hundreds of others where these are what is wrong.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is tried at least, however long that takes.
const LEAST_TRIES: u32 = 3;

/// Time that the guest runs before the second try: longer than a scheduler tick at 250 Hz, so that whoever
/// holds the lock gets a CPU. It is half as long again each time, since each try is a pause.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// What it grows to.
const BETWEEN_TRIES_MOST: Duration = Duration::from_millis(250);

/// `EAGAIN` of include/uapi/asm-generic/errno-base.h.
const EAGAIN: i64 = 11;

/// A guest.
#[derive(Clone, Debug)]
pub enum Guest {
    /// A running one: the path of its monitor's socket.
    Qmp(PathBuf),
    /// A memory dump.
    Dump {
        /// Its file.
        file: PathBuf,
        /// Where a raw file is to be split; see [`memory::dump`].
        split: Option<u64>,
    },
}

/// What a program is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// What it was compiled for.
    Auto,
    /// The GPU of this number.
    Cuda(u32),
    /// This machine's processor.
    Host,
}

/// Whether the guest is paused while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausePolicy {
    /// If the program writes, or looks at locks.
    Auto,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

/// What to run, where and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program's file.
    pub program: PathBuf,
    /// The entry point; may be left out if there is only one.
    pub entry: Option<String>,
    /// Its arguments as the user gave them.
    pub arguments: Vec<OsString>,
    /// The guest.
    pub guest: Guest,
    /// The device.
    pub device: Device,
    /// Whether to pause the guest.
    pub pause: PausePolicy,
    /// Whether the interrupts that the program asks for are sent to the guest's CPUs.
    pub interrupts: bool,
    /// Number of the guest's CPU as which the program runs; the boot CPU if it is not given.
    pub cpu: Option<u32>,
    /// Backward branches that the program may take.
    pub budget: u64,
    /// Time that each try may take.
    pub timeout: Duration,
}

/// What came of a run.
#[derive(Debug)]
pub struct Summary {
    /// The program.
    pub program: Program,
    /// The number of the variant that fits the guest's kernel.
    pub variant: usize,
    /// The entry point.
    pub entry: Entry,
    /// Its arguments.
    pub arguments: Vec<Value>,
    /// What it ran on, as in `host` or `cuda:0 (NVIDIA H200)`.
    pub device: String,
    /// The guest's kernel.
    pub kernel: Identity,
    /// The guest's memory, in words.
    pub memory: String,
    /// Number of the guest's CPU as which it ran, if that makes a difference to it.
    pub cpu: Option<u32>,
    /// Whether the guest was paused for it, or had been before.
    pub paused: bool,
    /// How often it was run: more than once if it found a lock held.
    pub tries: u32,
    /// What came of the last try.
    pub last: Outcome,
    /// The symbol of the kernel's image at the address of the fault that ended it, and the offset from there in bytes.
    pub fault_symbol: Option<(String, u64)>,
    /// The stores of all tries, in order.
    pub stores: Vec<NamedStore>,
    /// The interrupts that were sent to the guest's CPUs in all tries, in order.
    pub interrupts: Vec<Interrupt>,
    /// Why none could be sent, if the program may ask for them.
    pub no_interrupts: Option<Error>,
    /// What went wrong with the guest after the program had ended.
    pub guest_error: Option<Error>,
}

/// Which kernel runs in a guest.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `uname -r`.
    pub release: String,
    /// `uname -v`.
    pub version: String,
    /// GNU build id in hexadecimal, if it has one.
    pub build_id: Option<String>,
}

/// A store with what is known of its address.
#[derive(Clone, Debug)]
pub struct NamedStore {
    /// The store.
    pub store: Store,
    /// The symbol of the kernel's image that its address belongs to, and the offset from there in bytes.
    pub symbol: Option<(String, u64)>,
}

/// A guest's memory, with the connection to the guest if it runs.
pub struct Attached {
    /// The connection.
    pub qmp: Option<Qmp>,
    /// The memory.
    pub memory: GuestMemory,
}

/// Attaches to a guest, which is not changed by that.
///
/// # Errors
/// What [`Qmp::connect`], [`memory::attach`] and [`memory::dump::open`] meet.
pub fn attach(guest: &Guest) -> Result<Attached> {
    match guest {
        Guest::Qmp(socket) => {
            let mut qmp = Qmp::connect(socket)?;
            let memory = memory::attach(&mut qmp)?;
            Ok(Attached { qmp: Some(qmp), memory })
        }
        Guest::Dump { file, split } => Ok(Attached { qmp: None, memory: memory::dump::open(file, *split)? }),
    }
}

/// Finds the kernel in a guest's memory. Of one that was found before the symbols are taken from the user's cache.
///
/// # Errors
/// [`Error::Kernel`]; [`Error::KernelInRawDump`] with a hint, if it is a raw dump that may have to be split; those of asking a
/// running guest for its page tables.
pub fn find_kernel(guest: &Guest, attached: &mut Attached) -> Result<Kernel> {
    /// Memory up to this size is below the hole in every machine of QEMU's.
    const NEVER_SPLIT: u64 = 2 << 30;
    let Attached { qmp, memory } = attached;
    let page_tables = match qmp.as_mut().map(Qmp::page_tables) {
        None | Some(Err(Error::QmpRefused { .. })) => Vec::new(),
        Some(page_tables) => page_tables?,
    };
    let known = cache::folder().map(|cache| SymbolCache::new(cache.join("symbols")));
    if let Some(known) = &known
        && let Some(kernel) = Kernel::find_known(memory, &page_tables, known)
    {
        return Ok(kernel);
    }
    let kernel = Kernel::find(memory).map_err(|source| match (guest, memory.ranges()) {
        (Guest::Dump { split: None, .. }, [range]) if range.start == 0 && range.end > NEVER_SPLIT => {
            Error::KernelInRawDump { source }
        }
        _ => source.into(),
    })?;
    if let Some(known) = known.filter(|_| !page_tables.is_empty()) {
        // Where it cannot be kept, the next program takes as long as this one.
        let _ = known.store(&kernel, memory);
    }
    Ok(kernel)
}

/// Runs a program on a guest. All that can be checked is checked before the guest is paused or anything is
/// written.
///
/// A program that returns `-EAGAIN` has found a lock held by the guest. If the guest was paused for it,
/// the guest then runs for 10 ms and more, and the program is run again, for three seconds.
///
/// # Errors
/// If the program was not run at all, or nothing is known of how it ended. What goes wrong in the program
/// is part of the summary.
pub fn run(options: &Options, log: launch::LogSink<'_>) -> Result<Summary> {
    let program = Program::read(&options.program)?;
    let entry = arguments::select(&program, options.entry.as_deref())?.clone();
    let arguments = arguments::assign(&program, &entry, &options.arguments)?;
    let runner = Runner::new(&program, options.device)?;
    let mut attached = attach(&options.guest)?;
    // What holds for all variants is said before the kernel is looked for, which takes a moment.
    if program.manifest().variants.iter().all(|variant| variant.writes) {
        attached.memory.check_writable()?;
    }
    runner.check_memory(&attached.memory)?;
    let kernel = find_kernel(&options.guest, &mut attached)?;
    let Attached { mut qmp, memory } = attached;
    let fitting = check::select(&program, &kernel, &memory)?;
    let check::Fitting { number, relocations, is_compiled_for } = fitting;
    let variant = &program.manifest().variants[number];
    let writes = variant.writes;
    if writes {
        memory.check_writable()?;
    }
    if is_compiled_for {
        check::layout(variant, &kernel, &memory)?;
    }
    let symbols = check::symbols(variant, &kernel)?;
    let is_of_cpu = variant.this_cpu;
    // A number that is given is checked in any case.
    let cpu = match options.cpu.or(is_of_cpu.then_some(BOOT_CPU)) {
        Some(number) => Cpu::find(&kernel, &memory, number)?,
        None => Cpu::default(),
    };
    let seen = Seen::of(&kernel, &memory)?;
    let mut ready = runner.prepare(&program, number, &memory)?;

    let pauses = match options.pause {
        PausePolicy::Auto => writes || variant.checks_locks,
        PausePolicy::Always => true,
        PausePolicy::Never => false,
    };
    let launch = Launch {
        code: program.code(number),
        variant,
        entry: &entry,
        arguments: &arguments,
        memory: &memory,
        layout: kernel.layout(),
        symbols: &symbols,
        cpu,
        tries: 0,
        interrupts: false,
        relocations: &relocations,
        budget: options.budget,
        timeout: options.timeout,
    };
    let interrupts = options.interrupts && variant.interrupts;
    let all_or_nothing = variant.all_or_nothing;
    let plan = Plan { kernel: &kernel, memory: &memory, pauses, interrupts, all_or_nothing };
    let began = Instant::now();
    let mut between_tries = BETWEEN_TRIES;
    let mut tries = 0;
    let mut stores = Vec::new();
    let mut interrupts = Vec::new();
    let attempt = loop {
        let launch = Launch { tries, ..launch };
        tries += 1;
        if let Some(signal) = interrupt::pending() {
            return Err(Error::Interrupted { signal });
        }
        // It takes a moment from finding the kernel to here, enough for the guest to be restarted.
        let check = || seen.check(&kernel, &memory, writes);
        let mut attempt = plan
            .attempt(qmp.as_mut(), check, |sends| ready.run(&Launch { interrupts: sends, ..launch }, log))?;
        stores.extend(attempt.outcome.stores.iter().map(|store| {
            let symbol = kernel.symbols().name_at(store.entry.address);
            NamedStore { store: *store, symbol: symbol.map(|(name, offset)| (name.to_owned(), offset)) }
        }));
        interrupts.append(&mut attempt.interrupts);
        let held = found_lock_held(&attempt.outcome);
        let is_over = tries >= LEAST_TRIES && began.elapsed() > PATIENCE;
        if !held || !attempt.ours || is_over || attempt.guest_error.is_some() {
            break attempt;
        }
        std::thread::sleep(between_tries);
        between_tries = BETWEEN_TRIES_MOST.min(between_tries + between_tries / 2);
    };
    let Attempt { outcome: last, paused, guest_error, no_interrupts, .. } = attempt;
    let fault_symbol = match last.end {
        End::Fault(record) => kernel.symbols().name_at(record.address),
        _ => None,
    };
    let fault_symbol = fault_symbol.map(|(name, offset)| (name.to_owned(), offset));
    let device = ready.describe();
    let memory = memory.name().to_owned();
    let kernel = Identity {
        release: kernel.release().into(),
        version: kernel.version().into(),
        build_id: kernel.build_id().map(Into::into),
    };
    Ok(Summary {
        entry,
        arguments,
        device,
        kernel,
        memory,
        cpu: is_of_cpu.then_some(cpu.number),
        paused,
        tries,
        fault_symbol,
        last,
        stores,
        interrupts,
        no_interrupts,
        guest_error,
        program,
        variant: number,
    })
}

/// Whether a program has found a lock held, and may be run again: it says so itself, or was ended at a lock and nothing that it
/// wrote is in the guest.
fn found_lock_held(outcome: &Outcome) -> bool {
    match &outcome.end {
        End::Finished(result) => *result == -EAGAIN,
        End::Fault(record) => {
            let wrote = outcome.stores_kept && (!outcome.stores.is_empty() || outcome.stores_lost > 0);
            record.kind == FaultKind::LockHeld as u32 && !wrote
        }
        _ => false,
    }
}

/// What a program is to be run by.
enum Runner {
    Host,
    Cuda(Gpu),
}

/// The same with the guest's memory.
enum Ready {
    Host,
    Cuda(Prepared),
}

impl Runner {
    /// The runner for a program, of which it is known then that it can run here.
    fn new(program: &Program, device: Device) -> Result<Self> {
        let file = program.path().display();
        let mismatch = |made: &str, wanted: &str, target: &str| {
            let message = format!(
                "{file} is made for {made} and cannot run on {wanted}; recompile with gpufas-cc --target {target}, or \
                 leave out --device"
            );
            Err(Error::Device { message })
        };
        match (program.manifest().target, device) {
            (Target::Host, Device::Cuda(_)) => mismatch("the host", "a GPU", "cuda"),
            (Target::Cuda, Device::Host) => mismatch("GPUs", "the host", "host"),
            (Target::Host, Device::Auto | Device::Host) => Ok(Self::Host),
            (Target::Cuda, Device::Auto) => Gpu::open(0).map(Self::Cuda),
            (Target::Cuda, Device::Cuda(number)) => Gpu::open(number).map(Self::Cuda),
        }
    }

    fn check_memory(&self, memory: &GuestMemory) -> Result<()> {
        match self {
            Self::Cuda(_) if memory.backing() == Backing::Private => Err(Error::PrivateMemory),
            _ => Ok(()),
        }
    }

    fn prepare(self, program: &Program, variant: usize, memory: &GuestMemory) -> Result<Ready> {
        match self {
            Self::Host => Ok(Ready::Host),
            Self::Cuda(gpu) => {
                let architectures = &program.manifest().architectures;
                gpu.prepare(program.code(variant), architectures, memory).map(Ready::Cuda)
            }
        }
    }
}

impl Ready {
    fn run(&mut self, launch: &Launch<'_>, log: launch::LogSink<'_>) -> Result<Outcome> {
        match self {
            Self::Host => launch::host::run(launch, log),
            Self::Cuda(prepared) => prepared.run(launch, log),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Host => "host".into(),
            Self::Cuda(prepared) => prepared.describe(),
        }
    }
}

impl Summary {
    /// The variant of the program that was run.
    pub fn variant(&self) -> &Variant {
        &self.program.manifest().variants[self.variant]
    }

    /// The exit status of `gpufas run`: 0 if the entry point returned at least 0, 1 if it returned an error,
    /// 3 if the program did not end regularly, 2 if the guest went away.
    pub fn exit_status(&self) -> u8 {
        match self.last.end {
            _ if self.guest_error.is_some() => 2,
            // What it returned with a lock held, or the guest standing still, is not worth more than a fault.
            End::Finished(_) if self.last.left.is_some() => 3,
            End::Finished(result) if result >= 0 => 0,
            End::Finished(_) => 1,
            _ => 3,
        }
    }

    /// Why the program was asked to end, in words.
    pub fn stop_reason(&self) -> Option<String> {
        self.last.stop_reason.map(|reason| match reason {
            StopReason::Timeout => "its time was over (--timeout)".into(),
            StopReason::Signal(name) => format!("gpufas got {name}"),
        })
    }
}
