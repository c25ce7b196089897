// SPDX-License-Identifier: MIT OR Apache-2.0

//! All processors are taken: by four times as many processes as there are, and a real-time one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::Activity;
use gpufas_tests::machine::Machine;
use gpufas_tests::wait;

use crate::fault::{Fault, LIMIT, PROTECT, no_arguments};
use crate::method::{Method, Program, run_program};
use crate::scene::{Repaired, Shape};

const NAME: &str = "hog";

/// How long each must have run, in milliseconds: a little more than the program asks for.
const RUN_MS: u64 = 60;

/// The priority of the real-time one: below that of the threads that serve interrupts with PREEMPT_RT (`sched_set_fifo()`:
/// 50), without whom the guest hears nothing.
const PRIORITY: u8 = 10;

const ARGUMENTS: &[&str] = &["--busy_percent", "60", "--run_ms", "40", "--protect", PROTECT];

/// Processes that compute.
pub const HOGS: Fault = Fault {
    name: "CPU hogs",
    group: None,
    often: true,
    shape: Shape::Processes,
    make,
    program: ("examples/cpu-hogs.c", "cpu_hogs", ARGUMENTS),
    arguments: no_arguments,
    supported: Some(("examples/cpu-hogs.c", "cpu_hogs_supported", ARGUMENTS)),
    lock: None,
    victims: NAME,
    signal: libc::SIGSTOP,
    is_made_of_sleepers: false,
    asleep: false,
    is_for_oom_killer: false,
    cured,
    after,
    end: None,
    tolerated: &[],
};

fn make(machine: &Machine) -> Result<()> {
    let guest = machine.guest();
    let mut hogs = guest.spawn_many(guest.ready().cpus * 4, NAME, Activity::Compute)?;
    hogs.extend(guest.spawn_many(1, NAME, Activity::ComputeRealTime { priority: PRIORITY })?);
    for pid in hogs {
        wait::until("every hog has run for a while", LIMIT, || Ok(run_ms(machine, pid)? >= RUN_MS))?;
    }
    Ok(())
}

/// How long a process has run, in milliseconds: the first number in its `schedstat` (Documentation/scheduler/sched-stats.rst).
fn run_ms(machine: &Machine, pid: u32) -> Result<u64> {
    let text = machine.guest().read_file(&format!("/proc/{pid}/schedstat"))?;
    let nanoseconds: u64 =
        text.split(' ').next().and_then(|number| number.parse().ok()).context(text.clone())?;
    Ok(nanoseconds / 1_000_000)
}

fn cured(machine: &Machine, limit: Duration) -> Result<()> {
    wait::until("all hogs are stopped", limit, || {
        let states = machine.guest().states(NAME)?;
        Ok(!states.is_empty() && states.chars().all(|state| state == 'T'))
    })
}

/// They go on where they were: by the method, or by a signal from inside where the method cannot wake who is stopped.
fn after(repaired: Repaired<'_>, method: &Method) -> Result<()> {
    let (machine, _) = repaired;
    let guest = machine.guest();
    let hogs = guest.find(NAME)?;
    let pids = hogs.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let arguments = ["--pids", pids.as_str()];
    let program = |entry| -> Program<'_> { ("examples/cpu-hogs.c", entry, &arguments) };
    if method.wakes() {
        run_program(repaired, program("continue_hogs"), &[])?;
    } else if method.is_supported() {
        run_program(repaired, program("continue_hogs_supported"), &["--pause", "never"])?;
    } else {
        if method.is_program() {
            // CONT does nothing for who is not woken: a program that may not wake refuses it, and changes nothing.
            let refused =
                run_program(repaired, program("continue_hogs"), &["--interrupts", "never"]).is_err();
            ensure!(refused, "CONT should be refused where nobody can be woken");
            ensure!(guest.states(NAME)?.chars().all(|state| state == 'T'), "not all are stopped any more");
        }
        guest.kill_by_name(NAME, libc::SIGCONT, LIMIT)?;
    }
    let before: Vec<u64> = hogs.iter().map(|&pid| run_ms(machine, pid)).collect::<Result<_>>()?;
    for (pid, before) in hogs.iter().zip(before) {
        wait::until("every hog runs again", LIMIT, || Ok(run_ms(machine, *pid)? > before))?;
    }
    // By the first process, which needs not wait for its turn among them.
    for pid in hogs {
        guest.kill(pid, libc::SIGKILL)?;
    }
    Ok(guest.wait_until_no(NAME, LIMIT)?)
}
