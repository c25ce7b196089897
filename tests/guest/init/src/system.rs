// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the first process asks of the kernel for the machine as a whole.

use std::ffi::{CStr, CString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::null;

use gpufas_guest_init::{MODULES_FOLDER, Ready};

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
    let memory_kib = fs::read_to_string("/proc/meminfo")?
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    Ok(Ready {
        release: text(&names.release),
        version: text(&names.version),
        cpus: u32::try_from(cpus).map_err(io::Error::other)?,
        memory_kib: memory_kib.ok_or_else(|| io::Error::other("no MemTotal in /proc/meminfo"))?,
        command_line: fs::read_to_string("/proc/cmdline")?.trim().to_owned(),
    })
}

/// Waits until one of the files can be read, and says which.
pub fn wait_readable<const N: usize>(files: [RawFd; N]) -> io::Result<[bool; N]> {
    let mut polled = files.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: an array of N entries.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, -1) }) {
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

/// Turns the guest off.
pub fn power_off() -> ! {
    // SAFETY: no pointer. Nothing is on a disk.
    unsafe { libc::reboot(libc::RB_POWER_OFF) };
    // The first process must not end: the kernel would panic.
    loop {
        std::thread::park();
    }
}
