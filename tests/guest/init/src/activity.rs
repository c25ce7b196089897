// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that do something until they are ended, for faults and for what is to be cured of them.

use serde::{Deserialize, Serialize};

/// Processes to be started; see [`Command::Spawn`](crate::Command::Spawn).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// How many.
    pub count: u32,
    /// Their name (`comm`); the kernel keeps the first 15 bytes.
    pub name: String,
    /// Their user; 0 is root.
    pub user: u32,
    /// What each does, once all of them are there.
    pub activity: Activity,
    /// Tell what becomes of each, as [`Event::Process`](crate::Event::Process). A thousand at once take the
    /// control line a while.
    pub told: bool,
}

/// What a process does. None of these ever ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Computes.
    Compute,
    /// Computes under `SCHED_FIFO`.
    ComputeRealTime {
        /// Real-time priority, 1 to 99.
        priority: u8,
    },
    /// Sleeps, again and again: interruptibly, in `nanosleep`.
    Sleep {
        /// For how long each time.
        milliseconds: u64,
    },
    /// Stops itself.
    Stop,
    /// Reads a pipe into which nobody writes.
    ReadPipe,
    /// Reads a block device here and there through the page cache. It waits killably for each page that comes slowly
    /// (`folio_wait_bit_common` in mm/filemap.c, state D).
    ReadDevice {
        /// The device's file.
        device: String,
    },
    /// Waits killably for a child that has its memory until it executes something, which it never does
    /// (`wait_for_vfork_done` in kernel/fork.c, state D).
    WaitForChild,
    /// Several threads, one after the other computing and sleeping for an hour.
    Threads {
        /// How many, the main thread included, which sleeps.
        count: u32,
    },
    /// Sleeps, and has a child that is the first process of a pid namespace, which has a child itself. They sleep too.
    PidNamespace {
        /// The name of the first process there.
        first: String,
        /// The name of its child.
        other: String,
    },
    /// Starts children that do the same, as many as the kernel allows, and tries again for ever.
    ForkBomb,
    /// Writes to each page of memory, again and again.
    WriteMemory {
        /// How much, in MiB. What does not fit into memory is swapped.
        mib: u32,
    },
}
