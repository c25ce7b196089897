// SPDX-License-Identifier: MIT OR Apache-2.0

//! The processes that the first process starts, and what becomes of them.
//!
//! The first process has one thread, so a forked child may use all of the standard library. Each child says
//! through a pipe when it has become what it is to be, and its parent waits for that.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;

use gpufas_guest_init::{ProcessEvent, SignalProbe};

use crate::probe;

/// What a child does once its parent knows that it is up.
pub enum Kind<'a> {
    Sleeper,
    Runaway,
    Hog { mib: u32, busy: bool },
    Probe { probe: &'a SignalProbe, reports: &'a PipeWriter },
}

/// Starts `count` processes and waits until each is what it is to be.
///
/// # Errors
///
/// Where the kernel starts no more processes, or one ended before it was up: those that were started stay.
pub fn spawn(count: u32, name: &str, kind: &Kind) -> io::Result<Vec<u32>> {
    let name = CString::new(name).map_err(io::Error::other)?;
    let (mut up, tell) = pipe()?;
    let mut pids = Vec::new();
    for _ in 0..count {
        // SAFETY: this process has one thread, so the child inherits no lock in an unknown state.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()),
            0 => {
                // A child must not return into the first process's own work.
                let status = i32::from(become_child(&name, kind, tell).is_err());
                // SAFETY: no destructor is needed; the kernel takes everything back.
                unsafe { libc::_exit(status) }
            }
            pid => pids.push(pid.cast_unsigned()),
        }
    }
    drop(tell);
    wait_until_up(&mut up, count)?;
    Ok(pids)
}

fn wait_until_up(up: &mut PipeReader, count: u32) -> io::Result<()> {
    for number in 0..count {
        up.read_exact(&mut [0])
            .map_err(|_| io::Error::other(format!("only {number} of {count} came up; is memory short?")))?;
    }
    Ok(())
}

fn become_child(name: &CString, kind: &Kind, tell: PipeWriter) -> io::Result<()> {
    let keep = match kind {
        Kind::Probe { reports, .. } => reports.as_raw_fd(),
        _ => -1,
    };
    close_all_but([tell.as_raw_fd(), keep]);
    // SAFETY: the name ends with a zero; the kernel copies 16 bytes at most.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) })?;
    // The first process blocks SIGCHLD, for its signalfd; a child starts with nothing blocked.
    probe::set_mask(libc::SIG_SETMASK, &[])?;
    match kind {
        Kind::Sleeper => up(tell)?,
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
    }
    loop {
        // SAFETY: no pointer.
        unsafe { libc::pause() };
    }
}

fn up(mut tell: PipeWriter) -> io::Result<()> {
    tell.write_all(&[1])
}

/// Allocates memory and writes to every page of it. It is never given back.
fn fill(mib: u32) -> io::Result<()> {
    let length = usize::try_from(mib).map_err(io::Error::other)? << 20;
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    for offset in (0..length).step_by(4096) {
        // SAFETY: within the new mapping, which nothing else knows.
        unsafe { start.cast::<u8>().add(offset).write_volatile(1) };
    }
    Ok(())
}

fn close_all_but(mut keep: [i32; 2]) {
    keep.sort_unstable();
    let mut from = 3;
    for fd in keep.into_iter().filter(|fd| *fd >= 3) {
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

/// Tells of every child that ended, stopped or went on since the last call.
pub fn reap(mut tell: impl FnMut(ProcessEvent) -> io::Result<()>) -> io::Result<()> {
    loop {
        let mut status = 0;
        let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
        // SAFETY: the status is a local variable.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
        if pid <= 0 {
            return Ok(());
        }
        let pid = pid.cast_unsigned();
        tell(if libc::WIFEXITED(status) {
            ProcessEvent::Exited { pid, code: libc::WEXITSTATUS(status) }
        } else if libc::WIFSIGNALED(status) {
            ProcessEvent::Killed { pid, signal: libc::WTERMSIG(status) }
        } else if libc::WIFSTOPPED(status) {
            ProcessEvent::Stopped { pid, signal: libc::WSTOPSIG(status) }
        } else {
            ProcessEvent::Continued { pid }
        })?;
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
