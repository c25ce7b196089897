// SPDX-License-Identifier: MIT OR Apache-2.0

//! The first process of a test guest. It mounts the kernel's file systems, says that it is up, and then does
//! what the host asks for on the second serial port. It has one thread and never ends by itself.

mod answer;
mod children;
mod control;
mod health;
mod kmsg;
mod probe;
mod proc;
mod scheduling;
mod system;
mod waiting;
mod work;

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use gpufas_guest_init::{Command, Event, ProcessEvent, Reply};

use answer::Answerer;
use children::{Children, Kind};
use control::Control;
use kmsg::KernelLog;
use waiting::Waiting;

/// The port that the host speaks on.
const CONTROL_PORT: &str = "/dev/ttyS1";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(health::ARGUMENT) {
        if let Err(error) = health::check() {
            eprintln!("gpufas-guest-init: health: {error}");
            std::process::exit(1);
        }
        return;
    }
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
    children: Children,
    answerer: Answerer,
    waiting: Waiting,
}

fn run() -> io::Result<()> {
    system::mount_all()?;
    let child_changes = children::changes()?;
    let mut init = Init {
        control: Control::open(CONTROL_PORT)?,
        kernel_log: KernelLog::open()?,
        reports: pipe()?,
        children: Children::default(),
        answerer: Answerer::default(),
        waiting: Waiting::default(),
    };
    init.control.send(&Event::Ready(system::describe()?))?;
    loop {
        let limit = init.waiting.limit();
        let files = [
            init.control.fd(),
            init.kernel_log.fd(),
            // poll(2) takes no notice of a negative one.
            if limit.is_none() { child_changes.as_raw_fd() } else { -1 },
            init.reports.0.as_raw_fd(),
            init.answerer.fd(),
        ];
        let [request, message, change, report, answer] = system::wait_readable(files, limit)?;
        if message {
            init.kernel_log.gather()?;
        }
        if report {
            let report = probe::receive(&init.reports.0)?;
            init.control.send(&Event::Process(ProcessEvent::Signal(report)))?;
        }
        if change || limit.is_some() {
            system::discard(&child_changes)?;
            init.reap()?;
        }
        if answer && let Some((id, answered)) = init.answerer.take() {
            let ended = || Reply::Failed { message: "the process that answers has ended".to_owned() };
            init.control.reply(id, if answered { Reply::Done } else { ended() })?;
        }
        for (id, reply) in init.waiting.look()? {
            init.control.reply(id, reply)?;
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

    /// Takes note of what became of children.
    fn reap(&mut self) -> io::Result<()> {
        // Both tell the host.
        let control = std::cell::RefCell::new(&mut self.control);
        let waiting = &mut self.waiting;
        let ended = |pid, status| match waiting.ended(pid, status) {
            Some((id, reply)) => control.borrow_mut().reply(id, reply),
            None => Ok(()),
        };
        self.children.reap(ended, |event| control.borrow_mut().send(&Event::Process(event)))
    }

    /// Starts processes of which the host is told what becomes of them.
    fn spawn(&mut self, count: u32, name: &str, kind: &Kind) -> io::Result<Option<Reply>> {
        let pids = children::spawn(count, name, kind)?;
        self.children.tell_of(&pids);
        Ok(Some(Reply::Spawned { pids }))
    }

    /// Does what a command says. No reply: it was sent already, in parts.
    fn execute(&mut self, id: u64, command: Command) -> io::Result<Option<Reply>> {
        Ok(match command {
            Command::SpawnSessionLeaders { count, name } => self.spawn(count, &name, &Kind::SessionLeader)?,
            Command::Schedule { pid, policy, priority, nice } => {
                scheduling::set(pid, policy, priority, nice)?;
                Some(Reply::Done)
            }
            Command::Pin { pid, cpu } => {
                scheduling::pin(pid, cpu)?;
                Some(Reply::Done)
            }
            Command::MakeCpuGroup { name } => {
                scheduling::make_group(&name)?;
                Some(Reply::Done)
            }
            Command::SpawnSleepers { count, name } => self.spawn(count, &name, &Kind::Sleeper)?,
            Command::SpawnRunaway { name } => self.spawn(1, &name, &Kind::Runaway)?,
            Command::SpawnHog { name, mib, busy } => self.spawn(1, &name, &Kind::Hog { mib, busy })?,
            Command::SpawnSignalProbe(probe) => {
                let reports = self.reports.1.try_clone()?;
                self.spawn(1, &probe.name, &Kind::Probe { probe: &probe, reports: &reports })?
            }
            Command::Spawn(work) if work.told => self.spawn(work.count, &work.name, &Kind::Work(&work))?,
            Command::Spawn(work) => {
                let pids = children::spawn(work.count, &work.name, &Kind::Work(&work))?;
                Some(Reply::Spawned { pids })
            }
            Command::Run { program, arguments } => {
                let run = || {
                    // As a shell's own, or a service's.
                    // SAFETY: no pointer.
                    children::check(unsafe { libc::setsid() })?;
                    Err(std::process::Command::new(&program).args(&arguments).exec())
                };
                let pids = vec![children::fork(&[], c"starting", run)?];
                self.children.tell_of(&pids);
                Some(Reply::Spawned { pids })
            }
            Command::StayResponsive => {
                system::stay_responsive()?;
                Some(Reply::Done)
            }
            Command::Answer => {
                self.answerer.ask(id)?;
                None
            }
            Command::CheckHealth => {
                let run = || Err(std::process::Command::new("/init").arg(health::ARGUMENT).exec());
                self.waiting.for_end(children::fork(&[], c"health", run)?, id);
                None
            }
            Command::KillByName { name, signal } => {
                let run = || proc::kill_by_name(&name, signal);
                self.waiting.for_end(children::fork(&[], c"killer", run)?, id);
                None
            }
            Command::WaitUntilGone { name, milliseconds } => {
                self.waiting.until_gone(id, name, Duration::from_millis(milliseconds));
                None
            }
            Command::States { name } => Some(Reply::States(proc::states(&name)?)),
            Command::Find { name } => {
                let pids = proc::named(&name)?.iter().map(|process| process.pid).collect();
                Some(Reply::Found { pids })
            }
            Command::Fork => {
                children::fork(&[], c"tried", || Ok(()))?;
                Some(Reply::Done)
            }
            Command::Memory => Some(Reply::Memory(system::memory()?)),
            Command::SwapOn { device } => {
                system::swap_on(&device)?;
                Some(Reply::Done)
            }
            Command::Mount { device, folder } => {
                system::mount(&device, &folder)?;
                Some(Reply::Done)
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
