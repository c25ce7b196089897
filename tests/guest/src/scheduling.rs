// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the processes of a guest are scheduled.

use gpufas_guest_init::Command;

use crate::error::Result;
use crate::guest::Guest;

impl Guest {
    /// Starts processes that sleep for ever, each in a session, and so in an autogroup, of its own.
    ///
    /// # Errors
    ///
    /// Here and below: see [`Guest::spawn_sleepers`].
    pub fn spawn_session_leaders(&self, count: u32, name: &str) -> Result<Vec<u32>> {
        let command = Command::SpawnSessionLeaders { count, name: name.to_owned() };
        self.spawn(&format!("start {count} sleeping processes in sessions"), command)
    }

    /// Changes the policy (`SCHED_*` of include/uapi/linux/sched.h), the real-time priority and the nice level of a process.
    ///
    /// # Errors
    ///
    /// See above.
    pub fn schedule(&self, pid: u32, policy: i32, priority: i32, nice: i32) -> Result<()> {
        self.ask("schedule a process", Command::Schedule { pid, policy, priority, nice }).map(drop)
    }

    /// Lets a process run on one processor only.
    ///
    /// # Errors
    ///
    /// See above.
    pub fn pin(&self, pid: u32, cpu: u32) -> Result<()> {
        self.ask("pin a process", Command::Pin { pid, cpu }).map(drop)
    }

    /// Makes a control group that shares processors and puts processes into it; its name must be new.
    ///
    /// # Errors
    ///
    /// See above.
    pub fn make_cpu_group(&self, name: &str, pids: &[u32]) -> Result<()> {
        self.ask("make a control group", Command::MakeCpuGroup { name: name.to_owned() })?;
        pids.iter().try_for_each(|pid| {
            self.write_file(&format!("/sys/fs/cgroup/{name}/cgroup.procs"), &pid.to_string())
        })
    }
}
