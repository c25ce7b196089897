// SPDX-License-Identifier: MIT OR Apache-2.0

//! How long it takes until a process has acted on a signal, for each way to make it run. The table is for docs/scheduling.md.
//!
//! `cargo bench -p gpufas-tests --bench scheduling -- KERNEL [ROWS]`, with the tools as `cargo xtask test` names them in the environment; ROWS is
//! a part of the names of those rows that are measured.
//!
//! A process gets SIGSTOP. The time is that from QEMU's event `RESUME`, which says when the guest was let go with all that the program
//! wrote and its interrupts, to when the process's state in the guest's memory says that it has stopped, as a thread on the host sees that
//! looks every [`LOOK`]. So a run ends when the process has run and has acted on its signal in the kernel.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::Activity;
use gpufas_tests::command::{Ran, run};
use gpufas_tests::damage::Memory;
use gpufas_tests::machine::{LIMIT, Machine, Model};
use gpufas_tests::repair::KILL;
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::wait;
use serde_json::Value;

/// Runs of each row.
const RUNS: usize = 30;

/// How often the host looks at the process's state.
const LOOK: Duration = Duration::from_micros(20);

/// Time for the guest to come to rest before each run.
const REST: Duration = Duration::from_millis(100);

/// The processor that is measured.
const CPU: u32 = 2;

/// `TASK_INTERRUPTIBLE` and `__TASK_STOPPED` of include/linux/sched.h.
const TASK_INTERRUPTIBLE: u64 = 1;
const TASK_STOPPED: u64 = 4;

/// What is measured: a way, and who gets the signal.
struct Row {
    name: &'static str,
    schedule: &'static str,
    options: &'static [&'static str],
    subject: Subject,
    /// Whether another process computes on its processor.
    busy: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Subject {
    SleepsForGood,
    SleepsForMoments,
    Computes,
}

const NEVER: &[&str] = &["--interrupts", "never"];

const ROWS: &[Row] = &[
    row("wake queue, idle", "wake-queue", &[], Subject::SleepsForGood, false),
    row("wake queue, busy", "wake-queue", &[], Subject::SleepsForGood, true),
    row("run queue, idle", "run-queue", &[], Subject::SleepsForGood, false),
    row("run queue, busy", "run-queue", &[], Subject::SleepsForGood, true),
    row("run queue without an interrupt, idle", "run-queue", NEVER, Subject::SleepsForGood, false),
    row("run queue without an interrupt, busy", "run-queue", NEVER, Subject::SleepsForGood, true),
    row("signal only, sleeps 10 ms at a time", "wake-queue", NEVER, Subject::SleepsForMoments, false),
    row("signal only, computes", "wake-queue", NEVER, Subject::Computes, false),
];

