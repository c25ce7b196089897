// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can be asked of a guest that is to be broken: faults, and how it fares under them.

use std::time::{Duration, Instant};

use gpufas_guest_init::{Activity, Command, MemoryUse, Reply, Work};

use crate::error::Result;
use crate::guest::{Guest, unexpected};

impl Guest {
    /// Starts processes that do something until they are ended, as root, and tells nothing of what becomes of them.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_many(&self, count: u32, name: &str, activity: Activity) -> Result<Vec<u32>> {
        self.spawn_work(Work { count, name: name.to_owned(), user: 0, activity, told: false })
    }

    /// Starts a process that does something until it is ended, as root.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_active(&self, name: &str, activity: Activity) -> Result<u32> {
        let pids =
            self.spawn_work(Work { count: 1, name: name.to_owned(), user: 0, activity, told: true })?;
        pids.first().copied().ok_or_else(|| unexpected("start a process", &pids))
    }

    /// Starts processes that do something until they are ended.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn spawn_work(&self, work: Work) -> Result<Vec<u32>> {
        let what = format!("start {} processes, {:?}", work.count, work.activity);
        self.spawn(&what, Command::Spawn(work))
    }

    /// Starts a program of the guest's file system.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<u32> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.spawn_one(&format!("run {program}"), Command::Run { program: program.to_owned(), arguments })
    }

    /// Makes its first process answer whatever becomes of the guest, also where memory or processors are short.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn stay_responsive(&self) -> Result<()> {
        self.order("make its first process stay responsive", Command::StayResponsive)
    }

    /// How long an ordinary process of the guest's takes to answer.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`]; [`Error::NoAnswer`](crate::Error::NoAnswer) after `limit`.
    pub fn answer_time(&self, limit: Duration) -> Result<Duration> {
        let start = Instant::now();
        self.order_within("let an ordinary process answer", Command::Answer, limit)?;
        Ok(start.elapsed())
    }

    /// Checks that a new process can execute a program, and write a file, on the disk if there is one, and sync it.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn check_health(&self, limit: Duration) -> Result<()> {
        self.order_within("start a process that writes and syncs a file", Command::CheckHealth, limit)
    }

    /// Checks that a process can be started, which need not come to its turn for that.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn check_fork(&self) -> Result<()> {
        self.order("start a process", Command::Fork)
    }

    /// Sends a signal to all processes with a name, from a new process in the guest.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn kill_by_name(&self, name: &str, signal: i32, limit: Duration) -> Result<()> {
        let command = Command::KillByName { name: name.to_owned(), signal };
        self.order_within(&format!("send signal {signal} to {name} from a process in it"), command, limit)
    }

    /// Waits until no process with a name is left but zombies.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`]; [`Error::Refused`](crate::Error::Refused) if some are left after `limit`.
    pub fn wait_until_no(&self, name: &str, limit: Duration) -> Result<()> {
        let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let command = Command::WaitUntilGone { name: name.to_owned(), milliseconds };
        // The guest's clock stands still while it is paused.
        self.order_within(&format!("end all processes called {name}"), command, limit + self.answer_limit())
    }

    /// The states of all processes with a name, a letter for each, in the order of their ids.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn states(&self, name: &str) -> Result<String> {
        let what = format!("tell the states of {name}");
        match self.ask(&what, Command::States { name: name.to_owned() })?.as_slice() {
            [Reply::States(states)] => Ok(states.clone()),
            other => Err(unexpected(&what, other)),
        }
    }

    /// The ids of all processes with a name, in ascending order.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn find(&self, name: &str) -> Result<Vec<u32>> {
        let what = format!("find processes called {name}");
        match self.ask(&what, Command::Find { name: name.to_owned() })?.as_slice() {
            [Reply::Found { pids }] => Ok(pids.clone()),
            other => Err(unexpected(&what, other)),
        }
    }

    /// How much memory there is, and how much of it is in use.
    ///
    /// # Errors
    ///
    /// See [`Guest::spawn_sleepers`].
    pub fn memory_use(&self) -> Result<MemoryUse> {
        let what = "tell how its memory is used";
        match self.ask(what, Command::Memory)?.as_slice() {
            [Reply::Memory(memory)] => Ok(*memory),
            other => Err(unexpected(what, other)),
        }
    }

    /// Swaps to a block device.
    pub(crate) fn swap_on(&self, device: &str) -> Result<()> {
        self.order(&format!("swap to {device}"), Command::SwapOn { device: device.to_owned() })
    }

    /// Mounts an ext4 file system.
    pub(crate) fn mount(&self, device: &str, folder: &str) -> Result<()> {
        let command = Command::Mount { device: device.to_owned(), folder: folder.to_owned() };
        self.order(&format!("mount {device}"), command)
    }
}
