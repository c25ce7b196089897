// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a test guest's first process and the host say to each other: lines of JSON on the guest's second
//! serial port, [`Request`]s towards the guest and [`Event`]s from it. The kernel's own messages go to
//! the first serial port and are no part of this.
//!
//! The program that speaks the guest's side is this package's binary.

mod activity;

pub use activity::{Activity, Work};
use serde::{Deserialize, Serialize};

/// The longest request line that the host may send, in bytes with its newline. The guest's terminal layer
/// buffers 4,096 bytes of input and drops what comes beyond (`N_TTY_BUF_SIZE` in drivers/tty/n_tty.c).
pub const MAX_REQUEST_LINE: usize = 2048;

/// The most process ids that [`Command::CheckAlive`] may carry, so that its line stays within
/// [`MAX_REQUEST_LINE`] with ids of up to seven digits.
pub const MAX_PIDS_PER_REQUEST: usize = 200;

/// The guest's folder of kernel modules, which the host puts there.
pub const MODULES_FOLDER: &str = "/modules";

/// One line from the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the host; the replies carry it.
    pub id: u64,
    /// What to do.
    pub command: Command,
}

/// What the host can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Start processes that sleep for ever. Reply: [`Reply::Spawned`], once each has taken its name.
    SpawnSleepers {
        /// How many.
        count: u32,
        /// Their name (`comm`); the kernel keeps the first 15 bytes.
        name: String,
    },
    /// Start processes that sleep for ever, each in a session of its own. Reply: [`Reply::Spawned`].
    SpawnSessionLeaders {
        /// How many.
        count: u32,
        /// Their name.
        name: String,
    },
    /// Change how a process is scheduled. Reply: [`Reply::Done`].
    Schedule {
        /// The process.
        pid: u32,
        /// `SCHED_*` of include/uapi/linux/sched.h.
        policy: i32,
        /// The priority of a real-time policy, else 0.
        priority: i32,
        /// The nice level.
        nice: i32,
    },
    /// Let a process run on one processor only. Reply: [`Reply::Done`].
    Pin {
        /// The process.
        pid: u32,
        /// The processor.
        cpu: u32,
    },
    /// Make a control group that shares processors (the `cpu` controller of cgroup2, below `/sys/fs/cgroup`), for processes to be
    /// put into. Reply: [`Reply::Done`].
    MakeCpuGroup {
        /// Its name.
        name: String,
    },
    /// Start a process that computes for ever. Reply: [`Reply::Spawned`].
    SpawnRunaway {
        /// Its name.
        name: String,
    },
    /// Start a process that allocates memory, writes to every page and then sleeps, or computes for ever.
    /// Reply: [`Reply::Spawned`], once all of it is resident.
    SpawnHog {
        /// Its name.
        name: String,
        /// How much memory, in MiB.
        mib: u32,
        /// Compute instead of sleeping.
        busy: bool,
    },
    /// Start a process that treats one signal in a given way. Reply: [`Reply::Spawned`], once it does.
    SpawnSignalProbe(SignalProbe),
    /// Start processes that do something until they are ended. Reply: [`Reply::Spawned`], once each is ready; they begin
    /// together.
    Spawn(Work),
    /// Start a program of the guest's file system. Reply: [`Reply::Spawned`]. Its output goes to the kernel's console.
    Run {
        /// The program's path.
        program: String,
        /// Its arguments, without its name.
        arguments: Vec<String>,
    },
    /// Make the first process answer whatever becomes of the guest: it stays in memory, comes before all ordinary
    /// processes, and is never chosen by the OOM killer. What it starts later is ordinary again. Reply: [`Reply::Done`].
    StayResponsive,
    /// Let an ordinary process answer, which works with a little memory of its own first. Reply: [`Reply::Done`], as
    /// late as that process gets to it.
    Answer,
    /// Start a process that executes a program, which writes a file below `/disk` if there is a disk, and syncs it.
    /// Reply: [`Reply::Done`], once it has ended well.
    CheckHealth,
    /// Send a signal to all processes with a name, from a new process in the guest that is an ordinary one. Reply:
    /// [`Reply::Done`], once that has ended.
    KillByName {
        /// Their name.
        name: String,
        /// Signal number.
        signal: i32,
    },
    /// Wait until no process with that name is left but zombies. Reply: [`Reply::Done`], or [`Reply::Failed`] when the
    /// time is over.
    WaitUntilGone {
        /// The name.
        name: String,
        /// For how long.
        milliseconds: u64,
    },
    /// The states of all processes with a name. Reply: [`Reply::States`].
    States {
        /// The name.
        name: String,
    },
    /// The ids of all processes with a name. Reply: [`Reply::Found`].
    Find {
        /// The name.
        name: String,
    },
    /// Start a process that ends at once. Reply: [`Reply::Done`] when it is started.
    Fork,
    /// Memory as `/proc/meminfo` has it. Reply: [`Reply::Memory`].
    Memory,
    /// Swap to a block device. Reply: [`Reply::Done`].
    SwapOn {
        /// The device's file.
        device: String,
    },
    /// Mount an ext4 file system. Reply: [`Reply::Done`].
    Mount {
        /// The device's file.
        device: String,
        /// Where, a folder that is made.
        folder: String,
    },
    /// List the processes in `/proc`. Replies: [`Reply::Processes`], several.
    ListProcesses,
    /// Which of these processes are there and no zombies. Reply: [`Reply::Alive`].
    CheckAlive {
        /// Process ids, [`MAX_PIDS_PER_REQUEST`] at most.
        pids: Vec<u32>,
    },
    /// The kernel's messages since boot. Replies: [`Reply::KernelLog`], several.
    KernelLog {
        /// Only those after this sequence number.
        after: Option<u64>,
    },
    /// Send a signal from inside the guest. Reply: [`Reply::Done`].
    Kill {
        /// To which process.
        pid: u32,
        /// Signal number; 0 only checks.
        signal: i32,
    },
    /// Write a message into the kernel's log. Reply: [`Reply::Done`].
    WriteKernelLog {
        /// 0 (emergency) to 7 (debug).
        level: u8,
        /// One line.
        text: String,
    },
    /// Press a magic SysRq key (Documentation/admin-guide/sysrq.rst): `c` crashes the kernel. Reply:
    /// [`Reply::Done`], where the guest survives it.
    Sysrq {
        /// The key.
        key: char,
    },
    /// Load a kernel module. Reply: [`Reply::Done`].
    LoadModule {
        /// The file's name in [`MODULES_FOLDER`], without its ending.
        name: String,
        /// Its parameters, as `modprobe` takes them.
        parameters: String,
    },
    /// Unload a kernel module. Reply: [`Reply::Done`].
    UnloadModule {
        /// Its name.
        name: String,
    },
    /// Read a small file, as those in `/proc` and `/sys`. Reply: [`Reply::Text`].
    ReadFile {
        /// Which.
        path: String,
    },
    /// Write a text to a file that is there, at one go. Reply: [`Reply::Done`].
    WriteFile {
        /// To which.
        path: String,
        /// What.
        text: String,
    },
    /// Turn the guest off. Reply: [`Reply::Done`], just before.
    PowerOff,
}

