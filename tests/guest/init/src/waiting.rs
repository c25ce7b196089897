// SPDX-License-Identifier: MIT OR Apache-2.0

//! Requests that are answered later: when a process has ended, or all with a name have.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use gpufas_guest_init::Reply;

use crate::proc;

/// How often the processes are looked at that somebody waits for, at least.
const LOOK: Duration = Duration::from_millis(200);

/// How many times as long as a look takes it is waited before the next: the first process runs before those that are to end.
const REST: u32 = 8;

/// How long the first process waits for other things meanwhile, in milliseconds, before it looks which children have ended. It comes
/// before all others: it would take the processor from a thousand that end, after each.
const WAKE: u16 = 5;

/// Who waits for what.
#[derive(Default)]
pub struct Waiting {
    /// Requests that wait for the end of a process, by its id.
    ends: HashMap<u32, u64>,
    gone: Vec<Gone>,
}

/// A request that waits until no process with a name is left.
struct Gone {
    id: u64,
    name: String,
    until: Instant,
    /// When they are to be looked at again.
    next: Instant,
    /// How many there were when it was looked at them, zombies included, less all processes that ended since.
    left: usize,
}

impl Waiting {
    /// Lets a request wait for a process's end.
    pub fn for_end(&mut self, pid: u32, id: u64) {
        self.ends.insert(pid, id);
    }

    /// Lets a request wait until no process with a name is left but zombies.
    pub fn until_gone(&mut self, id: u64, name: String, limit: Duration) {
        let now = Instant::now();
        self.gone.push(Gone { id, name, until: now + limit, next: now, left: 0 });
    }

    /// How long to wait for other things, in milliseconds, before children are looked at; none if they are as soon as one ends.
    pub fn limit(&self) -> Option<u16> {
        (!self.gone.is_empty()).then_some(WAKE)
    }

    /// Takes note of a process's end, and gives the answer for which somebody waits.
    pub fn ended(&mut self, pid: u32, status: i32) -> Option<(u64, Reply)> {
        for gone in &mut self.gone {
            gone.left = gone.left.saturating_sub(1);
        }
        let id = self.ends.remove(&pid)?;
        let reply = if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
            Reply::Done
        } else if libc::WIFEXITED(status) {
            failed(format!("its process failed (status {})", libc::WEXITSTATUS(status)))
        } else {
            failed(format!("signal {} ended its process", libc::WTERMSIG(status)))
        };
        Some((id, reply))
    }

    /// The answers to requests whose processes are gone, or whose time is over. To look at all processes takes a while,
    /// so that it is done when as many have ended as there were, and now and then.
    ///
    /// # Errors
    ///
    /// If `/proc` cannot be read.
    pub fn look(&mut self) -> io::Result<Vec<(u64, Reply)>> {
        let mut answers = Vec::new();
        let mut still = Vec::new();
        for mut gone in std::mem::take(&mut self.gone) {
            let start = Instant::now();
            if gone.left == 0 || start > gone.next {
                let states = proc::states(&gone.name)?;
                let alive = states.chars().filter(|state| !matches!(state, 'Z' | 'X')).count();
                if alive == 0 {
                    answers.push((gone.id, Reply::Done));
                    continue;
                }
                if start > gone.until {
                    answers.push((gone.id, failed(format!("{alive} are left: {states}"))));
                    continue;
                }
                gone.left = states.len();
                gone.next = Instant::now() + LOOK.max(start.elapsed() * REST);
            }
            still.push(gone);
        }
        self.gone = still;
        Ok(answers)
    }
}

fn failed(message: String) -> Reply {
    Reply::Failed { message }
}
