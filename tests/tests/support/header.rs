// SPDX-License-Identifier: MIT OR Apache-2.0

//! A queue whose head is corrupt, or of another version, is left alone.

use anyhow::ensure;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;

use crate::{SUPPORT_PROGRAM, ask, case, counter};

/// `EPROTO`.
const PROTOCOL: i64 = -71;

/// Members of `struct gpufas_support_header` in runtime/include/gpufas/support_protocol.h, with their offsets.
const MEMBERS: [(&str, u64); 3] = [("magic number", 0), ("version", 8), ("checksum", 56)];

pub fn add(group: &mut Group<'_, Repair>) {
    for (what, offset) in MEMBERS {
        case(
            group,
            &format!("another {what} in the head of the queue is told, and nothing written"),
            move |repair| {
                let memory = repair.machine.memory()?;
                let address = counter(repair, "queue")? + offset;
                let changed = memory.overwrite(address, &(memory.read(address)? ^ 1).to_le_bytes())?;
                let pid = repair.machine.sleepers()[0].to_string();
                for (entry, arguments) in [
                    ("status", &[][..]),
                    ("wake", &[("tid", pid.clone())]),
                    ("signal", &[("pid", pid), ("signal", "KILL".to_owned())]),
                ] {
                    let report = ask(repair, SUPPORT_PROGRAM, entry, 1, arguments)?;
                    ensure!(report.result()? == PROTOCOL, "{report:?}");
                    report.says("the module's queue is corrupt, or of another version\n")?;
                    report.has_written(false)?;
                }
                changed.restore()?;
                ask(repair, SUPPORT_PROGRAM, "status", 0, &[])?.says("refused: 0")
            },
        );
    }
}
