// SPDX-License-Identifier: MIT OR Apache-2.0

//! QEMU's gdb stub, as far as writing to the guest's physical address space needs it: a write to an address that is no memory
//! reaches the device there, which nothing in QMP does.
//!
//! The stub is opened on a running QEMU (`gdbserver` of the human monitor) over a pair of sockets, one of which is passed to QEMU,
//! so that nobody else can connect to it. QEMU stops the guest when a debugger connects (`gdb_chr_event()` in QEMU's
//! gdbstub), so it is opened while the guest is paused; it is closed without detaching, which would let the guest run.

use super::Qmp;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long QEMU may take to answer a packet.
const ANSWER: Duration = Duration::from_secs(10);

/// Longest answer that is taken, in bytes; those that are wanted have two.
const LONGEST: usize = 4096;

/// The label that QEMU gives the stub's own connection.
const STUB: &str = "gdb";

/// An open stub. [`close`](Self::close) must be called, else QEMU keeps it open.
#[must_use]
pub struct GdbStub {
    stream: UnixStream,
    chardev: String,
    received: Vec<u8>,
}

#[derive(Serialize)]
struct GetFd<'a> {
    fdname: &'a str,
}

#[derive(Serialize)]
struct QueryChardev {}

#[derive(Serialize)]
struct AddChardev<'a> {
    id: &'a str,
    backend: serde_json::Value,
}

#[derive(Serialize)]
struct RemoveChardev<'a> {
    id: &'a str,
}

/// A connection of QEMU's to the outside.
#[derive(Deserialize)]
struct Chardev {
    label: String,
}

/// Declares a command whose answer is read leniently.
macro_rules! command {
    ($type:ty, $text:literal, $answer:ty) => {
        impl qapi::Command for $type {
            type Ok = $answer;
            const NAME: &'static str = $text;
            const ALLOW_OOB: bool = false;
        }
    };
}

