// SPDX-License-Identifier: MIT OR Apache-2.0

//! The processes that the first process starts, and what becomes of them.
//!
//! The first process has one thread, so a forked child may use all of the standard library. Each child says
//! through a pipe when it has become what it is to be, and its parent waits for that.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;

use gpufas_guest_init::{ProcessEvent, SignalProbe, Work};

use crate::{probe, system, work};

/// What a child does once its parent knows that it is up.
pub enum Kind<'a> {
    Sleeper,
    /// In a session, and so in an autogroup, of its own.
    SessionLeader,
    Runaway,
    Hog {
        mib: u32,
        busy: bool,
    },
    Probe {
        probe: &'a SignalProbe,
        reports: &'a PipeWriter,
    },
    Work(&'a Work),
}

/// Starts `count` processes and waits until each is what it is to be. Those that work begin once all are there: the first
/// would take the processors from the others.
///
/// # Errors
///
/// Where the kernel starts no more processes, or one ended before it was up: those that were started stay.
pub fn spawn(count: u32, name: &str, kind: &Kind) -> io::Result<Vec<u32>> {
    let name = CString::new(name).map_err(io::Error::other)?;
    let (mut up, tell) = pipe()?;
    let (wait, go) = pipe()?;
    let mut keep = vec![tell.as_raw_fd(), wait.as_raw_fd()];
    if let Kind::Probe { reports, .. } = kind {
        keep.push(reports.as_raw_fd());
    }
    let pids = match kind {
        // What they have in common is done once: to start and to end a thousand takes an emulated processor seconds.
        Kind::Sleeper | Kind::Work(_) if count > 1 => {
            let (ids, tell_ids) = pipe()?;
            keep.push(tell_ids.as_raw_fd());
            let mother = fork(&keep, &name, || bear(count, kind, (&tell, &wait, tell_ids)))?;
            let pids = read_ids(ids, count);
            // They are children of the first process from then on.
            wait_for(mother)?;
            pids?
        }
        _ => {
            let start = || fork(&keep, &name, || become_child(kind, &tell, &wait));
            (0..count).map(|_| start()).collect::<io::Result<_>>()?
        }
    };
    drop(tell);
    wait_until_up(&mut up, count)?;
    drop(go);
    Ok(pids)
}

/// Starts a process with that name that does something and ends, with these files open and no others. Its status is 1
/// if it fails; why is said on the console.
///
/// # Errors
///
/// Where the kernel starts no more processes.
pub fn fork(keep: &[i32], name: &CStr, run: impl FnOnce() -> io::Result<()>) -> io::Result<u32> {
    // SAFETY: this process has one thread, so the child inherits no lock in an unknown state.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // A child must not return into the first process's own work.
            let result = prepare_child(keep, name).and_then(|()| run());
            if let Err(error) = &result {
                eprintln!("gpufas-guest-init: {}: {error}", name.to_string_lossy());
            }
            // SAFETY: no destructor is needed; the kernel takes everything back.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
        pid => Ok(pid.cast_unsigned()),
    }
}

fn prepare_child(keep: &[i32], name: &CStr) -> io::Result<()> {
    close_all_but(keep);
    // SAFETY: the name ends with a zero; the kernel copies 16 bytes at most.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) })?;
    // The first process blocks SIGCHLD, for its signalfd; a child starts with nothing blocked.
    probe::set_mask(libc::SIG_SETMASK, &[])?;
    system::be_ordinary()
}

/// Starts children that are as this process is, tells the id of each or, negative, the error that there is no more, and ends.
fn bear(
    count: u32,
    kind: &Kind,
    (tell, wait, mut tell_ids): (&PipeWriter, &PipeReader, PipeWriter),
) -> io::Result<()> {
    if let Kind::Work(Work { user, .. }) = kind {
        work::become_user(*user)?;
    }
    let mut ids = Vec::with_capacity(usize::try_from(count).map_err(io::Error::other)? * size_of::<i32>());
    for _ in 0..count {
        // SAFETY: this process has one thread, so the child inherits no lock in an unknown state.
        let id = match unsafe { libc::fork() } {
            -1 => -io::Error::last_os_error().raw_os_error().unwrap_or(libc::EAGAIN),
            0 => {
                drop(tell_ids);
                return begin(kind, tell, wait);
            }
            pid => pid,
        };
        ids.extend(id.to_ne_bytes());
        if id < 0 {
            break;
        }
    }
    // At once: the first process comes before all others, and would wake up for each.
    tell_ids.write_all(&ids)
}

/// The ids that [`bear`] tells.
fn read_ids(mut ids: PipeReader, count: u32) -> io::Result<Vec<u32>> {
    let read = |_| {
        let mut bytes = [0; size_of::<i32>()];
        ids.read_exact(&mut bytes)?;
        let id = i32::from_ne_bytes(bytes);
        u32::try_from(id).map_err(|_| io::Error::from_raw_os_error(-id))
    };
    (0..count).map(read).collect()
}

/// Waits until a child has ended.
fn wait_for(pid: u32) -> io::Result<()> {
    loop {
        // SAFETY: no status is asked for.
        match unsafe { libc::waitpid(pid.cast_signed(), std::ptr::null_mut(), 0) } {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            result => return check(result).map(drop),
        }
    }
}

