// SPDX-License-Identifier: MIT OR Apache-2.0

//! The parent process, which outlives whatever happens in the one that compiles.
//!
//! It owns the temporary folder, so that nothing is left behind when the compiler crashes or is killed, and turns a crash
//! into a message and an exit status.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tempfile::TempDir;

use crate::crash;
use crate::error::{Error, INPUT_AT_FAULT, MACHINE_AT_FAULT};
use crate::messages::Messages;
use crate::output;

/// Exit status of the child if it has met an internal error and noted the reason. Nobody else sees it.
pub const INTERNAL: u8 = 86;

/// Signals that ask the compiler to end.
const ENDING: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// The folder for intermediate files inside the temporary folder.
pub fn intermediate(temporary: &Path) -> PathBuf {
    temporary.join("work")
}

fn record(temporary: &Path) -> PathBuf {
    temporary.join("crash")
}

/// How the child ended.
enum End {
    Exited(u8),
    Killed(libc::c_int),
}

/// Runs `work` in a child process and returns its exit status. `work` gets a folder for intermediate files, which is gone
/// afterwards; `outputs` are the files that it may be writing when it is killed.
///
/// This must be called before the process has started any thread.
pub fn run(messages: &Messages, outputs: &[PathBuf], work: impl FnOnce(&Path) -> u8) -> ExitCode {
    // Before there is a folder that a signal could leave behind.
    let signals = Signals::block();
    let temporary = match tempfile::Builder::new().prefix("gpufas-cc-").tempdir() {
        Ok(temporary) => temporary,
        Err(source) => {
            signals.restore();
            messages.plain_error(&Error::Write { path: std::env::temp_dir(), source }.to_string());
            return ExitCode::from(MACHINE_AT_FAULT);
        }
    };
    // SAFETY: no other thread exists yet that could hold a lock.
    let child = unsafe { libc::fork() };
    match child {
        0 => {
            signals.restore();
            // The parent's folder: it alone removes it.
            let folder = temporary.keep();
            std::process::exit(work_in(&folder, messages, work).into())
        }
        child if child > 0 => conclude(messages, temporary, outputs, child.unsigned_abs(), signals),
        _ => {
            let error = std::io::Error::last_os_error();
            messages.plain_error(&format!("cannot start a process: {error}"));
            ExitCode::from(MACHINE_AT_FAULT)
        }
    }
}

/// The child's part.
fn work_in(temporary: &Path, messages: &Messages, work: impl FnOnce(&Path) -> u8) -> u8 {
    // SAFETY: asks for a signal when the parent is gone: then nobody waits for the result.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
    let folder = intermediate(temporary);
    match crash::begin(&record(temporary)).and_then(|()| std::fs::create_dir(&folder)) {
        Ok(()) => work(&folder),
        Err(source) => {
            messages.plain_error(&Error::Write { path: folder, source }.to_string());
            MACHINE_AT_FAULT
        }
    }
}

/// The parent's part: waits, and says what happened.
fn conclude(
    messages: &Messages,
    temporary: TempDir,
    outputs: &[PathBuf],
    child: u32,
    signals: Signals,
) -> ExitCode {
    let end = signals.wait(child);
    if !matches!(end, End::Exited(_)) {
        outputs.iter().for_each(|output| output::remove_leftovers(output, child));
    }
    let signal = match end {
        // A panic ends with Rust's own status.
        End::Exited(INTERNAL | 101) => None,
        End::Exited(status) => return ExitCode::from(status),
        End::Killed(signal) if ENDING.contains(&signal) => {
            drop(temporary);
            return die_of(signal, signals);
        }
        End::Killed(libc::SIGKILL) => {
            messages.plain_error("it was killed, most likely because the machine ran out of memory");
            return ExitCode::from(MACHINE_AT_FAULT);
        }
        End::Killed(signal) => Some(signal),
    };
    if let Some(input) = crash::read_suspect(&record(temporary.path())) {
        let reason =
            "LLVM crashes when it reads this: it is damaged, or was made by a version of LLVM after 22";
        messages.plain_error(&Error::Input { path: input, reason: reason.into() }.to_string());
        return ExitCode::from(INPUT_AT_FAULT);
    }
    let (stage, reason) = crash::read(&record(temporary.path()));
    let reason = reason.unwrap_or_else(|| match signal {
        Some(libc::SIGSEGV) => "it crashed with a segmentation fault".to_owned(),
        Some(signal) => format!("it was ended by signal {signal}"),
        None => "the reason is not known".to_owned(),
    });
    let kept = temporary.keep();
    // Only the record is of use.
    let _ = std::fs::remove_dir_all(intermediate(&kept));
    messages.plain_error(&format!("internal error while {stage}: {reason}"));
    messages.plain_note(&format!(
        "nothing was written; please report this with the files in {}: the command line and what it was about",
        record(&kept).display()
    ));
    if crash::is_reproducible(&record(&kept)) {
        messages.plain_note(&format!("sh {} does it again", crash::script(&record(&kept)).display()));
    }
    ExitCode::from(MACHINE_AT_FAULT)
}

/// Ends this process as its child was ended, so that a shell or make sees it.
fn die_of(signal: libc::c_int, signals: Signals) -> ExitCode {
    signals.restore();
    // SAFETY: sends this process a signal whose action is the default one.
    unsafe { libc::raise(signal) };
    ExitCode::from(MACHINE_AT_FAULT)
}

/// Signals held back so that they can be waited for, and the mask that was there before.
struct Signals {
    waited: libc::sigset_t,
    before: libc::sigset_t,
}

impl Signals {
    fn block() -> Self {
        // Whoever started us may have it ignored, and then children cannot be waited for.
        // SAFETY: the default action of a signal.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
        // SAFETY: a signal set is plain data that sigemptyset initialises; all pointers are to locals.
        unsafe {
            let mut waited = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigemptyset(&mut waited);
            for signal in ENDING.into_iter().chain([libc::SIGCHLD]) {
                libc::sigaddset(&mut waited, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &waited, &mut before);
            Self { waited, before }
        }
    }

    fn restore(&self) {
        // SAFETY: `before` was filled in by the kernel.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }

    /// Waits for the child's end and hands it the signals that come meanwhile.
    fn wait(&self, child: u32) -> End {
        let child = child.cast_signed();
        loop {
            let (mut signal, mut status) = (0, 0);
            // SAFETY: pointers to locals; the child is ours and not yet waited for.
            unsafe {
                libc::sigwait(&self.waited, &mut signal);
                if signal != libc::SIGCHLD {
                    libc::kill(child, signal);
                }
                if libc::waitpid(child, &mut status, libc::WNOHANG) != child {
                    continue;
                }
            }
            return if libc::WIFSIGNALED(status) {
                End::Killed(libc::WTERMSIG(status))
            } else {
                End::Exited(libc::WEXITSTATUS(status).try_into().unwrap_or(MACHINE_AT_FAULT))
            };
        }
    }
}
