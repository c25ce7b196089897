// SPDX-License-Identifier: MIT OR Apache-2.0

//! How processes are scheduled: their policies, processors and groups.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::Path;
use std::ptr::null;

use crate::children::check;

/// Where control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// Changes the policy, the real-time priority and the nice level of a process.
pub fn set(pid: u32, policy: i32, priority: i32, nice: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: the parameters are a local variable.
    check(unsafe { libc::sched_setscheduler(pid.cast_signed(), policy, &raw const parameters) })?;
    // SAFETY: no pointer.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, pid, nice) }).map(drop)
}

/// Lets a process run on one processor only.
pub fn pin(pid: u32, cpu: u32) -> io::Result<()> {
    let cpu = usize::try_from(cpu).map_err(io::Error::other)?;
    // SAFETY: a set of bits, of which none is set; CPU_SET checks the number.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: the set is a local variable of that size.
    check(unsafe { libc::sched_setaffinity(pid.cast_signed(), size_of_val(&set), &raw const set) }).map(drop)
}

/// Makes a control group with the `cpu` controller.
pub fn make_group(name: &str) -> io::Result<()> {
    let root = Path::new(GROUPS);
    if !root.join("cgroup.procs").exists() {
        let (kind, target) = (c"cgroup2", CString::new(GROUPS)?);
        // SAFETY: texts that end with a zero; the file system takes no data.
        check(unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, null()) })?;
        fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
    }
    fs::create_dir(root.join(name))
}
