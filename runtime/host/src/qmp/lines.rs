// SPDX-License-Identifier: MIT OR Apache-2.0

//! The stream below QMP: whole lines, read until a deadline, with the events taken out.

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;
use std::io::{self, BufRead, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Longest line that is taken from QEMU, in bytes. The longest in practice is the answer to
/// `info mtree`, about 100 KiB.
const LONGEST_LINE: usize = 16 << 20;

/// Most events that are kept; older ones are dropped.
const MOST_EVENTS: usize = 256;

/// Something that QEMU tells without being asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its name, as in `STOP`.
    #[serde(rename = "event")]
    pub name: String,
}

/// Reads lines that are not events. `qapi` knows a closed set of events and fails on a newer one.
pub(super) struct Lines {
    stream: UnixStream,
    deadline: Instant,
    /// Bytes that were received; the first `ready` are the line that is handed out.
    received: Vec<u8>,
    ready: usize,
    handed_out: usize,
    events: Vec<Event>,
    broken: bool,
    /// Bytes that were written, and not sent yet.
    outgoing: Vec<u8>,
    /// A file descriptor that goes with the next bytes that are sent.
    passed: Option<OwnedFd>,
}

impl Lines {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            deadline: Instant::now(),
            received: Vec::new(),
            ready: 0,
            handed_out: 0,
            events: Vec::new(),
            broken: false,
            outgoing: Vec::new(),
            passed: None,
        }
    }

    /// Waits from now on end after `limit`.
    pub(super) fn set_deadline(&mut self, limit: Duration) {
        self.deadline = Instant::now() + limit;
    }

    /// Whether the stream can no longer be trusted to be at the beginning of an answer.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn set_broken(&mut self) {
        self.broken = true;
    }

    /// Passes a file descriptor with what is sent next (`SCM_RIGHTS`, unix(7)).
    pub(super) fn pass(&mut self, descriptor: OwnedFd) {
        self.passed = Some(descriptor);
    }

    /// Ends the connection, as if the other end had.
    #[cfg(test)]
    pub(super) fn shut_down(&self) {
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn time_left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Receives more; false at the end of the stream.
    fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        loop {
            let left = self.time_left()?;
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(size) => {
                    self.received.extend_from_slice(&buffer[..size]);
                    return Ok(true);
                }
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the next line that is not an event and returns its length with the line feed; 0 at the end.
    fn next_line(&mut self) -> io::Result<usize> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.received[searched..].iter().position(|byte| *byte == b'\n') {
                let length = searched + at + 1;
                searched = 0;
                match serde_json::from_slice::<Event>(&self.received[..length]) {
                    Ok(event) => {
                        if self.events.len() == MOST_EVENTS {
                            self.events.remove(0);
                        }
                        self.events.push(event);
                        self.received.drain(..length);
                        // A server that sends events only must not keep us either.
                        self.time_left()?;
                    }
                    Err(_) => return Ok(length),
                }
                continue;
            }
            searched = self.received.len();
            if searched > LONGEST_LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, excerpt(&self.received)));
            }
            if !self.receive()? {
                // A last line without a line feed: hand it out for an error message.
                return Ok(self.received.len());
            }
        }
    }
}

/// Writes bytes, at least one, and passes a file descriptor with them.
fn write_with(stream: &UnixStream, buffer: &[u8], descriptor: BorrowedFd<'_>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for a file descriptor"));
    }
    let sent = sendmsg(stream, &[io::IoSlice::new(buffer)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(sent)
}

fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::TimedOut)
}

/// The beginning of what was said, for a message.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
    text.trim_end().into()
}

impl BufRead for Lines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.handed_out == self.ready {
            self.received.drain(..self.ready);
            (self.ready, self.handed_out) = (0, 0);
            self.ready = self.next_line()?;
        }
        Ok(&self.received[self.handed_out..self.ready])
    }

    fn consume(&mut self, amount: usize) {
        self.handed_out = (self.handed_out + amount).min(self.ready);
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.fill_buf()?;
        let size = line.len().min(buffer.len());
        buffer[..size].copy_from_slice(&line[..size]);
        self.consume(size);
        Ok(size)
    }
}

impl Write for Lines {
    /// Keeps what is written until it is flushed: a command is made of a dozen parts.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let outgoing = std::mem::take(&mut self.outgoing);
        let mut rest = outgoing.as_slice();
        while !rest.is_empty() {
            let left = self.time_left()?;
            self.stream.set_write_timeout(Some(left))?;
            let written = match &self.passed {
                Some(descriptor) => write_with(&self.stream, rest, descriptor.as_fd()),
                None => self.stream.write(rest),
            };
            match written {
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(error),
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(size) => {
                    // It went with the first byte.
                    self.passed = None;
                    rest = &rest[size..];
                }
            }
        }
        self.stream.flush()
    }
}
