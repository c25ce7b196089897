// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the first process asks of the kernel for the machine as a whole.

use std::ffi::{CStr, CString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::null;

use gpufas_guest_init::{MODULES_FOLDER, MemoryUse, Ready};

use crate::children::check;

/// Mounts the kernel's file systems.
pub fn mount_all() -> io::Result<()> {
    for (kind, folder) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        fs::create_dir_all(folder)?;
        let (kind, target) = (CString::new(kind)?, CString::new(folder)?);
        // SAFETY: texts that end with a zero; these file systems take no data.
        check(unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, null()) })?;
    }
    Ok(())
}

/// What this guest is.
pub fn describe() -> io::Result<Ready> {
    let mut names = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: uname initialises the structure where it succeeds.
    let names = unsafe {
        check(libc::uname(names.as_mut_ptr()))?;
        names.assume_init()
    };
    // SAFETY: the kernel ends each text with a zero.
    let text =
        |field: &[libc::c_char]| unsafe { CStr::from_ptr(field.as_ptr()) }.to_string_lossy().into_owned();
    // SAFETY: no pointer.
    let cpus = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    Ok(Ready {
        release: text(&names.release),
        version: text(&names.version),
        cpus: u32::try_from(cpus).map_err(io::Error::other)?,
        memory_kib: memory()?.total_kib,
        command_line: fs::read_to_string("/proc/cmdline")?.trim().to_owned(),
    })
}

/// How much memory there is, and how much of it is in use.
pub fn memory() -> io::Result<MemoryUse> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let value = |name: &str| {
        let value = text.lines().find_map(|line| {
            line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix(" kB")?.parse().ok()
        });
        value.ok_or_else(|| io::Error::other(format!("no {name} in /proc/meminfo")))
    };
    Ok(MemoryUse {
        total_kib: value("MemTotal")?,
        available_kib: value("MemAvailable")?,
        swap_total_kib: value("SwapTotal")?,
        swap_free_kib: value("SwapFree")?,
    })
}

/// Waits until one of the files can be read, and says which. None can where a limited time, in milliseconds, is over.
pub fn wait_readable<const N: usize>(files: [RawFd; N], limit: Option<u16>) -> io::Result<[bool; N]> {
    let mut polled = files.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    let limit = limit.map_or(-1, i32::from);
    // SAFETY: an array of N entries.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, limit) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(polled.map(|entry| entry.revents != 0)),
    }
}

/// Reads a file that does not block until it is empty.
pub fn discard(mut file: &File) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Sends a signal to one process.
pub fn kill(pid: u32, signal: i32) -> io::Result<()> {
    // 0 and what would be negative address groups of processes.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| io::Error::other("not the id of a process"))?;
    // SAFETY: no pointer.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Loads a kernel module from the folder of modules.
pub fn load_module(name: &str, parameters: &str) -> io::Result<()> {
    let file = File::open(format!("{MODULES_FOLDER}/{name}.ko"))?;
    let parameters = CString::new(parameters)?;
    let flags: libc::c_int = 0;
    // SAFETY: an open file, and a text that ends with a zero.
    let result =
        unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), parameters.as_ptr(), flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Unloads a kernel module, unless it is used.
pub fn unload_module(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: a text that ends with a zero.
    let result = unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Writes a text to a file that is there, in one call, as files in `/sys` want it.
pub fn write_file(path: &str, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    match file.write(text.as_bytes())? {
        written if written == text.len() => Ok(()),
        written => Err(io::Error::other(format!("{written} of {} bytes were taken", text.len()))),
    }
}

/// Swaps to a block device.
pub fn swap_on(device: &str) -> io::Result<()> {
    let device = CString::new(device)?;
    // SAFETY: a text that ends with a zero.
    check(unsafe { libc::swapon(device.as_ptr(), 0) }).map(drop)
}

/// Mounts an ext4 file system on a folder.
pub fn mount(device: &str, folder: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (device, folder) = (CString::new(device)?, CString::new(folder)?);
    // SAFETY: texts that end with a zero; no data.
    check(unsafe { libc::mount(device.as_ptr(), folder.as_ptr(), c"ext4".as_ptr(), 0, null()) }).map(drop)
}

/// The real-time priority of the first process: before all that faults are made of, and after the kernel's own.
const PRIORITY: i32 = 98;

/// Keeps this process in memory, lets it run before all ordinary ones, and out of the OOM killer's reach. Processes that it starts
/// are scheduled as ordinary ones again, and their memory is ordinary, too; [`be_ordinary`] does the rest.
pub fn stay_responsive() -> io::Result<()> {
    // SAFETY: no pointer.
    check(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) })?;
    fs::write("/proc/self/oom_score_adj", "-1000")?;
    set_scheduler(libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, PRIORITY)
}

/// Takes back, in a new process, what it has inherited of [`stay_responsive`].
pub fn be_ordinary() -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", "0")
}

/// Sets this process's scheduling policy and real-time priority.
pub fn set_scheduler(policy: i32, priority: i32) -> io::Result<()> {
    // SAFETY: all of the structure's members are numbers.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    parameter.sched_priority = priority;
    // SAFETY: a local variable. The C library's own function does nothing else.
    let result = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const parameter) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Turns the guest off.
pub fn power_off() -> ! {
    // SAFETY: no pointer. Nothing is on a disk.
    unsafe { libc::reboot(libc::RB_POWER_OFF) };
    // The first process must not end: the kernel would panic.
    loop {
        std::thread::park();
    }
}
