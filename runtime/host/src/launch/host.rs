// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a program on this machine's processor, in a process of its own.

use super::buffers::{Buffers, Parts};
use super::child::{self, Plan};
use super::note::{EXIT_MEMORY_LOST, EXIT_NOT_STARTED, Note, SharedNote};
use super::sections::Sections;
use super::shadow::Shadow;
use super::watch::{Watched, watch};
use super::{End, Launch, LogSink, Outcome, context, leave, stores};
use crate::error::{Error, Result};
use crate::memory::mapping::{Mapping, memory_file, page_size};
use crate::memory::{Backing, GuestMemory, MappedMemory};
use gpufas_abi::symbols::{CONTEXT, ENTRY_PREFIX, RELOCATION_TABLE, SYMBOL_TABLE};
use gpufas_abi::{JournalEntry, Segment, Status};
use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

/// Bytes of stack that a program may use.
const STACK_SIZE: u64 = 1 << 20;

/// Stack beyond what the program may use, for the runtime's own functions, in bytes.
const STACK_RESERVE: usize = 256 << 10;

/// Stack of the signal handler, in bytes.
const SIGNAL_STACK_SIZE: usize = 64 << 10;

/// The guest's memory as the program's process has it.
enum View {
    Mapped(MappedMemory),
    Copy(Shadow),
}

impl View {
    fn new(memory: &GuestMemory) -> Result<Self> {
        match memory.backing() {
            Backing::Shared => MappedMemory::new(memory).map(Self::Mapped),
            Backing::Private | Backing::Dump => Shadow::new(memory).map(Self::Copy),
        }
    }

    fn segments(&self) -> &[Segment] {
        match self {
            Self::Mapped(mapped) => mapped.segments(),
            Self::Copy(shadow) => shadow.segments(),
        }
    }
}

/// Runs a program of the host target once.
///
/// # Errors
/// If it could not be started ([`Error::Start`], [`Error::System`], [`Error::TooManySegments`]) or the
/// guest's memory went away ([`Error::MemoryLost`], [`Error::WriteBack`], [`Error::Journal`]). What goes wrong
/// in the program is no error but an [`End`].
pub fn run(launch: &Launch<'_>, log: LogSink<'_>) -> Result<Outcome> {
    let view = View::new(launch.memory)?;
    let parts = Parts::new(launch.arguments, launch.variant.all_or_nothing);
    let shared = Mapping::shared_zeros(parts.size)?;
    let program_base = shared.base().as_ptr() as u64;
    // SAFETY: the mapping is new, hence zeros; it is a page-aligned `parts.size` and outlives the buffers.
    let buffers = unsafe { Buffers::new(shared.base(), program_base, parts, launch.arguments) };
    let note_memory = Mapping::shared_zeros(size_of::<Note>())?;
    // SAFETY: as above; the child has a mapping of its own of the same memory.
    let note = unsafe { SharedNote::new(note_memory.base()) };

    // A copy, so that the file may change meanwhile, and so that what was checked is what is loaded.
    let mut library = memory_file(c"gpufas-program", 0)?;
    let copied = library.write_all(launch.code);
    copied.map_err(|source| Error::System { action: "copy the program", source })?;
    let stack = Mapping::private_zeros(STACK_SIZE as usize + STACK_RESERVE + page_size())?;
    stack.guard(page_size())?;
    let name =
        |text: String| CString::new(text).map_err(|_| Error::Start { what: "a name holds a NUL".into() });
    let exported = |name: &str| format!("{name}{}", launch.variant.suffix);
    let plan = Plan {
        library: name(format!("/proc/self/fd/{}", library.as_raw_fd()))?,
        context_symbol: name(exported(CONTEXT))?,
        entry_symbol: name(exported(&format!("{ENTRY_PREFIX}{}", launch.entry.name)))?,
        context: context(launch, &buffers, view.segments(), STACK_SIZE)?,
        tables: [
            (name(exported(SYMBOL_TABLE))?, launch.symbols),
            (name(exported(RELOCATION_TABLE))?, launch.relocations),
        ],
        stack,
        signal_stack: Mapping::private_zeros(SIGNAL_STACK_SIZE)?,
        note,
        shadow: match &view {
            View::Copy(shadow) => Some(shadow),
            View::Mapped(_) => None,
        },
        // SAFETY: takes no arguments and cannot fail.
        parent: unsafe { libc::getpid() },
    };

    let mut child = Child::start(&plan)?;
    let watched = watch(&buffers, launch.timeout, log, || child.has_ended())?;
    let status = child.end();
    finish(launch, &view, &buffers, note.read(), &watched, status)
}

/// What came of it.
fn finish(
    launch: &Launch<'_>,
    view: &View,
    buffers: &Buffers,
    note: Note,
    watched: &Watched,
    status: libc::c_int,
) -> Result<Outcome> {
    let report = buffers.read_report();
    let sections = Sections::new(buffers.read_journal());
    let end = match Status::from_number(report.status) {
        Some(Status::Finished) => End::Finished(report.result),
        Some(Status::Faulted) => End::Fault(report.fault),
        _ if !watched.ended => End::Unresponsive,
        _ => ended_without_report(view, &note, status)?,
    };
    let returned = matches!(end, End::Finished(_));
    let (left, stores_kept, stores) = match view {
        View::Mapped(mapped) => {
            let (left, stores) = leave(&sections, launch.memory, Some(mapped), report.journal_lost, returned);
            (left, true, stores)
        }
        View::Copy(shadow) => {
            let keep = returned && launch.memory.is_writable();
            if keep {
                write_back(launch.memory, shadow, &sections.stores, report.journal_lost)?;
            }
            let byte = |at| {
                let mut byte = [0];
                shadow.read(at, &mut byte).ok().map(|()| byte[0])
            };
            // The program had a copy, whose locks were nobody else's.
            (None, keep, stores::with_new_values(sections.stores, byte))
        }
    };
    Ok(Outcome {
        end,
        stop_reason: watched.stop_reason,
        stores,
        stores_lost: report.journal_lost,
        stores_kept: stores_kept && !left.as_ref().is_some_and(|left| left.nothing_left),
        left,
        half_left: None,
        still_runs: false,
        interrupts: buffers.read_interrupts(),
        log_lost: report.log_lost,
        budget_left: report.budget_left,
        duration: watched.duration,
    })
}

