// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a program on a guest's memory.

mod buffers;
mod child;
pub mod cuda;
pub mod host;
mod note;
mod sections;
mod shadow;
mod stores;
mod watch;
mod windows;
mod words;

pub use sections::{Left, NotTakenBack};
pub use stores::Store;

use crate::arguments::Value;
use crate::cpu::Cpu;
use crate::error::{Error, Result};
use crate::memory::{Backing, GuestMemory, MappedMemory};
use buffers::Buffers;
use gpufas_abi::context::{
    FLAG_COPY, FLAG_INTERRUPTS, FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY, MAX_ARGUMENTS, MAX_SEGMENTS,
};
use gpufas_abi::manifest::{Entry, Variant};
use gpufas_abi::{ABI_VERSION, AddressSpace, Context, FaultRecord, InterruptRequest, Segment};
use gpufas_kernel::Layout;
use sections::Sections;
use std::time::Duration;

/// Backward branches that a program may take unless told otherwise. A walk of a list of a million
/// elements takes a few million.
pub const DEFAULT_BUDGET: u64 = 1_000_000_000;

/// A program, and all that it needs to run once.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The program's code for this kernel.
    pub code: &'a [u8],
    /// What the program says of it.
    pub variant: &'a Variant,
    /// The entry point, one of the program's.
    pub entry: &'a Entry,
    /// Its arguments; as many as it has, and of their types.
    pub arguments: &'a [Value],
    /// The guest's memory.
    pub memory: &'a GuestMemory,
    /// Where the guest's kernel is.
    pub layout: &'a Layout,
    /// Addresses of the symbols that the variant needs, in its order.
    pub symbols: &'a [u64],
    /// The CPU of the guest's as which the program runs.
    pub cpu: Cpu,
    /// How often it was run before, each time asking to be run again.
    pub tries: u32,
    /// Whether the interrupts that it asks for are sent.
    pub interrupts: bool,
    /// The relocation table of the variant.
    pub relocations: &'a [u64],
    /// Backward branches that it may take.
    pub budget: u64,
    /// Time that it may take.
    pub timeout: Duration,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The entry point returned this.
    Finished(i64),
    /// The runtime ended it.
    Fault(FaultRecord),
    /// It did what its runtime should have prevented, and was killed: a mistake of the compiler's, since a
    /// program reaches memory only through checks.
    Crash {
        /// Name of the signal, as in `SIGSEGV`; on a GPU what the driver says.
        signal: String,
        /// Address that was accessed, if the signal has one.
        address: Option<u64>,
        /// Offset in the shared object of the instruction, if it is there.
        offset: Option<u64>,
    },
    /// Its process ended without a report (host only).
    Vanished {
        /// Exit status of the process.
        status: i32,
    },
    /// It did not end in time, nor when asked to.
    Unresponsive,
}

/// Why a program was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Its time was over.
    Timeout,
    /// The user sent this signal.
    Signal(&'static str),
}

/// What came of running a program once.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Why it was asked to end, if it was.
    pub stop_reason: Option<StopReason>,
    /// Its stores to the guest's memory, in order.
    pub stores: Vec<Store>,
    /// Stores of which nothing is known but their number.
    pub stores_lost: u64,
    /// Whether any of the stores is in the guest's memory. Of private memory the program has a copy, and its
    /// stores are only made in the guest if it ends regularly; what was stored in a critical section may have been taken back.
    pub stores_kept: bool,
    /// How the critical sections were left that it ended in, if it ended in any.
    pub left: Option<Left>,
    /// Why half of what it wanted to write is in the guest's memory, although that is worse than nothing; none if it is not.
    pub half_left: Option<NotTakenBack>,
    /// Whether it may still run, and write (GPU only).
    pub still_runs: bool,
    /// Interrupts that it asked for. They must be sent if its stores are in the guest's memory, however it ended.
    pub interrupts: Vec<InterruptRequest>,
    /// Messages that did not fit into the log.
    pub log_lost: u64,
    /// Backward branches that were left at the end.
    pub budget_left: u64,
    /// Time from the start of the program to its end.
    pub duration: Duration,
}