/// A process that treats one signal in a given way; see [`Command::SpawnSignalProbe`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalProbe {
    /// Its name.
    pub name: String,
    /// The signal's number.
    pub signal: i32,
    /// What the process does with it.
    pub disposition: Disposition,
    /// Compute instead of sleeping while it waits.
    pub busy: bool,
}

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The kernel's default action.
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// Blocked in the signal mask; reported once it is pending.
    Block,
    /// A handler, which reports every delivery.
    Handle,
    /// Blocked in the main thread; a second thread has it unblocked. The handler is the same for both, so
    /// its report says which thread the kernel chose.
    HandleInSecondThread,
}

/// One line from the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first process is up and takes requests. Sent once.
    Ready(Ready),
    /// Something happened to a process that the first process is the parent of.
    Process(ProcessEvent),
    /// The answer to a request.
    Reply {
        /// The request's.
        id: u64,
        /// Part of the answer, or all of it.
        reply: Reply,
        /// More parts of the same answer follow.
        more: bool,
    },
}

/// What the guest is, as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// `uname -r`.
    pub release: String,
    /// `uname -v`.
    pub version: String,
    /// Number of processors on line.
    pub cpus: u32,
    /// `MemTotal` of `/proc/meminfo`, in KiB.
    pub memory_kib: u64,
    /// The kernel's command line.
    pub command_line: String,
}

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessEvent {
    /// It ended by itself.
    Exited {
        /// Which.
        pid: u32,
        /// Its exit status.
        code: i32,
    },
    /// A signal ended it.
    Killed {
        /// Which.
        pid: u32,
        /// The signal's number.
        signal: i32,
    },
    /// A signal stopped it.
    Stopped {
        /// Which.
        pid: u32,
        /// The signal's number.
        signal: i32,
    },
    /// It goes on after a stop.
    Continued {
        /// Which.
        pid: u32,
    },
    /// A signal probe noticed its signal.
    Signal(SignalReport),
}