/// How the process ended, if the program has not said it.
fn ended_without_report(view: &View, note: &Note, status: libc::c_int) -> Result<End> {
    let lost = |physical, errno| {
        Err(Error::MemoryLost { address: physical, source: io::Error::from_raw_os_error(errno) })
    };
    if libc::WIFEXITED(status) {
        return match libc::WEXITSTATUS(status) {
            EXIT_NOT_STARTED => Err(Error::Start { what: note.message() }),
            EXIT_MEMORY_LOST => lost(note.address, note.memory_error),
            status => Ok(End::Vanished { status }),
        };
    }
    let signal = libc::WTERMSIG(status);
    let noted = note.signal == signal;
    let address = (noted && note.has_address != 0).then_some(note.address);
    if let (libc::SIGBUS, Some(address), View::Mapped(mapped)) = (signal, address, view) {
        let segment = mapped
            .segments()
            .iter()
            .find(|segment| (segment.base..segment.base + (segment.end - segment.start)).contains(&address));
        if let Some(segment) = segment {
            // The file has no such page any more.
            return lost(segment.start + (address - segment.base), libc::EIO);
        }
    }
    if note.entered == 0 && noted {
        let what = format!("it was killed by {} while it was loaded", signal_name(signal));
        return Err(Error::Start { what });
    }
    let offset = note.instruction.checked_sub(note.load_address);
    let offset = offset.filter(|offset| noted && note.load_address != 0 && *offset < 1 << 31);
    Ok(End::Crash { signal: signal_name(signal), address, offset })
}

/// Makes the program's stores in the guest, each as wide as the program made it, in the program's order. Of
/// several stores to the same place only the last is made.
fn write_back(memory: &GuestMemory, shadow: &Shadow, journal: &[JournalEntry], lost: u64) -> Result<()> {
    /// Most bytes that are written for one launch.
    const MOST_BYTES: u64 = 1 << 30;
    if lost != 0 {
        return Err(Error::Journal { what: "stores are missing in it" });
    }
    let bytes = journal.iter().map(|entry| u64::from(entry.size)).fold(0, u64::saturating_add);
    if bytes > MOST_BYTES {
        return Err(Error::Journal { what: "its stores are too large" });
    }
    let mut seen = std::collections::HashSet::new();
    let mut last: Vec<_> =
        journal.iter().rev().filter(|entry| seen.insert((entry.physical, entry.size))).collect();
    last.reverse();
    // All are read before any is written, so that a corrupt journal changes nothing.
    let mut writes = Vec::with_capacity(last.len());
    for entry in last {
        let mut bytes = vec![0; entry.size as usize];
        let read = shadow.read(entry.physical, &mut bytes);
        read.map_err(|_| Error::Journal { what: "a store is outside of the guest's memory" })?;
        writes.push((entry.physical, bytes));
    }
    let total = writes.len();
    for (made, (address, bytes)) in writes.into_iter().enumerate() {
        memory.write(address, &bytes).map_err(|source| Error::WriteBack { address, made, total, source })?;
    }
    Ok(())
}

fn signal_name(signal: libc::c_int) -> String {
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        libc::SIGABRT => "SIGABRT",
        libc::SIGKILL => "SIGKILL",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        libc::SIGXCPU => "SIGXCPU",
        number => return format!("signal {number}"),
    };
    name.into()
}

/// The process of a program. It does not outlive this.
struct Child {
    pid: libc::pid_t,
    /// Its status, once it has ended and was waited for.
    status: Option<libc::c_int>,
}

impl Child {
    fn start(plan: &Plan<'_>) -> Result<Self> {
        // SAFETY: the child only does what `child` documents.
        match unsafe { libc::fork() } {
            -1 => Err(Error::last("start a process")),
            0 => child::run(plan),
            pid => Ok(Self { pid, status: None }),
        }
    }

    fn wait(&mut self, options: libc::c_int) -> Result<bool> {
        let mut status = 0;
        while self.status.is_none() {
            // SAFETY: the process is a child of this one that was not waited for yet.
            match unsafe { libc::waitpid(self.pid, &raw mut status, options) } {
                0 => return Ok(false),
                pid if pid == self.pid => self.status = Some(status),
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => return Err(Error::last("wait for the program")),
            }
        }
        Ok(true)
    }

    fn has_ended(&mut self) -> Result<bool> {
        self.wait(libc::WNOHANG)
    }

    /// Its status; kills it first if it has not ended.
    fn end(&mut self) -> libc::c_int {
        if self.status.is_none() {
            // SAFETY: the process was not waited for, so that the number is still its.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            let _ = self.wait(0);
        }
        self.status.unwrap_or(0)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
