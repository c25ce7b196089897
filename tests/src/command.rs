// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs `gpufas` and keeps what it said.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::tools::{Target, Tools};

/// No run takes that long; one that does hangs, and is ended.
const LIMIT: Duration = Duration::from_secs(180);

/// Time that a killed command has to be gone. One that a driver of the kernel's holds may take for ever.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The guest that a command is for.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A running one: the path of its monitor's socket.
    Qmp(&'a Path),
    /// A memory dump.
    Dump(&'a Path),
}

impl Source<'_> {
    fn arguments(&self) -> [&OsStr; 2] {
        match self {
            Self::Qmp(path) => ["--qmp".as_ref(), path.as_os_str()],
            Self::Dump(path) => ["--memory".as_ref(), path.as_os_str()],
        }
    }
}

/// `gpufas ps`.
pub fn ps(tools: &Tools, source: Source) -> Command {
    let mut command = Command::new(tools.gpufas());
    command.arg("ps").args(source.arguments());
    command
}

/// `gpufas run` of a program that was compiled for a target, with its entry point's arguments. Options can be
/// added as long as none were given here.
pub fn run(
    tools: &Tools,
    (program, target): (&Path, Target),
    entry: &str,
    source: Source,
    options: &[&str],
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(tools.gpufas());
    command.arg("run").arg(program).arg(entry).args(source.arguments()).args(["--device", target.name()]);
    command.args(options).arg("--").args(arguments);
    command
}

/// Lets a command be ended by signals also where the tests run in the background: whoever starts them there may ignore
/// interrupts, and so would what the tests start.
pub fn heed_signals(command: &mut Command) {
    // SAFETY: signal() is async-signal-safe, and nothing else happens between fork and exec.
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
}

/// Lets a command be killed when the thread that started it ends, and so with the tests, however they end: one that waits for a
/// GPU would hold it for ever.
fn end_with_this_process(command: &mut Command) {
    // SAFETY: prctl() is async-signal-safe, and takes no pointers here.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// The command.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

impl Ran {
    /// Runs a command to its end.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or does not end.
    pub fn of(command: Command) -> Result<Self> {
        Running::start(command)?.finish()
    }

    /// Checks the exit status.
    ///
    /// # Errors
    ///
    /// All that the command said, if it is another.
    pub fn with_status(self, status: i32) -> Result<Self> {
        ensure!(
            self.status.code() == Some(status),
            "{} should have ended with status {status}, and ended with {}\noutput:\n{}\nerrors:\n{}",
            self.command,
            self.status,
            self.output,
            self.errors
        );
        Ok(self)
    }

    /// Checks that it ended with that status and one error message on standard error that holds all of `parts`.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn with_one_error(self, status: i32, parts: &[&str]) -> Result<Self> {
        let ran = self.with_status(status)?;
        let messages = ran.errors.lines().filter(|line| line.starts_with("gpufas: error: ")).count();
        let rest = ran.errors.lines().filter(|line| line.starts_with("gpufas: ")).count() - messages;
        ensure!((messages, rest) == (1, 0), "this should be one error message:\n{}", ran.errors);
        for part in parts {
            ensure!(ran.errors.contains(part), "{part:?} should be part of the message:\n{}", ran.errors);
        }
        Ok(ran)
    }

    /// Its standard output as one JSON object.
    ///
    /// # Errors
    ///
    /// If it is not one.
    pub fn json(&self) -> Result<Value> {
        let value: Value = serde_json::from_str(&self.output)
            .with_context(|| format!("{} should print one JSON object: {}", self.command, self.output))?;
        ensure!(value.is_object() && value["form"] == 1, "an object of another form: {value}");
        Ok(value)
    }
}

/// A command that runs.
pub struct Running {
    command: String,
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    /// All of its standard error, once that has ended.
    errors: Receiver<String>,
    start: Instant,
}

impl Running {
    /// Starts a command.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let text = format!("{command:?}");
        heed_signals(&mut command);
        end_with_this_process(&mut command);
        let mut child = command.spawn().with_context(|| format!("cannot run {text}"))?;
        let output = child.stdout.take().context("no standard output")?;
        let mut errors = child.stderr.take().context("no standard error")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|size| size > 0) {
                // Whoever waits may have given up.
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let (sender, all_errors) = channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until an error is better than nothing.
            let _ = errors.read_to_end(&mut bytes);
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
        let (seen, start) = (Vec::new(), Instant::now());
        Ok(Self { command: text, child, lines, seen, errors: all_errors, start })
    }

    /// Waits until it prints a line that holds `text`.
    ///
    /// # Errors
    ///
    /// If it ends without, or hangs.
    pub fn wait_for(&mut self, text: &str) -> Result<()> {
        loop {
            match self.next_line()? {
                Some(line) if line.contains(text) => return Ok(()),
                Some(_) => {}
                None => bail!("{} ended without {text:?}: {}", self.command, self.seen.concat()),
            }
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).context("cannot send a signal")
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn finish(mut self) -> Result<Ran> {
        while self.next_line()?.is_some() {}
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            self.check_time()?;
            thread::sleep(Duration::from_millis(2));
        };
        // What it started may have kept its standard error open, and may go on.
        let errors = self.errors.recv_timeout(LIMIT.saturating_sub(self.start.elapsed()));
        let errors = errors.with_context(|| format!("{} left its standard error open", self.command))?;
        let (command, output) = (std::mem::take(&mut self.command), self.seen.concat());
        Ok(Ran { command, status, output, errors })
    }

    /// The next line of its output; none at the end.
    fn next_line(&mut self) -> Result<Option<String>> {
        loop {
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    return Ok(Some(line));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => self.check_time()?,
            }
        }
    }

    fn check_time(&self) -> Result<()> {
        ensure!(self.start.elapsed() < LIMIT, "{} hangs; it said: {}", self.command, self.seen.concat());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < KILL_LIMIT {
            thread::sleep(Duration::from_millis(2));
        }
    }
}