fn wait_until_up(up: &mut PipeReader, count: u32) -> io::Result<()> {
    let mut left = usize::try_from(count).map_err(io::Error::other)?;
    let mut bytes = [0; 4096];
    while left > 0 {
        let most = left.min(bytes.len());
        match up.read(&mut bytes[..most])? {
            0 => {
                let message = format!("{left} of {count} did not come up; is memory short?");
                return Err(io::Error::other(message));
            }
            read => left -= read,
        }
    }
    Ok(())
}

fn become_child(kind: &Kind, tell: &PipeWriter, wait: &PipeReader) -> io::Result<()> {
    if let Kind::Work(Work { user, .. }) = kind {
        work::become_user(*user)?;
    }
    begin(kind, tell, wait)
}

/// Does what a child is for. Of a thousand, what each does before it is up, each page that it writes to included, takes long.
fn begin(kind: &Kind, tell: &PipeWriter, mut wait: &PipeReader) -> io::Result<()> {
    match kind {
        Kind::Sleeper => up(tell)?,
        Kind::SessionLeader => {
            // SAFETY: no pointer.
            check(unsafe { libc::setsid() })?;
            up(tell)?;
        }
        Kind::Runaway => {
            up(tell)?;
            probe::compute(|| false);
        }
        Kind::Hog { mib, busy } => {
            fill(*mib)?;
            up(tell)?;
            if *busy {
                probe::compute(|| false);
            }
        }
        Kind::Probe { probe, reports } => {
            probe::prepare(probe, reports)?;
            up(tell)?;
            probe::watch(probe, reports)?;
        }
        Kind::Work(Work { activity, .. }) => {
            work::prepare(activity)?;
            up(tell)?;
            // Nobody writes: it ends when the parent closes its side, which no child has.
            while wait.read(&mut [0])? > 0 {}
            close_range(FIRST_FILE, i32::MAX);
            work::perform(activity)?;
        }
    }
    loop {
        // SAFETY: no pointer.
        unsafe { libc::pause() };
    }
}

fn up(mut tell: &PipeWriter) -> io::Result<()> {
    tell.write_all(&[1])
}

/// Allocates memory and writes to every page of it. It is never given back.
fn fill(mib: u32) -> io::Result<()> {
    let length = usize::try_from(mib).map_err(io::Error::other)? << 20;
    let start = work::allocate(length)?;
    for offset in (0..length).step_by(4096) {
        // SAFETY: within the new mapping, which nothing else knows.
        unsafe { start.add(offset).write_volatile(1) };
    }
    Ok(())
}

/// The first descriptor after those of the standard files.
const FIRST_FILE: i32 = 3;

fn close_all_but(keep: &[i32]) {
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    let mut from = FIRST_FILE;
    for fd in keep {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, i32::MAX);
}

fn close_range(from: i32, to: i32) {
    if from <= to {
        // SAFETY: the child uses none of these any more. An error leaves them open, which harms nothing.
        unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) };
    }
}

/// What became of children.
#[derive(Default)]
pub struct Children {
    /// Those of which the host is told.
    told: HashSet<u32>,
}

impl Children {
    /// Lets the host be told of what becomes of these.
    pub fn tell_of(&mut self, pids: &[u32]) {
        self.told.extend(pids);
    }

    /// Calls `ended` with every child that ended since the last call, those of others that ended before them included;
    /// and `tell` with what the host is to know.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub fn reap(
        &mut self,
        mut ended: impl FnMut(u32, i32) -> io::Result<()>,
        mut tell: impl FnMut(ProcessEvent) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let mut status = 0;
            let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
            // SAFETY: the status is a local variable.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
            if pid <= 0 {
                return Ok(());
            }
            let pid = pid.cast_unsigned();
            let has_ended = libc::WIFEXITED(status) || libc::WIFSIGNALED(status);
            if has_ended {
                ended(pid, status)?;
            }
            let is_told = if has_ended { self.told.remove(&pid) } else { self.told.contains(&pid) };
            if is_told {
                tell(event(pid, status))?;
            }
        }
    }
}

/// What a status of waitpid(2) means.
fn event(pid: u32, status: i32) -> ProcessEvent {
    if libc::WIFEXITED(status) {
        ProcessEvent::Exited { pid, code: libc::WEXITSTATUS(status) }
    } else if libc::WIFSIGNALED(status) {
        ProcessEvent::Killed { pid, signal: libc::WTERMSIG(status) }
    } else if libc::WIFSTOPPED(status) {
        ProcessEvent::Stopped { pid, signal: libc::WSTOPSIG(status) }
    } else {
        ProcessEvent::Continued { pid }
    }
}

/// A file that becomes readable when a child ends, stops or goes on. Blocks `SIGCHLD`.
pub fn changes() -> io::Result<File> {
    use std::os::fd::FromRawFd;
    let mask = probe::set_mask(libc::SIG_BLOCK, &[libc::SIGCHLD])?;
    // SAFETY: the set is initialised.
    let fd = check(unsafe { libc::signalfd(-1, &raw const mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// The result of a system call, or its error.
pub fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
