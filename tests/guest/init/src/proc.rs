// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes as `/proc` shows them.

use std::fs;
use std::io;

use gpufas_guest_init::Process;

use crate::system;

/// All processes, kernel threads included, in the order of their ids. One that ends meanwhile is left out.
pub fn list() -> io::Result<Vec<Process>> {
    listed(|_| true)
}

/// All processes with a name, in the order of their ids. What else is known of a process takes the kernel much longer to tell, so
/// that it is asked of these only.
pub fn named(name: &str) -> io::Result<Vec<Process>> {
    // What the kernel keeps of a name.
    let name = name.get(..15).unwrap_or(name).as_bytes();
    let is_named = |pid: u32| {
        fs::read(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.strip_suffix(b"\n") == Some(name))
    };
    let mut processes = listed(is_named)?;
    // It may have another by now.
    processes.retain(|process| process.comm.as_bytes() == name);
    Ok(processes)
}

fn listed(is_meant: impl Fn(u32) -> bool) -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok())
            && is_meant(pid)
            && let Some(process) = read(pid)
        {
            processes.push(process);
        }
    }
    processes.sort_by_key(|process| process.pid);
    Ok(processes)
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    read(pid).is_some_and(|process| !matches!(process.state, 'Z' | 'X'))
}

/// The states of all processes with a name, in the order of their ids.
pub fn states(name: &str) -> io::Result<String> {
    Ok(named(name)?.iter().map(|process| process.state).collect())
}

/// Sends a signal to all processes with a name.
pub fn kill_by_name(name: &str, signal: i32) -> io::Result<()> {
    let name = name.get(..15).unwrap_or(name);
    for process in list()?.iter().filter(|process| process.comm == name) {
        match system::kill(process.pid, signal) {
            // It ended meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            other => other?,
        }
    }
    Ok(())
}

fn read(pid: u32) -> Option<Process> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&bytes))
}

/// Reads a line of `/proc/PID/stat` (`do_task_stat` in fs/proc/array.c). The name is in parentheses and may
/// hold any character, parentheses included, so it ends at the last one.
fn parse_stat(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let (comm, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted from the state, which is the third field of the line: parent 4th, resident pages 24th.
    let pages: u64 = fields.get(21)?.parse().ok()?;
    Some(Process {
        pid: pid.parse().ok()?,
        ppid: fields.get(1)?.parse().ok()?,
        comm: comm.to_owned(),
        state: fields.first()?.chars().next()?,
        rss_kib: pages.checked_mul(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "S 1 77 77 0 -1 4194560 5 0 0 0 0 0 0 0 20 0 1 0 300 2646016 96 18446744073709551615";

    #[test]
    fn stat_lines_are_read() {
        let process = parse_stat(&format!("77 (sleeper) {TAIL}")).unwrap();
        let comm = "sleeper".to_owned();
        assert_eq!(process, Process { pid: 77, ppid: 1, comm, state: 'S', rss_kib: 384 });
    }

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        assert_eq!(parse_stat(&format!("78 (a) R (b) {TAIL}")).unwrap().comm, "a) R (b");
        assert_eq!(parse_stat(&format!("79 () {TAIL}")).unwrap().comm, "");
    }

    #[test]
    fn a_cut_line_is_refused() {
        assert_eq!(parse_stat("77 (sleeper) S 1 77"), None);
        assert_eq!(parse_stat("77 (sleeper"), None);
        assert_eq!(parse_stat(""), None);
    }
}
