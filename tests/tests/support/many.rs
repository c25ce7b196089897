// SPDX-License-Identifier: MIT OR Apache-2.0

//! Many processes are ended by the guest's own kernel, asked from outside.

use anyhow::{Result, ensure};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::{Repair, Report};
use gpufas_tests::suite::Group;

use crate::{ask, case};

/// `end-many.c`, which sends to [`MOST`] processes in a run.
pub const PROGRAM: &str = "tests/programs/end_few.c";

const MOST: u32 = 10;
const NAME: &str = "herd";
/// `ENOSPC` and `ESRCH`.
const NO_SPACE: i64 = -28;
const NO_PROCESS: i64 = -3;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "more processes than one run sends to are told, and left for the next", |repair| {
        let guest = repair.machine.guest();
        let pids = guest.spawn_sleepers(MOST * 2 + 5, NAME)?;
        for left in [MOST + 5, 5] {
            let report = end(repair, 1)?;
            ensure!(report.result()? == NO_SPACE, "{report:?}");
            report.says(&format!(
                "{} processes: the kernel has sent signal 9 to {MOST}\n{left} of them were left out",
                left + MOST
            ))?;
            let gone = pids.len() - left as usize;
            pids[..gone].iter().try_for_each(|&pid| repair.was_killed(pid, 9))?;
            ensure!(guest.alive(&pids[gone..])?.gone.is_empty(), "more are gone");
        }
        end(repair, 0)?.says("5 processes: the kernel has sent signal 9 to 5\n")?;
        guest.wait_until_no(NAME, LIMIT)?;
        ensure!(end(repair, 1)?.result()? == NO_PROCESS, "nobody is left");
        Ok(())
    });
}

fn end(repair: &Repair, status: i32) -> Result<Report> {
    let arguments = [("name", NAME), ("user", "-1"), ("signal", "KILL"), ("protect", "")];
    let arguments = arguments.map(|(name, value)| (name, value.to_owned()));
    ask(repair, PROGRAM, "end_many_supported", status, &arguments)
}
