// SPDX-License-Identifier: MIT OR Apache-2.0

//! SIGINT, SIGTERM and SIGHUP as a flag, so that a run ends in order: program stopped, guest resumed.

use std::sync::atomic::{AtomicI32, Ordering};

/// The last signal that asked this process to end; 0 if there was none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Signals that ask the process to end.
const SIGNALS: [(libc::c_int, &str); 3] =
    [(libc::SIGINT, "SIGINT"), (libc::SIGTERM, "SIGTERM"), (libc::SIGHUP, "SIGHUP")];

extern "C" fn note(signal: libc::c_int) {
    SIGNAL.store(signal, Ordering::Relaxed);
}

/// Makes those signals set a flag from now on instead of ending this process. System calls are not
/// restarted, so that a wait ends at once. A signal that was ignored stays ignored (`nohup`).
pub fn install() {
    for (signal, _) in SIGNALS {
        // SAFETY: a zeroed sigaction is a valid one, the handler only stores to an atomic, and both
        // pointers are valid for the calls.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut old);
            if old.sa_sigaction == libc::SIG_IGN {
                continue;
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as *const () as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// The name of the signal that asked this process to end, if one did.
pub fn pending() -> Option<&'static str> {
    let number = SIGNAL.load(Ordering::Relaxed);
    SIGNALS.iter().find(|(signal, _)| *signal == number).map(|(_, name)| *name)
}

/// Gives those signals their default action again; for the child that runs a program.
pub(crate) fn restore_default() {
    for (signal, _) in SIGNALS {
        // SAFETY: SIG_DFL is a valid action for each of them.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
