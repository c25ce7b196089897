// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel that has panicked is not written to any more, but can be looked at.

use std::sync::Arc;

use anyhow::ensure;
use gpufas_tests::command::{Ran, Source, ps, run};
use gpufas_tests::machine::{LIMIT, Model};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::wait;

use crate::group;

pub fn add(suite: &mut Suite, tools: &Arc<Tools>) {
    for (name, target) in [("a panic", Target::Host), ("a panic, gpu", Target::Cuda)] {
        let model = Model { end_on_trouble: None, ..Model::default() };
        add_on(&mut group(suite, tools, name, target, model));
    }
}

fn add_on(guest: &mut Group<'_, Repair>) {
    guest.case("is told, and nothing written to the guest", |repair| {
        let guest = repair.machine.guest();
        let pid = guest.spawn_runaway("runaway")?;
        // Else it would restart, which is QEMU's end here.
        guest.write_file("/proc/sys/kernel/panic", "0")?;
        // It cannot answer.
        let _ = guest.sysrq('c');
        let (socket, tools) = (repair.machine.socket(), repair.machine.tools());
        let program = tools.compile(KILL, repair.target)?;
        let kill = |pid: u32| {
            let arguments = ["--pid", &pid.to_string(), "--signal", "TERM"];
            let guest = Source::Qmp(&socket);
            Ran::of(run(tools, (&program, repair.target), "kill", guest, &[], &arguments))
        };
        // Which the first process ignores.
        wait::until("the kernel has panicked", LIMIT, || Ok(kill(1)?.status.code() != Some(0)))?;
        let parts = ["the guest's kernel has panicked, on CPU 0", "nothing was written", "restart the guest"];
        repair.machine.while_unchanged(|| kill(pid)?.with_one_error(2, &parts).map(drop))?;
        let list = Ran::of(ps(tools, Source::Qmp(&socket)))?.with_status(0)?;
        ensure!(list.output.contains("runaway"), "{}", list.output);
        Ok(())
    });
}
