// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program for 6.1 and 6.12.

use anyhow::{Context, Result, ensure};
use gpufas_guest::protocol::Process;
use gpufas_tests::listing::{compare, of_program};
use gpufas_tests::repair::{PS, Repair};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::{Target, Tools};

use crate::{case, compile, run_program};

const COMPILED_FOR: &[&str] = &["6.1", "6.12"];

/// Compiles the program, for a bundle.
pub fn compile_all(tools: &Tools, target: Target) -> Result<()> {
    tools.compile_for(PS, target, COMPILED_FOR, &[]).map(drop)
}

pub fn add(group: &mut Group<'_, Repair>, guest: &str) {
    if COMPILED_FOR.contains(&guest) {
        case(group, "ps.c for 6.1 and 6.12 lists what the guest lists", |repair| {
            compare(repair, || listed(repair))
        });
    } else {
        case(group, "ps.c for 6.1 and 6.12 says that it is for these", |repair| {
            let program = compile(repair, PS, COMPILED_FOR, &[])?;
            let release = repair.machine.guest().ready().release.clone();
            let ran = repair.machine.while_unchanged(|| run_program(repair, &program, "ps"))?;
            ran.with_one_error(1, &["6.1.", "6.12.", "none of them", &release, "--kernel"]).map(drop)
        });
    }
}

fn listed(repair: &Repair) -> Result<Vec<Process>> {
    let program = compile(repair, PS, COMPILED_FOR, &[])?;
    let report = run_program(repair, &program, "ps")?.with_status(0)?.json()?;
    let release = &repair.machine.guest().ready().release;
    ensure!(report["guest"]["release"] == release.as_str(), "another release: {report}");
    of_program(report["log"].as_str().context("no log")?)
}