impl ProcessEvent {
    /// The process that it happened to.
    pub fn pid(&self) -> u32 {
        match *self {
            Self::Exited { pid, .. }
            | Self::Killed { pid, .. }
            | Self::Stopped { pid, .. }
            | Self::Continued { pid } => pid,
            Self::Signal(report) => report.pid,
        }
    }
}

/// What a signal probe noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalReport {
    /// The probe.
    pub pid: u32,
    /// The thread that noticed it; equal to `pid` in the main thread.
    pub tid: u32,
    /// The signal's number.
    pub signal: i32,
    /// True: its handler ran. False: it is pending, and blocked.
    pub delivered: bool,
    /// `si_code` where a handler ran: 0 from `kill`, `SI_KERNEL` (128) from the kernel.
    pub code: i32,
    /// `si_pid` where a handler ran.
    pub sender: u32,
}

/// The answer to a request, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Processes were started.
    Spawned {
        /// Their ids.
        pids: Vec<u32>,
    },
    /// Processes in `/proc`, kernel threads included.
    Processes(Vec<Process>),
    /// The answer to [`Command::CheckAlive`].
    Alive {
        /// There, and no zombies.
        alive: Vec<u32>,
        /// Zombies, or gone.
        gone: Vec<u32>,
    },
    /// The answer to [`Command::Find`], in ascending order.
    Found {
        /// The ids.
        pids: Vec<u32>,
    },
    /// The answer to [`Command::States`]: a letter for each process (`/proc/PID/stat`), in the order of their ids.
    States(String),
    /// The answer to [`Command::Memory`].
    Memory(MemoryUse),
    /// The kernel's messages.
    KernelLog(Vec<KernelRecord>),
    /// What a file holds.
    Text {
        /// All of it.
        text: String,
    },
    /// Done, nothing to say.
    Done,
    /// The guest could not do it.
    Failed {
        /// Why.
        message: String,
    },
}

/// Memory as `/proc/meminfo` has it, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// `MemTotal`.
    pub total_kib: u64,
    /// `MemAvailable`.
    pub available_kib: u64,
    /// `SwapTotal`.
    pub swap_total_kib: u64,
    /// `SwapFree`.
    pub swap_free_kib: u64,
}

/// A process as the guest's `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// Its name.
    pub comm: String,
    /// Its state's letter: R, S, D, T, t, Z, X, I.
    pub state: char,
    /// Resident memory, in KiB; 0 for kernel threads.
    pub rss_kib: u64,
}

/// A message of the kernel, from `/dev/kmsg` (Documentation/ABI/testing/dev-kmsg).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelRecord {
    /// Its number since boot.
    pub sequence: u64,
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// Microseconds since boot.
    pub microseconds: u64,
    /// What it says.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T>(value: &T, text: &str)
    where
        T: Serialize + for<'a> Deserialize<'a> + PartialEq + std::fmt::Debug,
    {
        assert_eq!(serde_json::to_string(value).unwrap(), text);
        assert_eq!(&serde_json::from_str::<T>(text).unwrap(), value);
    }

    #[test]
    fn requests_have_the_documented_form() {
        round_trip(
            &Request { id: 1, command: Command::ListProcesses },
            r#"{"id":1,"command":"list_processes"}"#,
        );
        round_trip(
            &Request { id: 2, command: Command::SpawnHog { name: "hog".into(), mib: 64, busy: true } },
            r#"{"id":2,"command":{"spawn_hog":{"name":"hog","mib":64,"busy":true}}}"#,
        );
    }

    #[test]
    fn events_have_the_documented_form() {
        round_trip(
            &Event::Process(ProcessEvent::Killed { pid: 77, signal: 9 }),
            r#"{"process":{"killed":{"pid":77,"signal":9}}}"#,
        );
        round_trip(
            &Event::Reply { id: 3, reply: Reply::Alive { alive: vec![1], gone: vec![] }, more: false },
            r#"{"reply":{"id":3,"reply":{"alive":{"alive":[1],"gone":[]}},"more":false}}"#,
        );
    }

    #[test]
    fn a_full_request_of_pids_fits_a_line() {
        let pids = vec![4_194_304; MAX_PIDS_PER_REQUEST]; // PID_MAX_LIMIT
        let request = Request { id: u64::MAX, command: Command::CheckAlive { pids } };
        assert!(serde_json::to_string(&request).unwrap().len() < MAX_REQUEST_LINE);
    }
}
