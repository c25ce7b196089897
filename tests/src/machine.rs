// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest with processes that must not come to harm, and a second monitor for the tests' own use.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use gpufas::qmp::{Pause, Qmp};
use gpufas_guest::kernels::programs;
use gpufas_guest::{Backing, Disk, Guest, GuestBuilder, Problem};
use tempfile::TempDir;

use crate::command::Source;
use crate::damage::Memory;
use crate::modules::Module;
use crate::suite::Skipped;
use crate::tools::Tools;

/// Longer than anything in a guest takes, also on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The name of the processes that must not come to harm.
pub const SLEEPER: &str = "sleeper";

/// The file in its folder that a guest's console is copied to.
const CONSOLE: &str = "console.log";

/// What a guest is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Processors.
    pub cpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// What its memory is to the host.
    pub backing: Backing,
    /// Page tables of five levels.
    pub five_level_paging: bool,
    /// How much of its memory is below 4 GiB, as QEMU writes sizes, if it is not to be as much as QEMU likes.
    pub memory_below_4g: Option<&'static str>,
    /// Processes that sleep for ever and must not come to harm.
    pub sleepers: u32,
    /// Whether it does not know that it is a virtual machine.
    pub hides_hypervisor: bool,
    /// Kernel modules that it is given, not loaded yet.
    pub modules: &'static [Module],
    /// Whether it has earlyoom, as a file beside its modules.
    pub earlyoom: bool,
    /// Whether it has stress-ng, likewise.
    pub stress_ng: bool,
    /// Its virtio disks.
    pub disks: &'static [Disk],
    /// Words of its kernel's command line.
    pub kernel_arguments: &'static [&'static str],
    /// Ends it as soon as its kernel reports trouble on the console, in a line with none of these texts, unless it is none.
    pub end_on_trouble: Option<&'static [&'static str]>,
}

impl Default for Model {
    fn default() -> Self {
        let backing = Backing::SharedFile;
        Self {
            cpus: 1,
            memory_mib: 256,
            backing,
            five_level_paging: false,
            memory_below_4g: None,
            sleepers: 50,
            hides_hypervisor: false,
            modules: &[],
            earlyoom: false,
            stress_ng: false,
            disks: &[],
            kernel_arguments: &[],
            end_on_trouble: Some(&[]),
        }
    }
}

/// A guest that runs.
pub struct Machine {
    // Dropped first, before the folder of its second monitor.
    guest: Guest,
    tools: Arc<Tools>,
    monitor: PathBuf,
    sleepers: Vec<u32>,
    cpus: u32,
    /// The last kernel message before anything was done to it.
    baseline: Option<u64>,
    memory: OnceLock<Memory>,
    usual_answer: OnceLock<Duration>,
    folder: TempDir,
}

/// How many answers tell how long one takes.
const ANSWERS: usize = 10;

