// SPDX-License-Identifier: MIT OR Apache-2.0

//! Signals, waking and unlocking: on which guests they are tried, and from where.

use std::path::Path;

use anyhow::Result;
use gpufas_tests::bundle;
use gpufas_tests::modules::DEADLOCK;
use gpufas_tests::releases::{is_matrix, of_techniques};
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};

use crate::{signals, unlock};

/// The guests of every run whose locks are released: with PREEMPT_RT they are other ones.
const LOCKS_ON: &[&str] = &["6.1", "6.1-rt"];

/// Where programs are compiled.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Compiles what the cases run, for a bundle.
pub fn compile_all() -> Result<()> {
    for spec in of_techniques(|spec| spec.often) {
        let tools = Tools::for_guest(folder(), spec.name)?;
        DEADLOCK.build(&tools)?;
        tools.compile_all(unlock::PROGRAMS)?;
        signals::compile_for_running(&tools)?;
    }
    Ok(())
}

/// Adds the cases, for every kernel that is part of the run.
pub fn add(suite: &mut Suite, target: Target) -> Result<()> {
    let on = target.prefix();
    let cpus: &[u32] = if is_matrix() { &[1, 4] } else { &[4] };
    let is_whole = is_matrix() || bundle::used().is_some();
    for spec in of_techniques(|spec| spec.often || LOCKS_ON.contains(&spec.name)) {
        let name = spec.name;
        for &cpus in cpus {
            let of = if cpus == 1 { "processor" } else { "processors" };
            if spec.often || is_whole {
                let tools = Tools::for_guest(folder(), name)?;
                let mut group = suite.group(format!("{on}signals, {cpus} {of}, guest {name}"), move || {
                    Repair::new(&tools, target, signals::model(cpus))
                });
                signals::add(&mut group, target);
            }
            // As on a machine that is not virtual, and as on one whose hypervisor has nothing to offer for locks.
            let kinds = [("queued", true), ("unqueued", false)];
            for (kind, queued) in kinds.into_iter().filter(|_| is_matrix() || LOCKS_ON.contains(&name)) {
                let tools = Tools::for_guest(folder(), name)?;
                let mut group = suite
                    .group(format!("{on}{kind} locks, {cpus} {of}, guest {name}"), move || {
                        Repair::new(&tools, target, unlock::model(cpus, queued))
                    });
                unlock::add(&mut group, name, cpus, queued);
            }
        }
    }
    Ok(())
}