impl Outcome {
    /// Takes back all that the program wrote, in a guest that has stood still since before it ran: nobody has seen it.
    ///
    /// # Errors
    /// Why that cannot be; all of it is there then, unless writing failed on the way ([`NotTakenBack::NotWritten`]).
    pub fn take_back(&mut self, memory: &GuestMemory) -> Result<(), NotTakenBack> {
        if !self.stores_kept {
            return Ok(());
        }
        if self.still_runs {
            return Err(NotTakenBack::StillRuns);
        }
        stores::undo(memory, &self.stores, self.stores_lost)?;
        self.stores_kept = false;
        self.stores.iter_mut().for_each(|store| store.taken_back = true);
        if let Some(left) = &mut self.left {
            left.taken_back = Ok(());
            left.nothing_left = true;
        }
        Ok(())
    }

    /// Takes back what a program wrote that did not come to its end, of which half is worse than nothing, and notes if that
    /// cannot be. The guest has stood still since before it ran.
    pub fn whole_or_nothing(&mut self, memory: &GuestMemory) {
        let has_written = !self.stores.is_empty() || self.stores_lost > 0;
        if has_written && !matches!(self.end, End::Finished(_)) {
            self.half_left = self.take_back(memory).err();
        }
    }
}

/// Takes a program's text as it comes.
pub type LogSink<'a> = &'a mut dyn FnMut(&[u8]);

/// Leaves the critical sections that a program ended in, unless `mapped` is none, since it still runs. Returns its stores as well.
fn leave(
    sections: &Sections,
    memory: &GuestMemory,
    mapped: Option<&MappedMemory>,
    lost: u64,
    returned: bool,
) -> (Option<Left>, Vec<Store>) {
    // Before anything is taken back: what is there last was stored last.
    let mut stores = stores::with_new_values(sections.stores.clone(), |at| {
        let mut byte = [0];
        memory.read_bytes(at, &mut byte).ok().map(|()| byte[0])
    });
    let left = mapped.and_then(|mapped| sections.leave(memory, mapped, lost, returned));
    if let Some(Left { stores: numbers, taken_back: Ok(()), .. }) = &left {
        numbers.iter().for_each(|number| stores[*number].taken_back = true);
    }
    (left, stores)
}

/// `FLAG_*` bits for a launch.
fn flags(launch: &Launch<'_>) -> u32 {
    let interrupts = if launch.interrupts { FLAG_INTERRUPTS } else { 0 };
    let complete = if launch.variant.all_or_nothing { FLAG_JOURNAL_COMPLETE } else { 0 };
    match launch.memory.backing() {
        _ if !launch.memory.is_writable() => FLAG_READ_ONLY,
        Backing::Private => FLAG_COPY | FLAG_JOURNAL_COMPLETE | interrupts,
        Backing::Shared | Backing::Dump => complete | interrupts,
    }
}

/// Checks that a program can be given so many segments.
fn check_segments(segments: &[Segment]) -> Result<()> {
    match segments.len() {
        count if count > MAX_SEGMENTS => Err(Error::TooManySegments { count, most: MAX_SEGMENTS }),
        _ => Ok(()),
    }
}

/// The context of a launch.
fn context(launch: &Launch<'_>, buffers: &Buffers, segments: &[Segment], stack_size: u64) -> Result<Context> {
    check_segments(segments)?;
    let layout = launch.layout;
    let mut space = AddressSpace {
        direct_map_start: layout.direct_map_start,
        direct_map_end: layout.direct_map_end,
        image_start: layout.image_start,
        image_end: layout.image_end,
        image_physical: layout.image_physical,
        page_table_root: layout.page_table_root,
        page_table_levels: layout.page_table_levels,
        segment_count: segments.len() as u32,
        segments: [Segment::default(); MAX_SEGMENTS],
    };
    space.segments[..segments.len()].copy_from_slice(segments);
    let mut arguments = [0; MAX_ARGUMENTS];
    let mut string = buffers.strings().address;
    for (to, value) in arguments.iter_mut().zip(launch.arguments) {
        match value {
            Value::Number(number) => *to = *number,
            Value::String(text) => {
                *to = string;
                string += text.len() as u64 + 1;
            }
        }
    }
    Ok(Context {
        version: ABI_VERSION,
        flags: flags(launch),
        windows: windows::of(&space),
        space,
        arguments,
        strings: buffers.strings(),
        report: buffers.report(),
        log: buffers.log(),
        journal: buffers.journal(),
        interrupts: buffers.interrupts(),
        budget: launch.budget,
        stack_size,
        cpu: launch.cpu.number,
        tries: launch.tries,
        cpu_offset: launch.cpu.offset,
    })
}
