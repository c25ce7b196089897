// SPDX-License-Identifier: MIT OR Apache-2.0

//! The bundled recovery programs repair real guests: from the host and, where there is one, from a GPU. What counts
//! is what the guest itself reports.

mod corrupt;
mod half_done;
mod hog;
mod listing;
mod locked;
mod lost;
mod meaning;
mod policy;
mod protected;
mod signals;
mod trees;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use gpufas_guest::kernels::KERNELS;
use gpufas_tests::bundle;
use gpufas_tests::machine::Model;
use gpufas_tests::releases::is_matrix;
use gpufas_tests::repair::{KILL, KILL_HOG, PS, Repair, case};
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};

/// Processes that must live, whatever is done to others.
const SLEEPERS: u32 = 1000;

fn main() -> Result<ExitCode> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let tools = Tools::new(folder)?;
    if bundle::filled().is_some() {
        tools.compile_all(&[PS, KILL, KILL_HOG, meaning::MEANING, half_done::PROGRAM, trees::TREES])?;
        tools.compile_all(policy::PROGRAMS)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut suite = Suite::default();
    for (name, target, cpus) in [
        ("host, 1 processor", Target::Host, 1),
        ("host, 4 processors", Target::Host, 4),
        ("gpu, 4 processors", Target::Cuda, 4),
    ] {
        let tools = tools.clone();
        let mut group = suite.group(name, move || {
            let model = Model { cpus, memory_mib: 512, sleepers: SLEEPERS, ..Model::default() };
            Repair::new(&tools, target, model)
        });
        listing::add(&mut group);
        signals::add(&mut group);
        protected::add(&mut group);
        locked::add(&mut group);
        half_done::add(&mut group);
        lost::add(&mut group);
        meaning::add(&mut group, cpus);
        trees::add(&mut group);
        corrupt::add(&mut group);
        hog::add(&mut group);
        policy::add(&mut group);
    }
    let others = KERNELS.iter().filter(|spec| spec.name != tools.kernel_name());
    for spec in others.filter(|_| is_matrix() && bundle::used().is_none()) {
        let tools = Tools::for_guest(folder, spec.name)?;
        let mut group = suite.group(format!("host, 4 processors, guest {}", spec.name), move || {
            let model = Model { cpus: 4, memory_mib: 512, ..Model::default() };
            Repair::new(&tools, Target::Host, model)
        });
        // What follows from a kernel's own structures: who is meant, and who is there.
        protected::add(&mut group);
        lost::add(&mut group);
        policy::add(&mut group);
    }
    Ok(suite.run())
}
