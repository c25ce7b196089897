// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sockets behind which there is no guest, or none that answers.

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use anyhow::Result;
use gpufas_tests::command::{Ran, Source, ps, run};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::Group;

use crate::untouched_case;

pub fn add(group: &mut Group<'_, Repair>) {
    untouched_case(group, "a socket that is not there is told", |repair| {
        both_fail(repair, &repair.machine.folder().join("none"), &["none", "start QEMU with -qmp"])
    });
    untouched_case(group, "a file that is no socket is told", |repair| {
        let file = repair.machine.folder().join("file");
        fs::write(&file, "text")?;
        both_fail(repair, &file, &["it is not a socket", "-qmp"])
    });
    untouched_case(group, "a socket that nobody serves any more is told", |repair| {
        let socket = repair.machine.folder().join("left");
        drop(UnixListener::bind(&socket)?);
        both_fail(repair, &socket, &["QEMU has ended", "start the guest again"])
    });
    untouched_case(group, "a server that does not speak QMP is told", |repair| {
        let socket = repair.machine.folder().join("other");
        let listener = UnixListener::bind(&socket)?;
        thread::spawn(move || {
            // Until the end of this process.
            for stream in listener.incoming().flatten() {
                // The client may have gone.
                let _ = (&stream).write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            }
        });
        both_fail(repair, &socket, &["is not a QMP server", "SSH-2.0", "-qmp unix:PATH"])
    });
    untouched_case(group, "a monitor that serves another program is told", |repair| {
        let _held = UnixStream::connect(repair.machine.socket())?;
        let mut command = ps(repair.machine.tools(), Source::Qmp(&repair.machine.socket()));
        command.arg("--json");
        let ran = Ran::of(command)?.with_one_error(2, &["another program", "second -qmp socket"])?;
        is_reported(&ran, 2)
    });
}

/// Neither `gpufas ps` nor `gpufas run` of a program that writes may take this for a guest.
fn both_fail(repair: &Repair, socket: &Path, parts: &[&str]) -> Result<()> {
    let tools = repair.machine.tools();
    let program = tools.compile(KILL, repair.target)?;
    let program = (program.as_path(), repair.target);
    let source = Source::Qmp(socket);
    let arguments = ["--pid", "1", "--signal", "KILL"];
    Ran::of(ps(tools, source))?.with_one_error(2, parts)?;
    Ran::of(run(tools, program, "kill", source, &[], &arguments))?.with_one_error(2, parts)?;
    let ran = Ran::of(run(tools, program, "kill", source, &["--json"], &arguments))?;
    is_reported(&ran.with_one_error(2, parts)?, 2)
}

/// With `--json` the error is in the object as well.
pub fn is_reported(ran: &Ran, status: i32) -> Result<()> {
    let object = ran.json()?;
    anyhow::ensure!(object["status"] == status && object["error"].is_string(), "{object}");
    Ok(())
}
