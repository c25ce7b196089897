// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest that is up: what can be asked of it.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gpufas_guest_init::{
    Command, MAX_PIDS_PER_REQUEST, Process, ProcessEvent, Ready, Reply, Request, SignalProbe,
};

use crate::accelerator::Accelerator;
use crate::boot::{GuestBuilder, QMP_SOCKET};
use crate::channel::{Channel, GuestEvent, Interruption};
use crate::error::{Error, Result};
use crate::kernel_log::KernelLog;
use crate::kernels::Kernel;
use crate::qemu::{Folder, Qemu};

/// A running guest. It ends when this is dropped, and when the process that started it ends.
pub struct Guest {
    // Fields are dropped in this order: QEMU ends before its folders go.
    qemu: Qemu,
    channel: Channel,
    requests: Mutex<UnixStream>,
    next_id: AtomicU64,
    ready: Ready,
    accelerator: Accelerator,
    answer_limit: Duration,
    folder: Folder,
    memory: Option<Folder>,
}

/// Which of some processes are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// There, and no zombies.
    pub alive: Vec<u32>,
    /// Zombies, or gone.
    pub gone: Vec<u32>,
}

impl Guest {
    /// A guest with that kernel, to be started.
    pub fn builder(kernel: &Kernel) -> GuestBuilder {
        GuestBuilder::new(kernel)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a guest, put together in one place")]
    pub(crate) fn new(
        qemu: Qemu,
        channel: Channel,
        requests: UnixStream,
        ready: Ready,
        accelerator: Accelerator,
        folder: Folder,
        memory: Option<Folder>,
        answer_limit: Duration,
    ) -> Self {
        let requests = Mutex::new(requests);
        let next_id = AtomicU64::new(1);
        Self { qemu, channel, requests, next_id, ready, accelerator, answer_limit, folder, memory }
    }

    /// Where QEMU serves QMP, for one client at a time.
    pub fn qmp_socket(&self) -> PathBuf {
        self.folder.path().join(QMP_SOCKET)
    }

    /// The file that is the guest's memory, where it is one.
    pub fn memory_file(&self) -> Option<PathBuf> {
        self.memory.as_ref().map(|folder| folder.path().join("memory"))
    }

    /// A folder of the guest's that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// QEMU's process id.
    pub fn qemu_pid(&self) -> u32 {
        self.qemu.pid()
    }

    /// How its code is run.
    pub fn accelerator(&self) -> Accelerator {
        self.accelerator
    }

    /// What the guest said of itself when it was up.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The end of its console.
    pub fn console_tail(&self) -> String {
        self.channel.console_tail()
    }

    /// Everything that it told and that happened to it, in order.
    pub fn events(&self) -> Vec<GuestEvent> {
        self.channel.state().events.clone()
    }

    /// Starts processes that sleep for ever.
    ///
    /// # Errors
    ///
    /// Here and below: [`Error::Refused`] where the guest cannot, [`Error::NoAnswer`], [`Error::Panicked`] and
    /// [`Error::Gone`] where there is no guest any more that could answer.
    pub fn spawn_sleepers(&self, count: u32, name: &str) -> Result<Vec<u32>> {
        let command = Command::SpawnSleepers { count, name: name.to_owned() };
        self.spawn(&format!("start {count} sleeping processes"), command)
    }

    /// Starts a process that computes for ever.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_runaway(&self, name: &str) -> Result<u32> {
        self.spawn_one("start a runaway process", Command::SpawnRunaway { name: name.to_owned() })
    }

