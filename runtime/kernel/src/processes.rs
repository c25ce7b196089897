// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process table, read from outside.

use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::layout::View;
use crate::memory::PhysicalMemory;
use crate::resident::ResidentMemory;
use crate::types::{Field, Types};
use std::collections::HashSet;

/// Most tasks that a kernel can have: `PID_MAX_LIMIT` of include/linux/threads.h.
const MAX_PROCESSES: usize = 4 << 20;
/// Largest process id that a kernel gives.
const MAX_PID: i32 = 4 << 20;
/// Most errors of single processes that are kept.
const MAX_ERRORS: usize = 16;
/// How often the table is walked if it ends in an error: a running machine changes it at the same time.
const ATTEMPTS: u32 = 3;
/// `TASK_COMM_LEN` of include/linux/sched.h.
const COMM_SIZE: usize = 16;
/// `PF_KTHREAD` of include/linux/sched.h.
const PF_KTHREAD: u32 = 0x0020_0000;

/// A process: one thread group, described by its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Virtual address of the leader's `task_struct`.
    pub task: u64,
    /// Process id, in the initial namespace.
    pub pid: i32,
    /// Thread group id; the same as `pid`, except for a moment while a thread that is not the leader calls
    /// `execve`.
    pub tgid: i32,
    /// Process id of the parent; 0 for init and kthreadd, and if it could not be read.
    pub ppid: i32,
    /// The command's name, at most 15 bytes; what is not UTF-8 is replaced.
    pub comm: String,
    /// State, a letter as in ps: `R` `S` `D` `T` `t` `X` `Z` `P` `I`.
    pub state: char,
    /// Resident memory in bytes: file, anonymous and shared pages; 0 if it has none or it could not be read.
    pub resident: u64,
    /// Whether it is a kernel thread.
    pub kernel_thread: bool,
    /// How many threads it has; 0 if that could not be read.
    pub threads: u32,
}

/// The processes of a kernel, as far as they could be read.
#[derive(Debug, Default)]
pub struct ProcessTable {
    /// The processes, in the order in which they were started.
    pub processes: Vec<Process>,
    /// What ended the list early: the processes behind it are unknown.
    pub error: Option<Error>,
    /// Details of single processes that could not be read (at most 16 are kept); their fields say 0.
    pub incomplete: Vec<Error>,
}

/// Reads the process table: the thread group leaders on the list that begins at `init_task`.
///
/// A corrupt table gives the processes up to the corruption, and the error with them. On a running machine,
/// processes that start or end meanwhile may be missing.
///
/// # Errors
/// If the table cannot be found: the kernel lacks a symbol or type, or has one that is not as expected.
pub fn list(kernel: &Kernel, memory: &dyn PhysicalMemory, types: &Types) -> Result<ProcessTable> {
    let fields = Fields::new(kernel, types)?;
    let view = kernel.view(memory);
    let init_task = kernel.symbol("init_task")?;
    let mut best = walk(view, &fields, init_task);
    for _ in 1..ATTEMPTS {
        if best.error.is_none() {
            break;
        }
        let again = walk(view, &fields, init_task);
        if again.error.is_none() || again.processes.len() > best.processes.len() {
            best = again;
        }
    }
    Ok(best)
}

/// Where the members that matter lie.
struct Fields {
    tasks: u64,
    pid: u64,
    tgid: u64,
    comm: u64,
    state: Field,
    exit_state: u64,
    flags: u64,
    real_parent: u64,
    mm: u64,
    signal: u64,
    nr_threads: u64,
    resident: ResidentMemory,
}

impl Fields {
    fn new(kernel: &Kernel, types: &Types) -> Result<Self> {
        let field = |name: &str, size: u64| {
            let field = types.offset_of("task_struct", name)?;
            if field.size == size && field.bits.is_none() {
                return Ok(field.offset);
            }
            let what = format!("its task_struct.{name} is not of {size} bytes");
            Err(Error::Unsupported { release: kernel.release().into(), what })
        };
        Ok(Self {
            tasks: field("tasks", 16)?,
            pid: field("pid", 4)?,
            tgid: field("tgid", 4)?,
            comm: field("comm", COMM_SIZE as u64)?,
            // Called `state`, and of 8 bytes, before 5.14.
            state: types
                .offset_of("task_struct", "__state")
                .or_else(|_| types.offset_of("task_struct", "state"))?,
            exit_state: field("exit_state", 4)?,
            flags: field("flags", 4)?,
            real_parent: field("real_parent", 8)?,
            mm: field("mm", 8)?,
            signal: field("signal", 8)?,
            nr_threads: types.offset_of("signal_struct", "nr_threads")?.offset,
            resident: ResidentMemory::new(kernel, types)?,
        })
    }
}

/// The address `offset` bytes after `base`.
fn at(base: u64, offset: u64) -> Result<u64> {
    base.checked_add(offset).ok_or(Error::NotKernel { va: base })
}

fn walk(view: View<'_>, fields: &Fields, init_task: u64) -> ProcessTable {
    let mut table = ProcessTable::default();
    table.error = walk_into(&mut table, view, fields, init_task).err();
    table
}

