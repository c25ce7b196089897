// SPDX-License-Identifier: MIT OR Apache-2.0

//! Guests whose memory is of another kind are repaired like any other.

use std::sync::Arc;

use anyhow::{Result, ensure};
use gpufas_guest::{Accelerator, Backing};
use gpufas_tests::command::Source;
use gpufas_tests::known;
use gpufas_tests::machine::Model;
use gpufas_tests::repair::{PS, Repair};
use gpufas_tests::suite::{Skipped, Suite};
use gpufas_tests::tools::{Target, Tools};

use crate::{case, dumps, group};

/// From here on QEMU's q35 machine has memory beyond 4 GiB: all of it above 2 GiB (`pc_q35_init()` in
/// hw/i386/pc_q35.c).
const LARGE_MIB: u32 = 4096;
const LARGE_SPLIT: &str = "2G";

/// A split that small guests can be given.
const SMALL_SPLIT: &str = "128M";

pub fn add(suite: &mut Suite, tools: &Arc<Tools>) {
    let private = Model { backing: Backing::Private, ..Model::default() };
    let mut guest = group(suite, tools, "private memory", Target::Host, private);
    case(&mut guest, "the guest is repaired", |repair| {
        let report = repair.report(0, PS, "ps", &[])?;
        let memory = report.0["guest"]["memory"].as_str().unwrap_or_default();
        ensure!(memory.contains("private memory of QEMU"), "{memory}");
        repair.demonstrate()
    });

    let mut guest = group(suite, tools, "private memory, gpu", Target::Cuda, private);
    case(&mut guest, "it cannot be given to a GPU, which is told", |repair| {
        let parts = ["private to QEMU", "share=on", "--device host"];
        repair.run(PS, "ps", &[], &[])?.with_one_error(2, &parts)?;
        Ok(())
    });

    let large = Model { memory_mib: LARGE_MIB, ..Model::default() };
    let mut guest = group(suite, tools, "4 GiB", Target::Host, large);
    case(&mut guest, "the guest is repaired", |repair| {
        is_split(repair)?;
        repair.demonstrate()
    });
    case(&mut guest, "a raw dump lists what the guest did", |repair| {
        repair.machine.while_paused(|_| {
            let live = repair.machine.with_source(|guest| dumps::lists(repair, guest, &[]))?;
            let dump = dumps::raw_dump(repair)?;
            let listed = dumps::lists(repair, Source::Dump(&dump), &["--memory-split", LARGE_SPLIT])?;
            std::fs::remove_file(&dump)?;
            ensure!(listed == live, "the dump lists others");
            Ok(())
        })
    });

    let small = Model { memory_below_4g: Some(SMALL_SPLIT), ..Model::default() };
    let mut guest = group(suite, tools, "memory in two pieces", Target::Host, small);
    case(&mut guest, "a raw dump and an ELF dump list what the guest did", |repair| {
        is_split(repair)?;
        dumps::compare(repair, &["--memory-split", SMALL_SPLIT])
    });

    let five_levels = Model { five_level_paging: true, cpus: 2, ..Model::default() };
    let mut guest = group(suite, tools, "five-level paging", Target::Host, five_levels);
    case(&mut guest, "the guest is repaired", |repair| {
        let levels = repair.machine.memory()?.kernel().layout().page_table_levels;
        if levels != 5 && repair.machine.guest().accelerator() == Accelerator::Kvm {
            anyhow::bail!(Skipped("this machine's processor has page tables of four levels".into()));
        }
        ensure!(levels == 5, "the guest's page tables have {levels} levels");
        known::check(&repair.machine)?;
        repair.demonstrate()
    });
}

/// The guest's kernel must have memory on both sides of the hole.
fn is_split(repair: &Repair) -> Result<()> {
    let ranges = repair.machine.memory()?.ranges();
    let beyond = ranges.iter().any(|range| range.start == 4 << 30);
    ensure!(ranges.len() > 1 && beyond, "the guest's memory should be in several pieces: {ranges:x?}");
    Ok(())
}