    /// Starts a process with `mib` MiB of resident memory that sleeps for ever.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_hog(&self, name: &str, mib: u32) -> Result<u32> {
        self.spawn_one("start a memory hog", Command::SpawnHog { name: name.to_owned(), mib, busy: false })
    }

    /// Starts a process with `mib` MiB of resident memory that computes for ever.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_busy_hog(&self, name: &str, mib: u32) -> Result<u32> {
        self.spawn_one("start a memory hog", Command::SpawnHog { name: name.to_owned(), mib, busy: true })
    }

    /// Starts a process that treats one signal in a given way and reports what it notices, as
    /// [`ProcessEvent::Signal`].
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_signal_probe(&self, probe: SignalProbe) -> Result<u32> {
        self.spawn_one("start a signal probe", Command::SpawnSignalProbe(probe))
    }

    /// The processes that the guest itself sees, kernel threads included.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn processes(&self) -> Result<Vec<Process>> {
        let what = "list its processes";
        let mut processes = Vec::new();
        for reply in self.ask(what, Command::ListProcesses)? {
            match reply {
                Reply::Processes(part) => processes.extend(part),
                other => return Err(unexpected(what, &other)),
            }
        }
        Ok(processes)
    }

    /// Which of these processes are there.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn alive(&self, pids: &[u32]) -> Result<Alive> {
        let what = "check which processes live";
        let mut all = Alive::default();
        for part in pids.chunks(MAX_PIDS_PER_REQUEST) {
            match self.ask(what, Command::CheckAlive { pids: part.to_vec() })?.as_slice() {
                [Reply::Alive { alive, gone }] => {
                    all.alive.extend(alive);
                    all.gone.extend(gone);
                }
                other => return Err(unexpected(what, other)),
            }
        }
        Ok(all)
    }

    /// The kernel's messages since boot, or since a message that was seen before.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn kernel_log(&self, after: Option<u64>) -> Result<KernelLog> {
        let what = "give its kernel's messages";
        let mut log = KernelLog::default();
        for reply in self.ask(what, Command::KernelLog { after })? {
            match reply {
                Reply::KernelLog(part) => log.records.extend(part),
                other => return Err(unexpected(what, &other)),
            }
        }
        Ok(log)
    }

    /// Sends a signal from inside.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn kill(&self, pid: u32, signal: i32) -> Result<()> {
        self.order(&format!("send signal {signal} to {pid}"), Command::Kill { pid, signal })
    }

    /// Writes a message into the kernel's log.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn write_kernel_log(&self, level: u8, text: &str) -> Result<()> {
        self.order("write a kernel message", Command::WriteKernelLog { level, text: text.to_owned() })
    }

    /// Presses a magic SysRq key. `c` crashes the kernel, so that the result is [`Error::Panicked`].
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn sysrq(&self, key: char) -> Result<()> {
        self.order(&format!("press SysRq-{key}"), Command::Sysrq { key })
    }

    /// Loads a kernel module that it was [given](crate::GuestBuilder::module), with parameters as `modprobe` takes them.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn load_module(&self, name: &str, parameters: &str) -> Result<()> {
        let command = Command::LoadModule { name: name.to_owned(), parameters: parameters.to_owned() };
        self.order(&format!("load the module {name}"), command)
    }

    /// Unloads a kernel module.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn unload_module(&self, name: &str) -> Result<()> {
        self.order(&format!("unload the module {name}"), Command::UnloadModule { name: name.to_owned() })
    }

    /// What a small file of the guest's holds, as those in `/proc` and `/sys`.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn read_file(&self, path: &str) -> Result<String> {
        let what = format!("read {path}");
        match self.ask(&what, Command::ReadFile { path: path.to_owned() })?.as_slice() {
            [Reply::Text { text }] => Ok(text.clone()),
            other => Err(unexpected(&what, other)),
        }
    }

    /// Writes a text to a file of the guest's, at one go, as a parameter in `/sys` is set.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn write_file(&self, path: &str, text: &str) -> Result<()> {
        let command = Command::WriteFile { path: path.to_owned(), text: text.to_owned() };
        self.order(&format!("write {path}"), command)
    }

    /// Turns the guest off and waits until it is gone.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn power_off(&self) -> Result<()> {
        self.order("turn itself off", Command::PowerOff)?;
        self.wait_until_gone(self.answer_limit)
    }

    /// Waits until the guest is gone: turned off, or ended after a panic.
    ///
    /// # Errors
    ///
    /// [`Error::NoAnswer`].
    pub fn wait_until_gone(&self, limit: Duration) -> Result<()> {
        let gone = self.channel.wait_until_gone(limit);
        gone.map_err(|interruption| self.interrupted(interruption, "waiting for its end", limit))
    }

    /// Ends QEMU at once, as a crash of it would.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn kill_qemu(&self) -> Result<()> {
        self.qemu.kill().map(drop).map_err(Error::file("kill", crate::qemu::QEMU))
    }

    /// Waits until a process has ended, and says how. A process that ended before counts.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn wait_for_end(&self, pid: u32, limit: Duration) -> Result<ProcessEvent> {
        self.wait_for_process(pid, limit, |event| {
            matches!(event, ProcessEvent::Exited { .. } | ProcessEvent::Killed { .. })
        })
    }

    /// Waits until something happens to a process, and says what. What happened before counts.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn wait_for_process(
        &self,
        pid: u32,
        limit: Duration,
        wanted: impl Fn(&ProcessEvent) -> bool,
    ) -> Result<ProcessEvent> {
        self.wait_for_event(&format!("waiting for process {pid}"), limit, |event| match event {
            GuestEvent::Process(event) if event.pid() == pid && wanted(event) => Some(*event),
            _ => None,
        })
    }

    /// Waits for an event. Events that are there already count.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`]; `waiting_for` is what they say.
    pub fn wait_for_event<T>(
        &self,
        waiting_for: &str,
        limit: Duration,
        wanted: impl Fn(&GuestEvent) -> Option<T>,
    ) -> Result<T> {
        let found = self.channel.wait(limit, |state| state.events.iter().find_map(&wanted));
        found.map_err(|interruption| self.interrupted(interruption, waiting_for, limit))
    }

    pub(crate) fn spawn(&self, what: &str, command: Command) -> Result<Vec<u32>> {
        match self.ask(what, command)?.as_slice() {
            [Reply::Spawned { pids }] => Ok(pids.clone()),
            other => Err(unexpected(what, other)),
        }
    }

    pub(crate) fn spawn_one(&self, what: &str, command: Command) -> Result<u32> {
        let pids = self.spawn(what, command)?;
        pids.first().copied().ok_or_else(|| unexpected(what, &pids))
    }

    pub(crate) fn order(&self, what: &str, command: Command) -> Result<()> {
        self.order_within(what, command, self.answer_limit)
    }

    /// The same within another time than answers usually may take.
    pub(crate) fn order_within(&self, what: &str, command: Command, limit: Duration) -> Result<()> {
        match self.ask_within(what, command, limit)?.as_slice() {
            [Reply::Done] => Ok(()),
            other => Err(unexpected(what, other)),
        }
    }

    /// How long it may take to answer.
    pub(crate) fn answer_limit(&self) -> Duration {
        self.answer_limit
    }

    /// Sends a request and waits for all of its answer.
    pub(crate) fn ask(&self, what: &str, command: Command) -> Result<Vec<Reply>> {
        self.ask_within(what, command, self.answer_limit)
    }

    fn ask_within(&self, what: &str, command: Command, limit: Duration) -> Result<Vec<Reply>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&Request { id, command })
            .map_err(|error| Error::Protocol { message: error.to_string() })?;
        line.push(b'\n');
        {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            // A guest that is gone takes nothing; why it is gone shows below.
            let _ = requests.write_all(&line);
        }
        let answer = self.channel.wait(limit, |state| state.take_answer(id));
        let answer = answer.map_err(|interruption| self.interrupted(interruption, what, limit))?;
        for reply in &answer {
            if let Reply::Failed { message } = reply {
                return Err(Error::Refused { command: what.to_owned(), message: message.clone() });
            }
        }
        Ok(answer)
    }

    fn interrupted(&self, interruption: Interruption, waiting_for: &str, waited: Duration) -> Error {
        let waiting_for = waiting_for.to_owned();
        let console = self.console_tail();
        match interruption {
            Interruption::Panicked(message) => Error::Panicked { message, console },
            Interruption::Trouble(message) => Error::Trouble { message, console },
            Interruption::Gone => {
                let status = self.qemu.describe_end();
                Error::Gone { waiting_for, status, qemu_said: self.qemu.said(), console }
            }
            Interruption::TooLate => Error::NoAnswer { waiting_for, waited, console },
            Interruption::Broken(message) => Error::Protocol { message },
        }
    }
}

pub(crate) fn unexpected(what: &str, reply: &(impl std::fmt::Debug + ?Sized)) -> Error {
    Error::Protocol { message: format!("asked to {what}, it answered {reply:?}") }
}