const fn row(
    name: &'static str,
    schedule: &'static str,
    options: &'static [&'static str],
    subject: Subject,
    busy: bool,
) -> Row {
    Row { name, schedule, options, subject, busy }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let kernel = arguments.next().unwrap_or_else(|| "6.1".into());
    let wanted = arguments.next().unwrap_or_default();
    let tools = Tools::for_guest(Path::new(env!("CARGO_TARGET_TMPDIR")), &kernel)?;
    let machine = Machine::boot(&tools, Model { cpus: 4, memory_mib: 512, sleepers: 5, ..Model::default() })?;
    println!("{}, 4 processors, {RUNS} runs each, in milliseconds", machine.guest().ready().release);
    println!("| way | least | median | most |\n| --- | --- | --- | --- |");
    for row in ROWS.iter().filter(|row| row.name.contains(&wanted)) {
        let mut times = measure(&machine, row).with_context(|| row.name)?;
        times.sort_unstable();
        let [least, most] = [times.first(), times.last()].map(|time| time.copied().map(milliseconds));
        let median = times.get(times.len() / 2).copied().map(milliseconds);
        let text = |time: Option<String>| time.unwrap_or_default();
        println!("| {} | {} | {} | {} |", row.name, text(least), text(median), text(most));
    }
    machine.check_unharmed()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

fn measure(machine: &Machine, row: &Row) -> Result<Vec<Duration>> {
    let (guest, tools) = (machine.guest(), machine.tools());
    let program = match row.schedule {
        "wake-queue" => tools.compile(KILL, Target::Host)?,
        schedule => tools.compile_scheduled(KILL, Target::Host, schedule, &[])?,
    };
    let pid = match row.subject {
        Subject::SleepsForGood => guest.spawn_sleepers(1, "subject")?[0],
        Subject::SleepsForMoments => guest.spawn_active("subject", Activity::Sleep { milliseconds: 10 })?,
        Subject::Computes => guest.spawn_runaway("subject")?,
    };
    guest.pin(pid, CPU)?;
    let busy = if row.busy { Some(guest.spawn_runaway("busy")?) } else { None };
    busy.map(|busy| guest.pin(busy, CPU)).transpose()?;
    let memory = machine.memory()?;
    let state = state_address(memory, pid)?;
    // It moves to its processor.
    guest.kill(pid, libc::SIGSTOP)?;
    let mut times = Vec::new();
    while times.len() < RUNS {
        wait::until("the process has stopped", LIMIT, || is_stopped(memory, state))?;
        guest.kill(pid, libc::SIGCONT)?;
        wait::until("the process goes on", LIMIT, || {
            let now = read_state(memory, state)?;
            Ok(if row.subject == Subject::SleepsForGood {
                now & TASK_INTERRUPTIBLE != 0
            } else {
                now & TASK_STOPPED == 0
            })
        })?;
        thread::sleep(REST);
        let (sender, ran) = channel();
        let events = Events::listen(machine)?;
        let (program, options) = (program.clone(), row.options);
        let stopped = thread::scope(|scope| {
            scope.spawn(|| {
                let arguments = ["--pid", &pid.to_string(), "--signal", "STOP"];
                let result = Ran::of(machine.with_source(|guest| {
                    run(tools, (&program, Target::Host), "kill", guest, options, &arguments)
                }));
                // Whoever waits may have given up.
                let _ = sender.send(result);
            });
            watch(memory, state)
        })?;
        ran.recv()??.with_status(0)?;
        times.push(stopped.duration_since(events.resumed_before(stopped)?).unwrap_or_default());
    }
    guest.kill(pid, libc::SIGKILL)?;
    busy.map(|busy| guest.kill(busy, libc::SIGKILL)).transpose()?;
    Ok(times)
}

/// Where the state of a process is in the guest's memory.
fn state_address(memory: &Memory, pid: u32) -> Result<u64> {
    let task = memory.task(pid)?;
    // `state` until 5.13.
    let offset =
        memory.offset_of("task_struct", "__state").or_else(|_| memory.offset_of("task_struct", "state"))?;
    Ok(task + offset)
}

fn read_state(memory: &Memory, address: u64) -> Result<u64> {
    Ok(memory.read(address)? & 0xffff_ffff)
}

fn is_stopped(memory: &Memory, address: u64) -> Result<bool> {
    Ok(read_state(memory, address)? & TASK_STOPPED != 0)
}

/// When the process has stopped.
fn watch(memory: &Memory, state: u64) -> Result<SystemTime> {
    let start = SystemTime::now();
    while !is_stopped(memory, state)? {
        ensure!(start.elapsed()? < LIMIT, "the process has not stopped");
        thread::sleep(LOOK);
    }
    Ok(SystemTime::now())
}

/// What QEMU says of the guest's being paused and let go.
struct Events(BufReader<UnixStream>);

impl Events {
    fn listen(machine: &Machine) -> Result<Self> {
        let mut stream = UnixStream::connect(machine.monitor_socket())?;
        stream.write_all(b"{\"execute\": \"qmp_capabilities\"}\n")?;
        let mut events = Self(BufReader::new(stream));
        // The greeting and the answer.
        while !events.next()?.contains("\"return\"") {}
        Ok(events)
    }

    fn next(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.0.read_line(&mut line)? > 0, "QEMU is gone");
        Ok(line)
    }

    /// When the guest was let go last before a time.
    fn resumed_before(mut self, time: SystemTime) -> Result<SystemTime> {
        // All that was said until now.
        self.0.get_mut().write_all(b"{\"execute\": \"query-version\"}\n")?;
        let mut resumed = None;
        loop {
            let line: Value = serde_json::from_str(&self.next()?)?;
            if !line["return"].is_null() {
                return resumed.context("the guest was not let go");
            }
            let said = &line["timestamp"];
            if line["event"] == "RESUME"
                && let (Some(seconds), Some(micros)) =
                    (said["seconds"].as_u64(), said["microseconds"].as_u64())
            {
                let at = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
                if at <= time {
                    resumed = Some(at);
                }
            }
        }
    }
}
