// SPDX-License-Identifier: MIT OR Apache-2.0

//! What processes do until they are ended.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use gpufas_guest_init::Activity;

use crate::children::check;
use crate::{probe, system};

/// How long a process of a fork bomb waits after the kernel has refused it a child, for which it had copied most of the parent. A
/// thousand that try for ever leave no processor time for anything.
const FORK_PAUSE: Duration = Duration::from_secs(1);

/// The parts of a device that are read: its first pages hold its partition table, which the kernel has read.
const DEVICE_PAGES: u64 = 4096;

const PAGE: usize = 4096;

/// Becomes another user, before anything else.
pub fn become_user(user: u32) -> io::Result<()> {
    if user == 0 {
        return Ok(());
    }
    // SAFETY: no pointer.
    check(unsafe { libc::setgid(user) })?;
    // SAFETY: no pointer.
    check(unsafe { libc::setuid(user) }).map(drop)
}

/// What must be done before the parent is told that the process is ready.
pub fn prepare(activity: &Activity) -> io::Result<()> {
    match activity {
        Activity::ReadDevice { device } => File::open(device).map(drop),
        _ => Ok(()),
    }
}

/// Does it, for ever.
pub fn perform(activity: &Activity) -> io::Result<()> {
    match activity {
        Activity::Compute => probe::compute(|| false),
        Activity::ComputeRealTime { priority } => {
            system::set_scheduler(libc::SCHED_FIFO, i32::from(*priority))?;
            probe::compute(|| false);
        }
        Activity::Sleep { milliseconds } => loop {
            thread::sleep(Duration::from_millis(*milliseconds));
        },
        Activity::Stop => loop {
            // SAFETY: no pointer.
            check(unsafe { libc::raise(libc::SIGSTOP) })?;
        },
        Activity::ReadPipe => {
            let (mut reader, _writer) = pipe()?;
            reader.read_exact(&mut [0])?;
        }
        Activity::ReadDevice { device } => read_device(device)?,
        Activity::WaitForChild => wait_for_child()?,
        Activity::Threads { count } => {
            for number in 1..*count {
                let computes = number % 2 == 1;
                thread::Builder::new()
                    .spawn(move || if computes { probe::compute(|| false) } else { sleep() })?;
            }
            sleep();
        }
        Activity::PidNamespace { first, other } => pid_namespace(first, other)?,
        Activity::ForkBomb => fork_bomb(),
        Activity::WriteMemory { mib } => write_memory(*mib)?,
    }
    Ok(())
}

fn sleep() {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn read_device(device: &str) -> io::Result<()> {
    let device = File::open(device)?;
    // SAFETY: no pointer. Without it, much more than a page would be read at a time.
    unsafe { libc::posix_fadvise(device.as_raw_fd(), 0, 0, libc::POSIX_FADV_RANDOM) };
    let mut page = u64::from(std::process::id());
    loop {
        page = page.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        device.read_exact_at(&mut [0], ((page >> 33) % DEVICE_PAGES) * PAGE as u64)?;
    }
}

/// Starts a child as `vfork(2)` does, on a stack of its own, since it lives on.
fn wait_for_child() -> io::Result<()> {
    const STACK: usize = 64 << 10;

    extern "C" fn child(_: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the name is a string. Nothing is touched of the memory that is the parent's, but for errno.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::prctl(libc::PR_SET_NAME, c"child".as_ptr());
            loop {
                libc::pause();
            }
        }
    }

    let stack = allocate(STACK)?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the end of a mapping that nothing else knows is the stack of a function that never returns.
    check(unsafe { libc::clone(child, stack.add(STACK).cast(), flags, std::ptr::null_mut()) })?;
    Err(io::Error::other("the child has ended"))
}

/// Starts the first process of a new pid namespace, and by that another there.
fn pid_namespace(first: &str, other: &str) -> io::Result<()> {
    // SAFETY: no pointer.
    check(unsafe { libc::unshare(libc::CLONE_NEWPID) })?;
    if !fork()? {
        // SAFETY: no pointer.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        let name = CString::new(if fork()? { first } else { other })?;
        // SAFETY: a string.
        check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) })?;
    }
    sleep();
    Ok(())
}

/// Whether this is the parent, of two processes.
fn fork() -> io::Result<bool> {
    // SAFETY: this process has one thread.
    check(unsafe { libc::fork() }).map(|child| child != 0)
}

fn fork_bomb() {
    loop {
        // SAFETY: this process has one thread, and the child goes on with the same loop.
        if unsafe { libc::fork() } < 0 {
            thread::sleep(FORK_PAUSE);
        }
    }
}

/// Allocates memory, and writes to each page of it again and again.
fn write_memory(mib: u32) -> io::Result<()> {
    let length = usize::try_from(mib).map_err(io::Error::other)? << 20;
    let start = allocate(length)?;
    let mut value = 0_u8;
    loop {
        value = value.wrapping_add(1);
        for offset in (0..length).step_by(PAGE) {
            // SAFETY: within the mapping, which nothing else knows.
            unsafe { start.add(offset).write_volatile(value) };
        }
    }
}

/// A new private mapping of that many bytes. It is never given back.
pub fn allocate(length: usize) -> io::Result<*mut u8> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let flags = flags | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start.cast()) }
}
