// SPDX-License-Identifier: MIT OR Apache-2.0

//! A monitor between `gpufas` and QEMU whose gdb stub opens, and then writes nothing: a guest whose interrupts cannot be
//! sent after all, or not at first. What does not concern the stub is QEMU's own.

use std::fs;
use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde_json::{Value, json};

/// Listens in a folder for one client, and says where. `qemu` is QEMU's own monitor; so many writes are refused, and the stubs
/// that are opened after that are QEMU's own.
///
/// # Errors
///
/// If there is nobody at that monitor.
pub fn serve(folder: &Path, qemu: &Path, refusals: usize) -> Result<PathBuf> {
    let socket = folder.join("refusing.qmp");
    // That of another case, if there was one.
    let _ = fs::remove_file(&socket);
    let listener =
        UnixListener::bind(&socket).with_context(|| format!("cannot listen at {}", socket.display()))?;
    let qemu = UnixStream::connect(qemu).with_context(|| format!("cannot connect to {}", qemu.display()))?;
    // What ends the connection ends the thread; whoever has connected sees that too.
    thread::spawn(move || {
        let ended = relay(&listener, &qemu, refusals);
        // QEMU serves one client at a time: whoever still reads there would keep others waiting.
        ended.and(Ok(qemu.shutdown(Shutdown::Both)?))
    });
    Ok(socket)
}

fn relay(listener: &UnixListener, qemu: &UnixStream, refusals: usize) -> Result<()> {
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
    let refused = Arc::new(AtomicUsize::new(0));
    let mut refuses = true;
    while let Some(line) = next_line(&client, &mut received, &mut stub)? {
        if line.contains("\"getfd\"") {
            refuses = refused.load(Ordering::Acquire) < refusals;
        }
        match if refuses { answer(&line, &mut stub, &refused)? } else { None } {
            Some(answer) => say(&answers, &answer.to_string())?,
            None => pass_on(qemu, &line, if refuses { None } else { stub.take() })?,
        }
    }
    Ok(())
}

/// Hands a command on to QEMU, with the file descriptor that came with it.
fn pass_on(qemu: &UnixStream, line: &str, descriptor: Option<OwnedFd>) -> Result<()> {
    let line = format!("{line}\n");
    let descriptors: Vec<_> = descriptor.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let sent = sendmsg(qemu, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::empty())?;
    let mut qemu = qemu;
    Ok(qemu.write_all(&line.as_bytes()[sent..])?)
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
fn answer(line: &str, stub: &mut Option<OwnedFd>, refused: &Arc<AtomicUsize>) -> Result<Option<Value>> {
    let command: Value = serde_json::from_str(line)?;
    let monitor = command["arguments"]["command-line"].as_str().unwrap_or_default();
    let said = match command["execute"].as_str() {
        Some("getfd" | "chardev-add" | "chardev-remove") => json!({}),
        Some("human-monitor-command") if monitor.starts_with("gdbserver") => {
            if let Some(stub) = stub.take().filter(|_| monitor != "gdbserver none") {
                let refused = Arc::clone(refused);
                thread::spawn(move || refuse(&stub.into(), &refused));
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
fn refuse(mut stub: &UnixStream, refused: &AtomicUsize) -> Result<()> {
    let mut packets = BufReader::new(stub.try_clone()?);
    loop {
        let mut packet = Vec::new();
        if packets.read_until(b'#', &mut packet)? == 0 {
            return Ok(());
        }
        packets.read_exact(&mut [0; 2])?;
        let start = packet.iter().position(|byte| *byte == b'$').map_or(0, |start| start + 1);
        let writes = packet[start..].starts_with(b"M");
        refused.fetch_add(usize::from(writes), Ordering::Release);
        let answer = if writes { "+$E14#aa" } else { "+$OK#9a" };
        stub.write_all(answer.as_bytes())?;
    }
}
