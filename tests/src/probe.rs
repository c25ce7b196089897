// SPDX-License-Identifier: MIT OR Apache-2.0

//! A process that tells what becomes of its signals, and what the guest says of any.

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::protocol::{Disposition, ProcessEvent, SignalProbe, SignalReport};
use gpufas_guest::{Guest, GuestEvent};

use crate::machine::LIMIT;
use crate::wait;

/// Starts a process that treats a signal in a given way.
///
/// # Errors
///
/// Those of the guest; if it is otherwise.
pub fn probe(guest: &Guest, signal: i32, disposition: Disposition, busy: bool) -> Result<u32> {
    Ok(guest.spawn_signal_probe(SignalProbe { name: "probe".into(), signal, disposition, busy })?)
}

/// How many events of a kind there were.
pub fn count(guest: &Guest, wanted: impl Fn(&ProcessEvent) -> bool) -> usize {
    let is_wanted = |event: &GuestEvent| matches!(event, GuestEvent::Process(event) if wanted(event));
    guest.events().iter().filter(|event| is_wanted(event)).count()
}

/// Waits for an event of a process after the first `before` of its events.
///
/// # Errors
///
/// Those of the guest; if it is otherwise.
pub fn wait_for(
    guest: &Guest,
    pid: u32,
    before: usize,
    wanted: impl Fn(&ProcessEvent) -> bool,
) -> Result<ProcessEvent> {
    let mut found = None;
    wait::until(&format!("process {pid} has had what is wanted after {before} events"), LIMIT, || {
        let events = guest.events();
        let of_process = events.iter().filter_map(|event| match event {
            GuestEvent::Process(event) if event.pid() == pid => Some(*event),
            _ => None,
        });
        found = of_process.skip(before).find(&wanted);
        Ok(found.is_some())
    })?;
    found.context("no event")
}

/// The letter of a process's state, if it is there.
///
/// # Errors
///
/// Those of the guest; if it is otherwise.
pub fn state(guest: &Guest, pid: u32) -> Result<Option<char>> {
    Ok(guest.processes()?.into_iter().find(|process| process.pid == pid).map(|process| process.state))
}

/// Checks that a process is stopped.
///
/// # Errors
///
/// Those of the guest; if it is otherwise.
pub fn is_stopped(guest: &Guest, pid: u32) -> Result<()> {
    let state = state(guest, pid)?;
    ensure!(state == Some('T'), "process {pid} should be stopped, and is in state {state:?}");
    Ok(())
}

/// Waits for what a probe notices of its signal.
///
/// # Errors
///
/// Those of the guest; if it is otherwise.
pub fn signal_report(guest: &Guest, pid: u32) -> Result<SignalReport> {
    match guest.wait_for_process(pid, LIMIT, |_| true)? {
        ProcessEvent::Signal(report) => Ok(report),
        other => bail!("process {pid} should notice a signal: {other:?}"),
    }
}
