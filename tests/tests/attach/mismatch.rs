// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program is not run on another kernel than it was compiled for, nor anything that is no program.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use gpufas_tests::command::{Ran, run};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::workspace;

use crate::sockets::is_reported;
use crate::untouched_case;

pub fn add(group: &mut Group<'_, Repair>) {
    untouched_case(group, "a program for another release is refused", |repair| {
        let release = repair.machine.guest().ready().release.clone();
        let other = release.replacen('6', "5", 1);
        let program =
            changed(repair, &format!("\"release\":{release:?}"), &format!("\"release\":{other:?}"))?;
        is_refused(repair, program, &["another kernel", "release", &release, &other, "--kernel", "recompile"])
    });
    untouched_case(group, "a program for another build of the release is refused", |repair| {
        let version = repair.machine.guest().ready().version.clone();
        let other = version.replacen("#1", "#2", 1);
        ensure!(other != version, "{version}");
        let program =
            changed(repair, &format!("\"version\":{version:?}"), &format!("\"version\":{other:?}"))?;
        is_refused(repair, program, &["another kernel", "version", &version, &other, "recompile"])
    });
    untouched_case(group, "a program for a kernel with another build id is refused", |repair| {
        let build_id = build_id(repair)?;
        let other = "5".repeat(build_id.len());
        let program =
            changed(repair, &format!("\"build_id\":\"{build_id}\""), &format!("\"build_id\":\"{other}\""))?;
        is_refused(repair, program, &["another kernel", "build id", &build_id, &other, "recompile"])
    });
    untouched_case(
        group,
        "a program with another layout of a structure is refused with both layouts",
        |repair| {
            const MEMBER: &str = "\"comm\",\"char[16]\",";
            let bytes = fs::read(repair.machine.tools().compile(KILL, repair.target)?)?;
            let at = bytes.windows(MEMBER.len()).position(|window| window == MEMBER.as_bytes());
            let text = &bytes[at.context("the program's manifest has no comm")? + MEMBER.len()..];
            let digits = text.iter().take_while(|digit| digit.is_ascii_digit()).count();
            let offset = String::from_utf8(text[..digits].to_vec())?;
            let other = (offset.parse::<u64>()? - 1).to_string();
            let program = changed(repair, &format!("{MEMBER}{offset},"), &format!("{MEMBER}{other},"))?;
            let row = "* char comm[16]";
            is_refused(
                repair,
                program,
                &["struct task_struct differently", row, &offset, &other, "nothing was written"],
            )
        },
    );
    untouched_case(group, "what is no program is refused", |repair| {
        let source = workspace().join(KILL);
        is_refused(repair, source, &["kill.c", "is not a recovery program"])?;
        is_refused(repair, repair.machine.tools().gpufas().to_owned(), &["is not a recovery program"])
    });
    untouched_case(group, "a program for the host is not run on a GPU", |repair| {
        let program = repair.machine.tools().compile(KILL, repair.target)?;
        let mut command = std::process::Command::new(repair.machine.tools().gpufas());
        command.arg("run").arg(program).args(["kill", "--device", "cuda", "--qmp"]);
        command.arg(repair.machine.socket()).args(["--", "--pid", "1", "--signal", "KILL"]);
        Ran::of(command)?.with_one_error(1, &["made for the host", "--target cuda"])?;
        Ok(())
    });
}

/// The build id in the manifest of the bundled kill.c, which gpufas-cc took from the kernel's image.
fn build_id(repair: &Repair) -> Result<String> {
    const KEY: &[u8] = b"\"build_id\":\"";
    let bytes = fs::read(repair.machine.tools().compile(KILL, repair.target)?)?;
    let at = bytes.windows(KEY.len()).position(|window| window == KEY);
    let text = &bytes[at.context("the program's manifest has no build id")? + KEY.len()..];
    let digits = text.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
    Ok(String::from_utf8(text[..digits].to_vec())?)
}

/// The bundled kill.c with another text of the same length in its manifest.
fn changed(repair: &Repair, from: &str, to: &str) -> Result<PathBuf> {
    ensure!(from.len() == to.len(), "{from} and {to} are not of the same length");
    let mut bytes = fs::read(repair.machine.tools().compile(KILL, repair.target)?)?;
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.with_context(|| format!("the program's manifest has no {from}"))?;
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let program = repair.machine.folder().join("changed.so");
    fs::write(&program, bytes)?;
    Ok(program)
}

fn is_refused(repair: &Repair, program: PathBuf, parts: &[&str]) -> Result<()> {
    let ran = Ran::of(repair.machine.with_source(|guest| {
        let program = (program.as_path(), repair.target);
        let arguments = ["--pid", "1", "--signal", "KILL"];
        run(repair.machine.tools(), program, "kill", guest, &["--json"], &arguments)
    }))?;
    is_reported(&ran.with_one_error(1, parts)?, 1)
}