impl Machine {
    /// Boots a guest.
    ///
    /// # Errors
    ///
    /// Those of the guest's library.
    pub fn boot(tools: &Arc<Tools>, model: Model) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let monitor = folder.path().join("monitor");
        let mut builder: GuestBuilder = Guest::builder(tools.kernel()?);
        builder = builder.console_file(folder.path().join(CONSOLE));
        builder = builder.cpus(model.cpus).memory_mib(model.memory_mib).backing(model.backing);
        builder = builder.five_level_paging(model.five_level_paging);
        builder = builder.qemu_argument("-qmp");
        builder = builder.qemu_argument(format!("unix:{},server=on,wait=off", monitor.display()));
        if let Some(size) = model.memory_below_4g {
            builder = builder.qemu_argument("-machine").qemu_argument(format!("max-ram-below-4g={size}"));
        }
        if model.hides_hypervisor {
            builder = builder.qemu_argument("-cpu").qemu_argument("max,la57=off,hypervisor=off");
        }
        for module in model.modules {
            builder = builder.module(module.build(tools)?);
        }
        if model.earlyoom {
            for file in programs::earlyoom(&|_| {})? {
                builder = builder.module(file);
            }
        }
        if model.stress_ng {
            for file in programs::stress_ng(&|_| {})? {
                builder = builder.module(file);
            }
        }
        for disk in model.disks {
            builder = builder.disk(*disk);
        }
        for argument in model.kernel_arguments {
            builder = builder.kernel_argument(*argument);
        }
        if let Some(tolerated) = model.end_on_trouble {
            builder = builder.end_on_trouble(tolerated);
        }
        let guest = builder.boot()?;
        // Without it, nothing would be said about finding a kernel that may be anywhere.
        let command_line = &guest.ready().command_line;
        ensure!(!command_line.contains("nokaslr"), "the kernel is not moved: {command_line}");
        let sleepers = guest.spawn_sleepers(model.sleepers, SLEEPER)?;
        let baseline = guest.kernel_log(None)?.last();
        let tools = Arc::clone(tools);
        let (memory, usual_answer) = (OnceLock::new(), OnceLock::new());
        let cpus = model.cpus;
        Ok(Self { guest, tools, monitor, sleepers, cpus, baseline, memory, usual_answer, folder })
    }

    /// The guest.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// How many processors it has.
    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// The tools that it was booted with.
    pub fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that the guest has written to its console.
    pub fn console(&self) -> PathBuf {
        self.folder.path().join(CONSOLE)
    }

    /// How long an answer of the guest takes, at most, while it fares well: the slowest of some, when this was first asked.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub fn usual_answer(&self) -> Result<Duration> {
        if let Some(usual) = self.usual_answer.get() {
            return Ok(*usual);
        }
        let mut slowest = Duration::ZERO;
        for _ in 0..ANSWERS {
            slowest = slowest.max(self.guest.answer_time(LIMIT)?);
        }
        Ok(*self.usual_answer.get_or_init(|| slowest))
    }

    /// The processes that must not come to harm, in the order in which they were started.
    pub fn sleepers(&self) -> &[u32] {
        &self.sleepers
    }

    /// The monitor that `gpufas` is given.
    pub fn socket(&self) -> PathBuf {
        self.guest.qmp_socket()
    }

    /// Calls `action` with the guest as `gpufas` is told of it.
    pub fn with_source<T>(&self, action: impl FnOnce(Source) -> T) -> T {
        action(Source::Qmp(&self.socket()))
    }

    /// Where the second monitor is, for one client at a time.
    pub fn monitor_socket(&self) -> &Path {
        &self.monitor
    }

    /// The second monitor, for the tests' own use.
    ///
    /// # Errors
    ///
    /// Those of [`Qmp::connect`].
    pub fn monitor(&self) -> Result<Qmp> {
        Qmp::connect(&self.monitor).context("the tests' own monitor")
    }

    /// Whether the guest's processors run.
    ///
    /// # Errors
    ///
    /// Those of the monitor.
    pub fn runs(&self) -> Result<bool> {
        Ok(self.monitor()?.run_state()?.running)
    }

    /// Calls `action` while the guest is paused.
    ///
    /// # Errors
    ///
    /// Those of `action` and of the monitor.
    pub fn while_paused<T>(&self, action: impl FnOnce(&mut Qmp) -> Result<T>) -> Result<T> {
        let mut qmp = self.monitor()?;
        let mut pause = Pause::new(&mut qmp)?;
        let result = action(pause.qmp());
        pause.resume()?;
        result
    }

    /// Calls `action` while the guest is paused, and checks that no byte of its memory changes meanwhile.
    ///
    /// # Errors
    ///
    /// Those of `action` and of the monitor; if something has changed.
    pub fn while_unchanged<T>(&self, action: impl FnOnce() -> Result<T>) -> Result<T> {
        let file = self.guest.memory_file().context("a guest whose memory is no file")?;
        self.while_paused(|_| {
            let before = fs::read(&file)?;
            let result = action()?;
            ensure!(fs::read(&file)? == before, "the guest's memory was changed");
            Ok(result)
        })
    }

    /// Its memory and its kernel.
    ///
    /// # Errors
    ///
    /// If it cannot be attached to.
    pub fn memory(&self) -> Result<&Memory> {
        if self.memory.get().is_none() {
            let memory = Memory::of(&mut self.monitor()?)?;
            // Only one thread has this guest.
            let _ = self.memory.set(memory);
        }
        self.memory.get().context("no memory")
    }

    /// Keeps what the guest has written to its console, and lets the error of the case of this name say where.
    pub fn keep_console(&self, name: &str, error: Error) -> Error {
        if error.is::<Skipped>() {
            return error;
        }
        let letters = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let folder = self.tools.consoles();
        let file = folder.join(letters + ".log");
        match fs::create_dir_all(folder).and_then(|()| fs::copy(self.console(), &file)) {
            Ok(_) => error.context(format!("the guest's console is kept in {}", file.display())),
            Err(_) => error,
        }
    }

    /// Checks that the guest runs, that its other processes live and are not stopped, and that its kernel has nothing to complain of.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_unharmed(&self) -> Result<()> {
        self.check_unharmed_but(|_| false)
    }

    /// The same, where the kernel may complain of what is tolerated.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn check_unharmed_but(&self, tolerated: impl Fn(&Problem) -> bool) -> Result<()> {
        ensure!(self.runs()?, "the guest was left paused");
        let alive = self.guest.alive(&self.sleepers)?;
        ensure!(alive.alive == self.sleepers, "these should live: {:?}", alive.gone);
        let states = self.guest.states(SLEEPER)?;
        ensure!(!states.contains(['T', 't']), "some that should sleep are stopped: {states}");
        let mut problems = self.guest.kernel_log(self.baseline)?.problems();
        problems.retain(|problem| !tolerated(problem));
        ensure!(problems.is_empty(), "the guest's kernel complains: {problems:#?}");
        Ok(())
    }
}
