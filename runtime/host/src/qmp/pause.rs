// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pausing a guest so that it always runs again.

use super::Qmp;
use crate::error::{Error, Result};

/// A guest that is paused as long as this lives. Dropping it lets the guest run again if it was this that
/// paused it, and only then: a guest that somebody else paused stays paused.
///
/// Only `SIGKILL` leaves a guest paused; `cont` in any monitor lets it run again.
pub struct Pause<'a> {
    qmp: &'a mut Qmp,
    ours: bool,
}

impl<'a> Pause<'a> {
    /// Pauses the guest.
    ///
    /// # Errors
    /// Those of [`Qmp::execute`]; [`Error::GuestState`] if the guest runs nevertheless.
    pub fn new(qmp: &'a mut Qmp) -> Result<Self> {
        let before = qmp.run_state()?;
        qmp.take_events();
        // From here on the guest is let go again, even if the answer to `stop` is never seen.
        let mut pause = Self { qmp, ours: before.running };
        if !before.running {
            return Ok(pause);
        }
        pause.qmp.stop()?;
        let after = pause.qmp.run_state()?;
        if after.running {
            return Err(Error::GuestState { wanted: "paused", state: after.status });
        }
        // QEMU sends STOP when its state changes (vm_stop() in system/cpus.c). If it did not, somebody else
        // has paused the guest since we looked, and wants it to stay so.
        pause.ours = pause.qmp.take_events().iter().any(|event| event.name == "STOP");
        Ok(pause)
    }

    /// Whether the guest will run again at the end, that is: whether it was this that paused it.
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// The connection.
    pub fn qmp(&mut self) -> &mut Qmp {
        self.qmp
    }

    /// Lets the guest run again if it was this that paused it.
    ///
    /// # Errors
    /// Those of [`Qmp::execute`]; [`Error::GuestState`] if the guest does not run.
    pub fn resume(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.ours) {
            return Ok(());
        }
        match self.qmp.cont() {
            // The connection is lost for answers, but QEMU may still read what we send.
            Err(Error::QmpClosed { .. } | Error::QmpTimeout { .. } | Error::QmpBroken { .. })
                if self.qmp.cont_blindly().is_ok() =>
            {
                Ok(())
            }
            Err(error) => Err(error),
            Ok(()) => {
                let state = self.qmp.run_state()?;
                if state.running {
                    return Ok(());
                }
                Err(Error::GuestState { wanted: "resumed", state: state.status })
            }
        }
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        match self.end() {
            // A guest whose QEMU has ended is not paused.
            Ok(()) | Err(Error::QmpClosed { .. }) => {}
            Err(error) => {
                eprintln!(
                    "gpufas: warning: the guest may still be paused: {error}; say cont in QEMU's monitor"
                );
            }
        }
    }
}
