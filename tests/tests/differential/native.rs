// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a function on a scene at ordinary addresses, in a process of its own.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, bail};
use gpufas::arguments::Value;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::machine::Machine;
use crate::memory::{Memory, PAGE_SIZE};
use crate::programs::Native;
use crate::scene::Scene;
use crate::symbols;
use crate::zone::Zone;

/// Seconds that a function may take.
const LIMIT: libc::c_uint = 20;

/// What came of it: the result, and the memory by kernel address, its pointers those of the process.
pub struct Outcome {
    /// What the function returned.
    pub result: i32,
    /// All of the scene.
    pub memory: Memory,
}

/// The address in the process of what is at a kernel address in a zone.
pub fn to_native(machine: &Machine, address: u64) -> Option<u64> {
    machine.zones.iter().find_map(|zone| zone.to_native(address))
}

/// The reverse of [`to_native`].
pub fn to_kernel(machine: &Machine, native: u64) -> Option<u64> {
    machine.zones.iter().find_map(|zone| zone.to_kernel(native))
}

/// Runs a function.
///
/// # Errors
///
/// If it does not end regularly: then the function is at fault, or the scene.
pub fn run(machine: &Machine, scene: &Scene, function: Native, arguments: &[Value]) -> Result<Outcome> {
    let descriptor =
        memfd_create(c"gpufas-native", MemfdFlags::CLOEXEC).context("cannot create a file in memory")?;
    let file = File::from(descriptor);
    // The first page takes the result.
    let mut offset = PAGE_SIZE;
    let mut places: Vec<(&Zone, u64)> = Vec::new();
    for zone in &machine.zones {
        places.push((zone, offset));
        offset += zone.end() - zone.start();
    }
    file.set_len(offset).context("cannot size a file in memory")?;
    let place = |address: u64| {
        let inside = |(zone, _): &&(&Zone, u64)| (zone.start()..zone.end()).contains(&address);
        places.iter().find(inside).map(|(zone, offset)| offset + (address - zone.start()))
    };

    let mut contents = scene.contents.clone();
    for (at, target) in &scene.pointers {
        let target = to_native(machine, *target).context("a pointer out of the scene")?;
        contents.write(*at, &target.to_le_bytes());
    }
    for (address, page) in contents.pages() {
        let at = place(address).context("a page out of all zones")?;
        file.write_all_at(page, at).context("cannot write the scene")?;
    }

    let base = this_cpu(machine, scene).and_then(|area| to_native(machine, area));
    let base = base.context("this CPU has no variables")?;
    let strings: Vec<CString> = arguments
        .iter()
        .filter_map(|value| match value {
            Value::String(text) => CString::new(text.clone()).ok(),
            Value::Number(_) => None,
        })
        .collect();
    let mut string = strings.iter();
    let mut registers = [0; 6];
    for (register, value) in registers.iter_mut().zip(arguments) {
        *register = match value {
            // The scene's root is the only kernel address among the arguments.
            Value::Number(number) if *number == scene.root => to_native(machine, *number).unwrap_or(0),
            Value::Number(number) => *number,
            Value::String(_) => string.next().map_or(0, |text| text.as_ptr() as u64),
        };
    }

    // SAFETY: the child calls nothing but the system and the function, which works on what is mapped for it.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()).context("cannot start a process"),
        0 => child(&file, &places, base, function, registers),
        pid => wait(pid),
    }?;

    let mut result = [0; 4];
    file.read_exact_at(&mut result, 0).context("cannot read the result")?;
    let mut memory = Memory::default();
    for (address, _) in scene.contents.pages() {
        let mut page = [0; PAGE_SIZE as usize];
        let at = place(address).context("a page out of all zones")?;
        file.read_exact_at(&mut page, at).context("cannot read the scene")?;
        memory.insert(address, page);
    }
    Ok(Outcome { result: i32::from_le_bytes(result), memory })
}

/// The kernel address of this CPU's variables.
pub fn this_cpu(machine: &Machine, scene: &Scene) -> Option<u64> {
    let offsets = machine.layout.image_start + symbols::offset("__per_cpu_offset");
    let entry = offsets + symbols::THIS_CPU * 8;
    scene.pointers.iter().find(|(at, _)| **at == entry).map(|(_, target)| *target)
}

/// The process of the function, for which `base` is where this CPU's variables are. It allocates nothing: another thread of its parent may have held a lock.
fn child(file: &File, places: &[(&Zone, u64)], base: u64, function: Native, registers: [u64; 6]) -> ! {
    /// `ARCH_SET_GS` of arch/x86/include/uapi/asm/prctl.h.
    const SET_GS: libc::c_int = 0x1001;
    // SAFETY: takes no pointers; ends the process if the function does not.
    unsafe { libc::alarm(LIMIT) };
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid. A dump of the memory would help nobody.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    let map = |address: u64, size: u64, offset: u64| {
        // SAFETY: with this flag nothing that is mapped is replaced.
        let mapped = unsafe {
            libc::mmap(
                address as *mut libc::c_void,
                size as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED
                    | libc::MAP_NORESERVE
                    | if address == 0 { 0 } else { libc::MAP_FIXED_NOREPLACE },
                file.as_raw_fd(),
                offset as libc::off_t,
            )
        };
        if mapped == libc::MAP_FAILED || (address != 0 && mapped as u64 != address) {
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(3) };
        }
        mapped
    };
    for (zone, offset) in places {
        map(zone.native(), zone.end() - zone.start(), *offset);
    }
    // SAFETY: nothing in this process but the function uses the segment.
    if unsafe { libc::syscall(libc::SYS_arch_prctl, SET_GS, base) } != 0 {
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(4) };
    }
    let result = map(0, PAGE_SIZE, 0).cast::<i32>();
    let [a, b, c, d, e, f] = registers;
    // SAFETY: the function's parameters are integers and pointers into what is mapped; the result's page is mapped.
    // Whatever goes wrong ends this process alone.
    unsafe {
        result.write(function(a, b, c, d, e, f));
        libc::_exit(0)
    }
}

fn wait(pid: libc::pid_t) -> Result<()> {
    let mut status = 0;
    loop {
        // SAFETY: the process is a child of this one that was not waited for yet.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error).context("cannot wait for a process");
        }
    }
    match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
        (true, 0) => Ok(()),
        (true, code) => bail!("the native run could not be set up ({code})"),
        _ => bail!("the native run was ended by signal {}", libc::WTERMSIG(status)),
    }
}
