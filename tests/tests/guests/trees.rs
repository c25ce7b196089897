// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is known of the kernel's trees without its code for them.

use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;

use crate::case;

/// The program.
pub const TREES: &str = "tests/programs/trees.c";

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "what is said of a tree without a node is what the kernel's code finds", move |repair| {
        let report = repair.report(0, TREES, "erases_easily", &["--trees", "300", "--seed", "1"])?;
        report.has_written(false)
    });
}
