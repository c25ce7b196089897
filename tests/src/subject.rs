// SPDX-License-Identifier: MIT OR Apache-2.0

//! A process that gets signals: what it does meanwhile, and how it is started.

use anyhow::Result;
use gpufas_guest::protocol::Activity;

use crate::machine::{LIMIT, Machine};
use crate::wait;

/// Its name.
pub const NAME: &str = "subject";

/// What it does when a signal comes.
#[derive(Debug)]
pub struct Doing {
    /// That in words, after "a process that".
    pub what: &'static str,
    /// That.
    pub activity: Activity,
    /// Its state meanwhile, as in `/proc/PID/stat`.
    pub state: char,
}

/// It computes.
pub const COMPUTES: Doing = Doing { what: "computes", activity: Activity::Compute, state: 'R' };
/// It sleeps for an hour.
pub const SLEEPS_AN_HOUR: Doing =
    Doing { what: "sleeps for an hour", activity: Activity::Sleep { milliseconds: 3_600_000 }, state: 'S' };
/// It has stopped itself, and will again.
pub const IS_STOPPED: Doing = Doing { what: "is stopped", activity: Activity::Stop, state: 'T' };
/// It waits on a pipe.
pub const WAITS_ON_PIPE: Doing = Doing { what: "waits on a pipe", activity: Activity::ReadPipe, state: 'S' };
/// It waits killably: only what ends it ends its sleep.
pub const WAITS_KILLABLY: Doing =
    Doing { what: "waits killably for a child", activity: Activity::WaitForChild, state: 'D' };

/// All that it can do in a guest without a slow disk, in a sleep that every signal ends.
pub const DOINGS: &[Doing] = &[
    COMPUTES,
    Doing { what: "sleeps for a moment", activity: Activity::Sleep { milliseconds: 10 }, state: 'S' },
    SLEEPS_AN_HOUR,
    IS_STOPPED,
    WAITS_ON_PIPE,
    Doing { what: "has several threads", activity: Activity::Threads { count: 4 }, state: 'S' },
];

impl Doing {
    /// It waits killably for a page of a slow disk. That takes seconds, unless QEMU stops the guest: it gives all pages then
    /// that were asked for.
    pub fn waits_for_disk(device: String) -> Self {
        Self { what: "waits killably for a disk", activity: Activity::ReadDevice { device }, state: 'D' }
    }

    /// Whether it does nothing until it gets CONT.
    pub fn is_stopped(&self) -> bool {
        self.state == 'T'
    }

    /// Starts the process, waits until it is in that state, and returns its id.
    ///
    /// # Errors
    ///
    /// Those of the guest; if it never is.
    pub fn start(&self, machine: &Machine) -> Result<u32> {
        let guest = machine.guest();
        let pid = guest.spawn_active(NAME, self.activity.clone())?;
        // One that sleeps for a moment may be met awake.
        wait_for_state(machine, self.state)?;
        Ok(pid)
    }
}

/// Waits until the process is in a state.
///
/// # Errors
///
/// Those of the guest; if it never is.
pub fn wait_for_state(machine: &Machine, state: char) -> Result<()> {
    wait::until(&format!("the process is in state {state}"), LIMIT, || {
        Ok(machine.guest().states(NAME)? == state.to_string())
    })
}
