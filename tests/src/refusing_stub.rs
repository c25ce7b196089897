// SPDX-License-Identifier: MIT OR Apache-2.0

//! A monitor between `gpufas` and QEMU whose gdb stub opens, and then writes nothing: a guest whose interrupts cannot be
//! sent after all. What does not concern the stub is QEMU's own.

use std::io::{BufRead, BufReader, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

/// Listens in a folder for one client, and says where. `qemu` is QEMU's own monitor.
///
/// # Errors
///
/// If there is nobody at that monitor.
pub fn serve(folder: &Path, qemu: &Path) -> Result<PathBuf> {
    let socket = folder.join("refusing.qmp");
    let listener =
        UnixListener::bind(&socket).with_context(|| format!("cannot listen at {}", socket.display()))?;
    let qemu = UnixStream::connect(qemu).with_context(|| format!("cannot connect to {}", qemu.display()))?;
    // What ends the connection ends the thread; whoever has connected sees that too.
    thread::spawn(move || relay(&listener, &qemu));
    Ok(socket)
}

fn relay(listener: &UnixListener, mut qemu: &UnixStream) -> Result<()> {
    let (client, _) = listener.accept()?;
    let answers = Arc::new(Mutex::new(client.try_clone()?));
    let (from_qemu, to_client) = (qemu.try_clone()?, Arc::clone(&answers));
    thread::spawn(move || -> Result<()> {
        for line in BufReader::new(from_qemu).lines() {
            say(&to_client, &line?)?;
        }
        Ok(())
    });
    let mut stub = None;
    let mut received = Vec::new();
    while let Some(line) = next_line(&client, &mut received, &mut stub)? {
        match answer(&line, &mut stub)? {
            Some(answer) => say(&answers, &answer.to_string())?,
            None => qemu.write_all(format!("{line}\n").as_bytes())?,
        }
    }
    Ok(())
}

fn say(client: &Mutex<UnixStream>, line: &str) -> Result<()> {
    let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(client.write_all(format!("{line}\n").as_bytes())?)
}

/// The next line of the client's; none at the end. A file descriptor that comes with it is the stub's.
fn next_line(
    client: &UnixStream,
    received: &mut Vec<u8>,
    stub: &mut Option<OwnedFd>,
) -> Result<Option<String>> {
    loop {
        if let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            return Ok(Some(String::from_utf8(line)?.trim_end().to_owned()));
        }
        let mut buffer = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let into = &mut [IoSliceMut::new(&mut buffer)];
        let size = recvmsg(client, into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                *stub = descriptors.last().or(stub.take());
            }
        }
        if size == 0 {
            return Ok(None);
        }
        received.extend_from_slice(&buffer[..size]);
    }
}

/// The answer to a command that concerns the stub.
fn answer(line: &str, stub: &mut Option<OwnedFd>) -> Result<Option<Value>> {
    let command: Value = serde_json::from_str(line)?;
    let monitor = command["arguments"]["command-line"].as_str().unwrap_or_default();
    let said = match command["execute"].as_str() {
        Some("getfd" | "chardev-add" | "chardev-remove") => json!({}),
        Some("human-monitor-command") if monitor.starts_with("gdbserver") => {
            if let Some(stub) = stub.take().filter(|_| monitor != "gdbserver none") {
                thread::spawn(move || refuse(&stub.into()));
            }
            json!("")
        }
        _ => return Ok(None),
    };
    let mut answer = json!({ "return": said });
    if let Some(id) = command.get("id") {
        answer["id"] = id.clone();
    }
    Ok(Some(answer))
}

/// Agrees to everything but a write to memory, which it answers as QEMU does where it fails.
fn refuse(mut stub: &UnixStream) -> Result<()> {
    let mut packets = BufReader::new(stub.try_clone()?);
    loop {
        let mut packet = Vec::new();
        if packets.read_until(b'#', &mut packet)? == 0 {
            return Ok(());
        }
        packets.read_exact(&mut [0; 2])?;
        let start = packet.iter().position(|byte| *byte == b'$').map_or(0, |start| start + 1);
        let answer = if packet[start..].starts_with(b"M") { "+$E14#aa" } else { "+$OK#9a" };
        stub.write_all(answer.as_bytes())?;
    }
}
