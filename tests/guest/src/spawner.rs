// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starts programs that die with this process.
//!
//! The kernel's parent death signal is sent when the *thread* that started a program ends (prctl(2),
//! PR_SET_PDEATHSIG), and a test's thread ends long before a guest that several tests share. So one thread that
//! lasts as long as the process starts all of them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

struct Job {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();

/// Starts a program that is killed when this process ends, however it ends.
pub fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = channel();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        thread::spawn(move || {
            for job in queue {
                // Whoever asked may have gone; then the child is dropped, and dies with this process.
                let _ = job.reply.send(spawn_bound(job.command));
            }
        });
        Mutex::new(jobs)
    });
    let jobs = spawner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    jobs.send(Job { command, reply }).map_err(io::Error::other)?;
    drop(jobs);
    answer.recv().map_err(io::Error::other)?
}

fn spawn_bound(mut command: Command) -> io::Result<Child> {
    let parent = getpid();
    // Ctrl-C goes to a terminal's whole group of processes; what becomes of the program is this process's matter.
    command.process_group(0);
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have ended before the signal was asked for.
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
    command.spawn()
}
