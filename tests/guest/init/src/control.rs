// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest's end of the control line: its second serial port.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};

use gpufas_guest_init::{Event, MAX_REQUEST_LINE, Reply, Request};

use crate::children::check;

/// How many processes or kernel messages go into one line.
const PART: usize = 100;

/// The control line.
pub struct Control {
    port: File,
    /// Bytes of a line that has not ended yet.
    pending: Vec<u8>,
}

impl Control {
    /// Opens the port and turns everything off that a terminal does to bytes.
    pub fn open(path: &str) -> io::Result<Self> {
        let port = OpenOptions::new().read(true).write(true).open(path)?;
        let mut settings = MaybeUninit::uninit();
        // SAFETY: tcgetattr initialises the settings where it succeeds, and the others read or change them.
        unsafe {
            check(libc::tcgetattr(port.as_raw_fd(), settings.as_mut_ptr()))?;
            let mut settings = settings.assume_init();
            libc::cfmakeraw(&raw mut settings);
            check(libc::tcsetattr(port.as_raw_fd(), libc::TCSANOW, &raw const settings))?;
        }
        Ok(Self { port, pending: Vec::new() })
    }

    /// To wait on for requests.
    pub fn fd(&self) -> RawFd {
        self.port.as_raw_fd()
    }

    /// Takes in what has come and returns the requests that are complete; a line that is none is an error
    /// in its place.
    pub fn receive(&mut self) -> io::Result<Vec<Result<Request, String>>> {
        let mut buffer = [0; 4096];
        let length = self.port.read(&mut buffer)?;
        self.pending.extend_from_slice(&buffer[..length]);
        let mut requests = Vec::new();
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            requests.push(serde_json::from_slice(&line).map_err(|error| error.to_string()));
        }
        if self.pending.len() > MAX_REQUEST_LINE {
            self.pending.clear();
            requests.push(Err("the request is too long".to_owned()));
        }
        Ok(requests)
    }

    /// Sends one event.
    pub fn send(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.port.write_all(&line)
    }

    /// Sends an answer of one part.
    pub fn reply(&mut self, id: u64, reply: Reply) -> io::Result<()> {
        self.send(&Event::Reply { id, reply, more: false })
    }

    /// Sends an answer in parts.
    pub fn reply_in_parts<T: Clone>(
        &mut self,
        id: u64,
        all: &[T],
        reply: impl Fn(Vec<T>) -> Reply,
    ) -> io::Result<()> {
        for part in all.chunks(PART) {
            self.send(&Event::Reply { id, reply: reply(part.to_vec()), more: true })?;
        }
        self.reply(id, reply(Vec::new()))
    }

    /// Waits until all that was sent has left the port.
    pub fn drain(&self) -> io::Result<()> {
        // SAFETY: no pointer.
        check(unsafe { libc::tcdrain(self.port.as_raw_fd()) }).map(drop)
    }
}
