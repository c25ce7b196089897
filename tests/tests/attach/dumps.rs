// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory dumps show what the guest showed, and are only read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use gpufas::qmp::Qmp;
use gpufas_tests::command::{Ran, Source, ps, run};
use gpufas_tests::repair::{KILL, PS, Repair, Report};
use gpufas_tests::suite::Group;

use crate::{case, untouched_case};

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "a raw dump and an ELF dump list what the guest did", |repair| compare(repair, &[]));
    case(group, "a program that writes ends at its first store to a dump", |repair| {
        let pid = repair.machine.guest().spawn_runaway("runaway")?;
        let dump = repair.machine.while_paused(|_| raw_dump(repair))?;
        let before = fs::read(&dump)?;
        let program = repair.machine.tools().compile(KILL, repair.target)?;
        let program = (program.as_path(), repair.target);
        let arguments = ["--pid", &pid.to_string(), "--signal", "KILL"];
        let dump_source = Source::Dump(&dump);
        let ran =
            Ran::of(run(repair.machine.tools(), program, "kill", dump_source, &["--json"], &arguments))?;
        let report = Report(ran.with_status(3)?.json()?);
        let fault = report.fault("read-only")?;
        ensure!(fault["access"] == "store" && fault["site"]["line"].as_u64() > Some(0), "{fault}");
        report.has_written(false)?;
        ensure!(fs::read(&dump)? == before, "the dump was changed");
        fs::remove_file(&dump)?;
        repair.clean_up(pid)
    });
    untouched_case(group, "files that are no dumps are told", |repair| {
        let folder = repair.machine.folder();
        let fails = |file: &Path, status, parts: &[&str]| {
            let ran = Ran::of(ps(repair.machine.tools(), Source::Dump(file)))?;
            ran.with_one_error(status, parts).map(drop)
        };
        fails(&folder.join("none"), 1, &["cannot open", "none"])?;
        fails(folder, 1, &["is not a memory dump", "regular file"])?;
        let empty = folder.join("empty");
        fs::write(&empty, "")?;
        fails(&empty, 1, &["is not a memory dump", "it is empty"])?;
        // An ELF file, but none that was dumped.
        fails(repair.machine.tools().gpufas(), 1, &["is not a memory dump", "dump-guest-memory"])?;
        let zeros = folder.join("zeros");
        fs::File::create(&zeros)?.set_len(64 << 20)?;
        fails(&zeros, 2, &["no Linux kernel found"])
    });
    case(group, "a dump that was cut off is told", |repair| {
        let dump = repair.machine.while_paused(|qmp| elf_dump(repair, qmp))?;
        let file = fs::File::options().write(true).open(&dump)?;
        file.set_len(file.metadata()?.len() / 2)?;
        let ran = Ran::of(ps(repair.machine.tools(), Source::Dump(&dump)))?;
        ran.with_one_error(1, &["is not a memory dump", "truncated"])?;
        fs::remove_file(&dump)?;
        Ok(())
    });
}

/// Dumps of the guest in both forms must give the list that the paused guest itself gives. `raw_options` are for
/// the raw dump.
pub fn compare(repair: &Repair, raw_options: &[&str]) -> Result<()> {
    let runaway = repair.machine.guest().spawn_runaway("runaway")?;
    repair.machine.while_paused(|qmp| {
        let live = repair.machine.with_source(|guest| lists(repair, guest, &[]))?;
        ensure!(live.processes.contains("\"runaway\""), "{}", live.processes);
        let raw = raw_dump(repair)?;
        ensure!(lists(repair, Source::Dump(&raw), raw_options)? == live, "the raw dump lists others");
        fs::remove_file(&raw)?;
        let elf = elf_dump(repair, qmp)?;
        ensure!(lists(repair, Source::Dump(&elf), &[])? == live, "the ELF dump lists others");
        fs::remove_file(&elf)?;
        Ok(())
    })?;
    repair.clean_up(runaway)
}

/// What `gpufas ps` and ps.c list.
#[derive(PartialEq)]
pub struct Lists {
    /// Of `gpufas ps --json`.
    processes: String,
    /// The output of ps.c.
    log: String,
}

/// Lists the processes of a guest, or of a dump of one.
pub fn lists(repair: &Repair, source: Source, options: &[&str]) -> Result<Lists> {
    let tools = repair.machine.tools();
    let mut command = ps(tools, source);
    command.args(options).arg("--json");
    let list = Ran::of(command)?.with_status(0)?.json()?;
    ensure!(list["error"].is_null(), "{list}");
    let program = tools.compile(PS, repair.target)?;
    let options = [options, &["--json"]].concat();
    let command = run(tools, (&program, repair.target), "ps", source, &options, &[]);
    let report = Report(Ran::of(command)?.with_status(0)?.json()?);
    report.has_written(false)?;
    Ok(Lists { processes: list["processes"].to_string(), log: report.log().to_owned() })
}

/// A copy of the file that is the guest's memory, with holes where that has none.
pub fn raw_dump(repair: &Repair) -> Result<PathBuf> {
    let memory = repair.machine.guest().memory_file().context("a guest whose memory is no file")?;
    let dump = repair.machine.folder().join("raw");
    // fs::copy would write gigabytes of zeros.
    let mut command = std::process::Command::new("cp");
    command.arg("--sparse=always").arg(memory).arg(&dump);
    Ran::of(command)?.with_status(0)?;
    Ok(dump)
}

/// A dump that QEMU makes.
fn elf_dump(repair: &Repair, qmp: &mut Qmp) -> Result<PathBuf> {
    let dump = repair.machine.folder().join("elf");
    let answer = qmp.human(format!("dump-guest-memory {}", dump.display()))?;
    ensure!(answer.is_empty(), "{answer}");
    Ok(dump)
}
