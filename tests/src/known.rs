// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel that was found before is found again without what it was found by.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::command::{Ran, Source, ps};
use crate::machine::Machine;

/// Checks it on a guest, in which something runs.
///
/// # Errors
///
/// If it is not so.
pub fn check(machine: &Machine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (used, empty) = (folder.path().join("used"), folder.path().join("empty"));
    list(machine, &used)?.with_status(0)?;
    let files: Vec<_> = fs::read_dir(used.join("gpufas/symbols"))?.collect::<std::io::Result<_>>()?;
    let [file] = &files[..] else { anyhow::bail!("one kernel was found, and {} are kept", files.len()) };
    let memory = machine.memory()?;
    let id = memory.kernel().build_id().context("a kernel without a build id")?;
    ensure!(file.file_name().as_encoded_bytes() == id.as_bytes(), "{:?} is kept of {id}", file.file_name());

    // The text that a search looks for is gone.
    let text = memory.read(memory.kernel().symbol("vmcoreinfo_data")?)?;
    let overwritten = memory.overwrite(text, &[0; 8])?;
    list(machine, &empty)?.with_one_error(2, &["no Linux kernel found"])?;
    let busy = machine.guest().spawn_runaway("busy")?;
    for _ in 0..3 {
        let listed = list(machine, &used)?.with_status(0)?;
        ensure!(listed.output.contains("busy"), "{}", listed.output);
    }
    machine.guest().kill(busy, libc::SIGKILL)?;

    // What is damaged is of no use, and replaced as soon as that can be.
    let kept = fs::read(file.path())?;
    fs::write(file.path(), &kept[..kept.len() - 1])?;
    list(machine, &used)?.with_one_error(2, &["no Linux kernel found"])?;
    overwritten.restore()?;
    list(machine, &used)?.with_status(0)?;
    ensure!(fs::read(file.path())? == kept, "another file is kept of the same kernel");
    Ok(())
}

fn list(machine: &Machine, cache: &Path) -> Result<Ran> {
    let socket = machine.socket();
    let mut command = ps(machine.tools(), Source::Qmp(&socket));
    command.env("XDG_CACHE_HOME", cache);
    Ran::of(command)
}
