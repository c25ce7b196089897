// SPDX-License-Identifier: MIT OR Apache-2.0

//! The first process of a test guest. It mounts the kernel's file systems, says that it is up, and then does
//! what the host asks for on the second serial port. It has one thread and never ends by itself.

mod children;
mod control;
mod kmsg;
mod probe;
mod proc;
mod system;

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::AsRawFd;

use gpufas_guest_init::{Command, Event, ProcessEvent, Reply};

use children::Kind;
use control::Control;
use kmsg::KernelLog;

/// The port that the host speaks on.
const CONTROL_PORT: &str = "/dev/ttyS1";

fn main() {
    if std::process::id() != 1 {
        eprintln!("this program is the first process of a test guest and runs nowhere else");
        std::process::exit(2);
    }
    if let Err(error) = run() {
        // The kernel's console, which the host keeps.
        eprintln!("gpufas-guest-init: {error}; turning the guest off");
        system::power_off();
    }
}

struct Init {
    control: Control,
    kernel_log: KernelLog,
    /// Both ends of the pipe that the signal probes report through.
    reports: (PipeReader, PipeWriter),
}

fn run() -> io::Result<()> {
    system::mount_all()?;
    let child_changes = children::changes()?;
    let mut init =
        Init { control: Control::open(CONTROL_PORT)?, kernel_log: KernelLog::open()?, reports: pipe()? };
    init.control.send(&Event::Ready(system::describe()?))?;
    let files =
        [init.control.fd(), init.kernel_log.fd(), child_changes.as_raw_fd(), init.reports.0.as_raw_fd()];
    loop {
        let [request, message, change, report] = system::wait_readable(files)?;
        if message {
            init.kernel_log.gather()?;
        }
        if report {
            let report = probe::receive(&init.reports.0)?;
            init.control.send(&Event::Process(ProcessEvent::Signal(report)))?;
        }
        if change {
            system::discard(&child_changes)?;
            children::reap(|event| init.control.send(&Event::Process(event)))?;
        }
        if request {
            init.serve()?;
        }
    }
}

impl Init {
    /// Serves the requests that have come. Only a broken control line is an error: what a request fails with
    /// is its reply.
    fn serve(&mut self) -> io::Result<()> {
        for request in self.control.receive()? {
            match request {
                Ok(request) => match self.execute(request.id, request.command) {
                    Ok(Some(reply)) => self.control.reply(request.id, reply)?,
                    Ok(None) => {}
                    Err(error) => {
                        self.control.reply(request.id, Reply::Failed { message: error.to_string() })?;
                    }
                },
                // No request has the id 0, so this reaches the host as a broken set-up.
                Err(message) => self.control.reply(0, Reply::Failed { message })?,
            }
        }
        Ok(())
    }

    /// Does what a command says. No reply: it was sent already, in parts.
    fn execute(&mut self, id: u64, command: Command) -> io::Result<Option<Reply>> {
        let spawned = |pids| Some(Reply::Spawned { pids });
        Ok(match command {
            Command::SpawnSleepers { count, name } => spawned(children::spawn(count, &name, &Kind::Sleeper)?),
            Command::SpawnRunaway { name } => spawned(children::spawn(1, &name, &Kind::Runaway)?),
            Command::SpawnHog { name, mib, busy } => {
                spawned(children::spawn(1, &name, &Kind::Hog { mib, busy })?)
            }
            Command::SpawnSignalProbe(probe) => {
                let kind = Kind::Probe { probe: &probe, reports: &self.reports.1 };
                spawned(children::spawn(1, &probe.name, &kind)?)
            }
            Command::ListProcesses => {
                self.control.reply_in_parts(id, &proc::list()?, Reply::Processes)?;
                None
            }
            Command::CheckAlive { pids } => {
                let (alive, gone) = pids.into_iter().partition(|pid| proc::is_alive(*pid));
                Some(Reply::Alive { alive, gone })
            }
            Command::KernelLog { after } => {
                self.kernel_log.gather()?;
                self.control.reply_in_parts(id, self.kernel_log.after(after), Reply::KernelLog)?;
                None
            }
            Command::Kill { pid, signal } => {
                system::kill(pid, signal)?;
                Some(Reply::Done)
            }
            Command::WriteKernelLog { level, text } => {
                kmsg::write(level, &text)?;
                Some(Reply::Done)
            }
            Command::Sysrq { key } => {
                std::fs::write("/proc/sysrq-trigger", key.to_string())?;
                Some(Reply::Done)
            }
            Command::LoadModule { name, parameters } => {
                system::load_module(&name, &parameters)?;
                Some(Reply::Done)
            }
            Command::UnloadModule { name } => {
                system::unload_module(&name)?;
                Some(Reply::Done)
            }
            Command::ReadFile { path } => Some(Reply::Text { text: std::fs::read_to_string(path)? }),
            Command::WriteFile { path, text } => {
                system::write_file(&path, &text)?;
                Some(Reply::Done)
            }
            Command::PowerOff => {
                self.control.reply(id, Reply::Done)?;
                self.control.drain()?;
                system::power_off();
            }
        })
    }
}