command!(GetFd<'_>, "getfd", serde::de::IgnoredAny);
command!(QueryChardev, "query-chardev", Vec<Chardev>);
command!(AddChardev<'_>, "chardev-add", serde::de::IgnoredAny);
command!(RemoveChardev<'_>, "chardev-remove", serde::de::IgnoredAny);

impl GdbStub {
    /// Opens the stub of a QEMU whose guest is paused, and sees that it can be written through.
    ///
    /// # Errors
    /// [`Error::GdbStubInUse`]; [`Error::GdbStub`] if this QEMU has none, or another one; those of [`Qmp::execute`].
    pub fn open(qmp: &mut Qmp) -> Result<Self> {
        let chardevs = qmp.execute(&QueryChardev {})?;
        if chardevs.iter().any(|chardev| chardev.label == STUB) {
            return Err(Error::GdbStubInUse);
        }
        let system = |source| Error::System { action: "make a pair of sockets", source };
        let (stream, theirs) = UnixStream::pair().map_err(system)?;
        let number = (0..).find(|number| {
            let id = format!("gpufas-{number}");
            chardevs.iter().all(|chardev| chardev.label != id)
        });
        let chardev = format!("gpufas-{}", number.unwrap_or(0));
        qmp.inner.inner_mut().pass(theirs.into());
        qmp.execute(&GetFd { fdname: &chardev })?;
        let address = json!({ "type": "fd", "data": { "str": chardev } });
        let backend = json!({ "type": "socket", "data": { "addr": address, "server": false } });
        qmp.execute(&AddChardev { id: &chardev, backend })?;
        let mut stub = Self { stream, chardev, received: Vec::new() };
        let opened = stub.start(qmp);
        match opened {
            Ok(()) => Ok(stub),
            Err(error) => {
                // What was opened so far is of no use to anybody; why it is not is the error.
                let _ = stub.close(qmp);
                Err(error)
            }
        }
    }

    fn start(&mut self, qmp: &mut Qmp) -> Result<()> {
        let said = qmp.human(format!("gdbserver chardev:{}", self.chardev))?;
        self.command("Qqemu.PhyMemMode:1").map_err(|error| match error {
            // A stub that did not open answers nothing; the monitor has said why.
            Error::GdbStub { what } => Error::GdbStub { what: format!("{what}; {}", said.trim()) },
            other => other,
        })
    }

    /// Writes to the guest's physical address space.
    ///
    /// # Errors
    /// [`Error::GdbStub`].
    pub fn write_physical(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.command(&format!("M{address:x},{:x}:{digits}", bytes.len()))
    }

    /// Closes the stub. The guest stays as it is, paused or running.
    ///
    /// # Errors
    /// Those of [`Qmp::execute`].
    pub fn close(mut self, qmp: &mut Qmp) -> Result<()> {
        // The mode is the stub's, not the connection's: the next debugger shall find it as it was.
        let _ = self.command("Qqemu.PhyMemMode:0");
        qmp.human("gdbserver none")?;
        // The stub takes the connection with it, but for one that it never took.
        match qmp.execute(&RemoveChardev { id: &self.chardev }) {
            Ok(_) | Err(Error::QmpRefused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a packet of gdb's remote protocol that is answered with `OK`.
    fn command(&mut self, text: &str) -> Result<()> {
        let failed = |source: io::Error| Error::GdbStub { what: source.to_string() };
        let deadline = Instant::now() + ANSWER;
        self.stream.set_write_timeout(Some(ANSWER)).map_err(failed)?;
        self.stream.write_all(packet(text).as_bytes()).map_err(failed)?;
        loop {
            let answer = self.receive(deadline).map_err(failed)?;
            match answer.as_slice() {
                b"OK" => return Ok(()),
                // That the guest has stopped is said unasked.
                [b'T' | b'S', ..] => {}
                other => {
                    let said = String::from_utf8_lossy(other);
                    return Err(Error::GdbStub { what: format!("it answered {said:?} to {text}") });
                }
            }
        }
    }

    /// Receives the next packet and acknowledges it.
    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        loop {
            if let Some((body, length)) = first_packet(&self.received) {
                self.received.drain(..length);
                self.stream.write_all(b"+")?;
                return Ok(body);
            }
            if self.received.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak gdb's protocol"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time"));
            }
            self.stream.set_read_timeout(Some(left))?;
            let mut buffer = [0; 512];
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"));
                }
                Ok(size) => self.received.extend_from_slice(&buffer[..size]),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A packet (GDB manual, "Overview" of the remote serial protocol). None of our texts has a character that is escaped.
fn packet(text: &str) -> String {
    let sum = text.bytes().fold(0u8, u8::wrapping_add);
    format!("${text}#{sum:02x}")
}

/// The body of the first whole packet, and how many bytes end with it. Acknowledgements before it are left out.
fn first_packet(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let start = bytes.iter().position(|byte| *byte == b'$')?;
    let end = start + bytes[start..].iter().position(|byte| *byte == b'#')?;
    (bytes.len() >= end + 3).then(|| (bytes[start + 1..end].to_vec(), end + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stub(answers: &'static [u8]) -> (GdbStub, std::thread::JoinHandle<Vec<u8>>) {
        let (stream, mut theirs) = UnixStream::pair().unwrap();
        let thread = std::thread::spawn(move || {
            theirs.write_all(answers).unwrap();
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            let mut said = Vec::new();
            theirs.read_to_end(&mut said).unwrap();
            said
        });
        (GdbStub { stream, chardev: "gpufas-0".into(), received: Vec::new() }, thread)
    }

    #[test]
    fn a_write_is_a_packet_and_its_answer_is_acknowledged() {
        let (mut stub, thread) = stub(b"+$T02thread:01;#04$OK#9a");
        stub.write_physical(0xfee0_1000, &0xfb_u32.to_le_bytes()).unwrap();
        drop(stub);
        assert_eq!(thread.join().unwrap(), b"$Mfee01000,4:fb000000#f0++");
    }

    #[test]
    fn what_is_no_ok_is_an_error_with_what_was_said() {
        for (answers, says) in [
            (&b"+$E22#a9"[..], "E22"),
            (b"+$#00", "\"\""),
            (b"+$O", "closed the connection"),
            (b"", "closed the connection"),
        ] {
            let (mut stub, thread) = stub(answers);
            let error = stub.write_physical(0, &[1]).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            drop(stub);
            thread.join().unwrap();
        }
    }
}
