// SPDX-License-Identifier: MIT OR Apache-2.0

//! One try of a program on a guest: the guest is paused for it if need be, and gets the interrupts that the program asks for.

use crate::error::{Error, Result};
use crate::launch::{NotTakenBack, Outcome};
use crate::memory::GuestMemory;
use crate::message_interrupt::{self, Interrupt, Sender};
use crate::qmp::{Pause, Qmp};
use gpufas_abi::InterruptRequest;
use gpufas_kernel::Kernel;
use std::time::Instant;

/// What a try is made of.
pub(crate) struct Plan<'a> {
    /// The guest's kernel.
    pub(crate) kernel: &'a Kernel,
    /// The guest's memory.
    pub(crate) memory: &'a GuestMemory,
    /// Whether the guest is paused meanwhile.
    pub(crate) pauses: bool,
    /// Whether the program may ask for interrupts, and they are to be sent.
    pub(crate) interrupts: bool,
    /// Whether what the program writes is of use as a whole only.
    pub(crate) all_or_nothing: bool,
}

/// What came of a try.
pub(crate) struct Attempt {
    /// What came of the program.
    pub(crate) outcome: Outcome,
    /// Whether the guest was paused for it, or had been before.
    pub(crate) paused: bool,
    /// Whether it was this that paused the guest.
    pub(crate) ours: bool,
    /// The interrupts that were sent.
    pub(crate) interrupts: Vec<Interrupt>,
    /// Why none could be sent, if they were to be.
    pub(crate) no_interrupts: Option<Error>,
    /// What went wrong with the guest after the program had ended.
    pub(crate) guest_error: Option<Error>,
}

impl Plan<'_> {
    /// Makes a try. `check` is called before anything else once the guest stands still; `run` with whether the interrupts
    /// that the program asks for are sent.
    ///
    /// # Errors
    /// Those of `check` and `run`, and of pausing the guest.
    pub(crate) fn attempt(
        &self,
        qmp: Option<&mut Qmp>,
        check: impl FnOnce() -> Result<()>,
        run: impl FnOnce(bool) -> Result<Outcome>,
    ) -> Result<Attempt> {
        match qmp {
            Some(qmp) if self.pauses => self.while_paused(qmp, check, run),
            qmp => self.while_running(qmp, check, run),
        }
    }

    /// The guest stands still from before the program until its interrupts are sent.
    fn while_paused(
        &self,
        qmp: &mut Qmp,
        check: impl FnOnce() -> Result<()>,
        run: impl FnOnce(bool) -> Result<Outcome>,
    ) -> Result<Attempt> {
        let mut pause = Pause::new(qmp)?;
        check()?;
        let ours = pause.is_ours();
        let (mut sender, no_interrupts) = self.open(pause.qmp());
        let mut outcome = run(sender.is_some());
        if let (Ok(outcome), true) = (&mut outcome, self.all_or_nothing) {
            outcome.whole_or_nothing(self.memory);
        }
        let requests = outcome.as_ref().map(requests).unwrap_or_default();
        let sent = match &mut sender {
            Some(sender) => sender.send(&requests),
            None => Ok(()),
        };
        let closed = sender.map_or(Ok(()), |sender| sender.close(pause.qmp()));
        let mut outcome = outcome?;
        let sent = sent.or_else(|source| self.make_good(&mut outcome, pause.qmp(), &requests, source));
        let start = Instant::now();
        let resumed = pause.resume();
        // If there was nothing to resume, see whether QEMU is still there.
        let reachable = resumed.and_then(|()| qmp.run_state().map(drop));
        let interrupts = match &sent {
            Ok(()) if ours && reachable.is_ok() => {
                message_interrupt::wait(self.kernel, self.memory, &requests, start)
            }
            Ok(()) => message_interrupt::unknown(&requests),
            Err(_) => Vec::new(),
        };
        let guest_error = sent.and(closed).and(reachable).err();
        Ok(Attempt { outcome, paused: true, ours, interrupts, no_interrupts, guest_error })
    }

    /// The guest runs on, but for a moment before in which it is seen that interrupts can be sent, and one after in which
    /// they are.
    fn while_running(
        &self,
        mut qmp: Option<&mut Qmp>,
        check: impl FnOnce() -> Result<()>,
        run: impl FnOnce(bool) -> Result<Outcome>,
    ) -> Result<Attempt> {
        check()?;
        let (mut available, mut no_interrupts) = (false, None);
        if let Some(qmp) = qmp.as_deref_mut().filter(|_| self.interrupts) {
            let mut pause = Pause::new(qmp)?;
            let (sender, reason) = self.open(pause.qmp());
            available = sender.is_some();
            no_interrupts = reason;
            sender.map_or(Ok(()), |sender| sender.close(pause.qmp()))?;
            pause.resume()?;
        }
        let outcome = run(available)?;
        let requests = requests(&outcome);
        let mut interrupts = Vec::new();
        let mut guest_error = None;
        if let Some(qmp) = qmp {
            let sent = match requests.is_empty() {
                true => Ok(None),
                false => message_interrupt::persist(|| send_at_once(qmp, &requests)),
            };
            guest_error = match sent {
                Ok(start) => {
                    interrupts = match start {
                        Some(start) => message_interrupt::wait(self.kernel, self.memory, &requests, start),
                        None => message_interrupt::unknown(&requests),
                    };
                    qmp.run_state().err()
                }
                // What the program wrote cannot be taken back.
                Err(source) => {
                    Some(Error::InterruptsNotSent { source: source.into(), kept: Some(NotTakenBack::WentOn) })
                }
            };
        }
        Ok(Attempt { outcome, paused: false, ours: false, interrupts, no_interrupts, guest_error })
    }

    /// The way to the guest's CPUs, or why there is none.
    fn open(&self, qmp: &mut Qmp) -> (Option<Sender>, Option<Error>) {
        if !self.interrupts {
            return (None, None);
        }
        match Sender::open(qmp) {
            Ok(sender) => (Some(sender), None),
            Err(error) => (None, Some(error)),
        }
    }

    /// Takes back what a program wrote whose interrupts could not be sent: a kernel that finds an entry on a CPU's queue takes
    /// it for granted that the interrupt is under way. What cannot be taken back gets its interrupts, if they can be sent after
    /// all.
    fn make_good(
        &self,
        outcome: &mut Outcome,
        qmp: &mut Qmp,
        requests: &[InterruptRequest],
        source: Error,
    ) -> Result<()> {
        let not_sent = |source: Error, kept| Error::InterruptsNotSent { source: source.into(), kept };
        match outcome.take_back(self.memory) {
            Ok(()) => Err(not_sent(source, None)),
            Err(reason) => message_interrupt::persist(|| Sender::send_at_once(qmp, requests))
                .map_err(|source| not_sent(source, Some(reason))),
        }
    }
}

/// Sends interrupts to a guest, and says when it was let go with them; none if somebody else has paused it.
fn send_at_once(qmp: &mut Qmp, requests: &[InterruptRequest]) -> Result<Option<Instant>> {
    let mut pause = Pause::new(qmp)?;
    let sent = Sender::send_at_once(pause.qmp(), requests);
    let start = pause.is_ours().then(Instant::now);
    pause.resume()?;
    sent.map(|()| start)
}

/// The interrupts that have to be sent: none, if nothing that the program wrote is in the guest's memory.
fn requests(outcome: &Outcome) -> Vec<InterruptRequest> {
    if outcome.stores_kept { outcome.interrupts.clone() } else { Vec::new() }
}
