// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas` finds the memory of guests of every kind, and says clearly what is wrong where it cannot.

mod dumps;
mod ends;
mod kinds;
mod mismatch;
mod no_guest;
mod permission;
mod sockets;
mod vanishing;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use gpufas_tests::machine::{Machine, Model};
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

fn main() -> Result<ExitCode> {
    let tools = Tools::new(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    let mut suite = Suite::default();
    no_guest::add(&mut suite, &tools);
    let mut group = group(&mut suite, &tools, "one guest", Model::default());
    sockets::add(&mut group);
    mismatch::add(&mut group);
    permission::add(&mut group);
    ends::add(&mut group);
    dumps::add(&mut group);
    kinds::add(&mut suite, &tools);
    vanishing::add(&mut suite, &tools);
    Ok(suite.run())
}

/// A group of cases that share a guest, repaired from the host.
fn group<'a>(suite: &'a mut Suite, tools: &Arc<Tools>, name: &str, model: Model) -> Group<'a, Repair> {
    let tools = Arc::clone(tools);
    suite.group(name, move || Ok(Repair { machine: Machine::boot(&tools, model)?, target: Target::Host }))
}

/// Adds a case, after which the guest must run and be unharmed.
fn case(group: &mut Group<'_, Repair>, name: &str, run: impl FnOnce(&Repair) -> Result<()> + Send + 'static) {
    group.case(name, |repair| {
        run(repair)?;
        repair.machine.check_unharmed()
    });
}

/// Adds a case in which the guest is paused, and no byte of its memory may change.
fn untouched_case(
    group: &mut Group<'_, Repair>,
    name: &str,
    run: impl FnOnce(&Repair) -> Result<()> + Send + 'static,
) {
    case(group, name, |repair| repair.machine.while_unchanged(|| run(repair)));
}