fn walk_into(table: &mut ProcessTable, view: View<'_>, fields: &Fields, init_task: u64) -> Result<()> {
    let head = at(init_task, fields.tasks)?;
    let mut seen = HashSet::new();
    let mut node = view.read_u64(head)?;
    while node != head {
        let corrupt = |what, source: Option<Error>| Error::Corrupt {
            object: "list of tasks",
            va: node,
            what,
            source: source.map(Box::new),
        };
        if !seen.insert(node) {
            return Err(corrupt("it leads back to a task in its middle", None));
        }
        if table.processes.len() == MAX_PROCESSES {
            return Err(corrupt("it is longer than any kernel's", None));
        }
        let task = node.wrapping_sub(fields.tasks);
        if node % 8 != 0 {
            return Err(corrupt("it leads to an address that no task can have", None));
        }
        let read = read_process(view, fields, task, &mut table.incomplete).and_then(|process| {
            let next = view.read_u64(node)?;
            Ok((process, next))
        });
        let (process, next) = read.map_err(|source| match source {
            source @ Error::Corrupt { .. } => source,
            source => corrupt("it leads to a task that cannot be read", Some(source)),
        })?;
        table.processes.push(process);
        node = next;
    }
    Ok(())
}

fn read_process(view: View<'_>, fields: &Fields, task: u64, incomplete: &mut Vec<Error>) -> Result<Process> {
    let pid = view.read_u32(at(task, fields.pid)?)? as i32;
    let tgid = view.read_u32(at(task, fields.tgid)?)? as i32;
    if !(1..=MAX_PID).contains(&pid) || !(1..=MAX_PID).contains(&tgid) {
        let what = "its process id is none that a kernel gives";
        return Err(Error::Corrupt { object: "task", va: task, what, source: None });
    }
    let comm: [u8; COMM_SIZE] = view.read_array(at(task, fields.comm)?)?;
    let length = comm.iter().position(|&byte| byte == 0).unwrap_or(COMM_SIZE);
    // All states are in the lower half of what was a `long` before 5.14.
    let state = view.read_u32(at(task, fields.state.offset)?)?;
    let exit_state = view.read_u32(at(task, fields.exit_state)?)?;
    let kernel_thread = view.read_u32(at(task, fields.flags)?)? & PF_KTHREAD != 0;
    let real_parent = view.read_u64(at(task, fields.real_parent)?)?;
    let signal = view.read_u64(at(task, fields.signal)?)?;
    let mm = view.read_u64(at(task, fields.mm)?)?;

    let mut or_zero = |what, result: Result<u64>| {
        result.unwrap_or_else(|source| {
            if incomplete.len() < MAX_ERRORS {
                let source = Some(Box::new(source));
                incomplete.push(Error::Corrupt { object: "task", va: task, what, source });
            }
            0
        })
    };
    let read = |base, offset| view.read_u32(at(base, offset)?).map(u64::from);
    let ppid = or_zero("its parent cannot be read", read(real_parent, fields.tgid)) as i32;
    let threads = or_zero("its signal structure cannot be read", read(signal, fields.nr_threads)) as u32;
    // A kernel thread has user memory only while it works for a process, as /proc sees it.
    let resident = match mm {
        0 => 0,
        _ if kernel_thread => 0,
        mm => or_zero("its memory descriptor cannot be read", fields.resident.read(view, mm)),
    };
    Ok(Process {
        task,
        pid,
        tgid,
        ppid,
        comm: String::from_utf8_lossy(&comm[..length]).into_owned(),
        state: state_letter(state, exit_state),
        resident,
        kernel_thread,
        threads,
    })
}

/// The letter that /proc gives for a task's state: `task_state_index()` and `task_index_to_char()` of
/// include/linux/sched.h. The states have kept their values from 4.14 on.
fn state_letter(state: u32, exit_state: u32) -> char {
    /// `TASK_UNINTERRUPTIBLE`.
    const UNINTERRUPTIBLE: u32 = 2;
    /// `TASK_REPORT`: the states that have letters of their own.
    const REPORT: u32 = 0x7f;
    /// `TASK_IDLE`: `TASK_UNINTERRUPTIBLE | TASK_NOLOAD`.
    const IDLE: u32 = UNINTERRUPTIBLE | 0x400;
    /// `TASK_RTLOCK_WAIT | TASK_FROZEN`, which count as uninterruptible.
    const AS_UNINTERRUPTIBLE: u32 = 0x1000 | 0x8000;
    const LETTERS: [char; 9] = ['R', 'S', 'D', 'T', 't', 'X', 'Z', 'P', 'I'];

    let mut reported = (state | exit_state) & REPORT;
    if state & IDLE == IDLE {
        reported = REPORT + 1;
    }
    if state & AS_UNINTERRUPTIBLE != 0 {
        reported = UNINTERRUPTIBLE;
    }
    // The number of the highest bit, counted from 1, as fls().
    LETTERS[(u32::BITS - reported.leading_zeros()) as usize]
}

#[cfg(test)]
#[path = "processes_tests.rs"]
mod tests;
