// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that treat one signal in a given way and report what they notice.

use std::hint::black_box;
use std::io::{self, PipeWriter, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use gpufas_guest_init::{Disposition, SignalProbe, SignalReport};

use crate::children::check;

/// Where the handler writes its reports; a handler has no other way to know it.
static REPORTS: AtomicI32 = AtomicI32::new(-1);

/// A report's form in the pipe. Shorter than `PIPE_BUF`, so that two never mix.
type Raw = [u32; 6];

/// Sets the process up as the probe says.
pub fn prepare(probe: &SignalProbe, reports: &PipeWriter) -> io::Result<()> {
    REPORTS.store(reports.as_raw_fd(), Ordering::Relaxed);
    match probe.disposition {
        Disposition::Default => Ok(()),
        Disposition::Ignore => set_action(probe.signal, libc::SIG_IGN, 0),
        Disposition::Block => set_mask(libc::SIG_BLOCK, &[probe.signal]).map(drop),
        Disposition::Handle => handle(probe.signal),
        Disposition::HandleInSecondThread => {
            handle(probe.signal)?;
            let busy = probe.busy;
            thread::Builder::new().spawn(move || wait(busy))?;
            set_mask(libc::SIG_BLOCK, &[probe.signal]).map(drop)
        }
    }
}

/// Waits for ever, as the probe says, and reports a blocked signal once it is pending.
pub fn watch(probe: &SignalProbe, reports: &PipeWriter) -> io::Result<()> {
    if probe.disposition == Disposition::Block {
        if probe.busy {
            compute(|| is_pending(probe.signal));
        } else {
            while !is_pending(probe.signal) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        let report = SignalReport {
            pid: std::process::id(),
            tid: std::process::id(),
            signal: probe.signal,
            delivered: false,
            code: 0,
            sender: 0,
        };
        send(reports.as_raw_fd(), &report);
    }
    wait(probe.busy);
    Ok(())
}

/// Takes one report from the pipe.
pub fn receive(mut reports: impl Read) -> io::Result<SignalReport> {
    let mut bytes = [0; size_of::<Raw>()];
    reports.read_exact(&mut bytes)?;
    let mut words = bytes.chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap_or_default()));
    let mut next = || words.next().unwrap_or_default();
    Ok(SignalReport {
        pid: next(),
        tid: next(),
        signal: next().cast_signed(),
        delivered: next() != 0,
        code: next().cast_signed(),
        sender: next(),
    })
}

/// Computes until the condition holds.
pub fn compute(mut until: impl FnMut() -> bool) {
    let mut counter = 0_u64;
    while !until() {
        counter = black_box(counter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Sets, widens or narrows the calling thread's signal mask and returns the set that was given.
pub fn set_mask(how: i32, signals: &[i32]) -> io::Result<libc::sigset_t> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set; the others read it.
    unsafe {
        check(libc::sigemptyset(set.as_mut_ptr()))?;
        for signal in signals {
            check(libc::sigaddset(set.as_mut_ptr(), *signal))?;
        }
        match libc::pthread_sigmask(how, set.as_ptr(), std::ptr::null_mut()) {
            0 => Ok(set.assume_init()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

fn wait(busy: bool) {
    if busy {
        compute(|| false);
    }
    loop {
        // SAFETY: no pointer.
        unsafe { libc::pause() };
    }
}

fn is_pending(signal: i32) -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigpending initialises the set where it returns 0.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), signal) == 1 }
}

fn handle(signal: i32) -> io::Result<()> {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
    set_action(signal, handler as usize, libc::SA_SIGINFO)
}

fn set_action(signal: i32, handler: usize, flags: i32) -> io::Result<()> {
    // SAFETY: an all-zero action is a valid one (default action, empty mask); the handler has the form
    // that its flags name, and does only what a handler may.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        check(libc::sigaction(signal, &raw const action, std::ptr::null_mut())).map(drop)
    }
}

extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO; for signals of kill(2) and of
    // the kernel the sender's id is there (or zero).
    let (code, sender) = unsafe { ((*info).si_code, (*info).si_pid()) };
    // SAFETY: no pointer; both may be called in a handler.
    let (pid, tid) = unsafe { (libc::getpid(), libc::gettid()) };
    let (pid, tid, sender) = (pid.cast_unsigned(), tid.cast_unsigned(), sender.cast_unsigned());
    let report = SignalReport { pid, tid, signal, delivered: true, code, sender };
    send(REPORTS.load(Ordering::Relaxed), &report);
}

fn send(pipe: i32, report: &SignalReport) {
    let raw: Raw = [
        report.pid,
        report.tid,
        report.signal.cast_unsigned(),
        u32::from(report.delivered),
        report.code.cast_unsigned(),
        report.sender,
    ];
    // SAFETY: write(2) may be called in a handler; the buffer is a local variable of the given size. A
    // report that cannot be written cannot be told of either.
    unsafe { libc::write(pipe, raw.as_ptr().cast(), size_of::<Raw>()) };
}
