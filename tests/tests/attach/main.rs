// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas` finds the memory of guests of every kind, and says clearly what is wrong where it cannot.

mod dumps;
mod ends;
mod interrupts;
mod kinds;
mod mismatch;
mod no_guest;
mod panicked;
mod permission;
mod sockets;
mod vanishing;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use gpufas_tests::bundle;
use gpufas_tests::machine::Model;
use gpufas_tests::repair::{KILL, PS, Repair, case};
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};

fn main() -> Result<ExitCode> {
    let tools = Tools::new(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    if bundle::filled().is_some() {
        tools.compile_all(&[PS, KILL, ends::FOREVER])?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    no_guest::add(&mut suite, &tools);
    let mut guest = group(&mut suite, &tools, "one guest", Target::Host, Model::default());
    sockets::add(&mut guest);
    mismatch::add(&mut guest);
    permission::add(&mut guest);
    ends::add(&mut guest);
    dumps::add(&mut guest);
    interrupts::add(&mut guest, Target::Host);
    let mut guest = group(&mut suite, &tools, "one guest, gpu", Target::Cuda, Model::default());
    ends::add(&mut guest);
    dumps::add(&mut guest);
    interrupts::add(&mut guest, Target::Cuda);
    kinds::add(&mut suite, &tools);
    vanishing::add(&mut suite, &tools);
    panicked::add(&mut suite, &tools);
    Ok(suite.run())
}

/// A group of cases that share a guest, repaired from the host or a GPU.
fn group<'a>(
    suite: &'a mut Suite,
    tools: &Arc<Tools>,
    name: &str,
    target: Target,
    model: Model,
) -> Group<'a, Repair> {
    let tools = Arc::clone(tools);
    suite.group(name, move || Repair::new(&tools, target, model))
}

/// Adds a case in which the guest is paused, and no byte of its memory may change.
fn untouched_case(
    group: &mut Group<'_, Repair>,
    name: &str,
    run: impl FnOnce(&Repair) -> Result<()> + Send + 'static,
) {
    case(group, name, |repair| repair.machine.while_unchanged(|| run(repair)));
}
