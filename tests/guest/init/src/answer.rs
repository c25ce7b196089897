// SPDX-License-Identifier: MIT OR Apache-2.0

//! An ordinary process that answers, as a shell would: how long it takes tells how the guest fares. It is neither
//! kept in memory nor run before others, as the first process may be.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsRawFd, RawFd};

use crate::children;
use crate::work;

/// Its name.
const NAME: &std::ffi::CStr = c"answerer";

/// How much memory it works with for each answer, in bytes.
const MEMORY: usize = 1 << 20;

const PAGE: usize = 4096;

/// The process, once it was needed.
#[derive(Default)]
pub struct Answerer {
    pipes: Option<(PipeWriter, PipeReader)>,
    /// The requests that it has not answered yet.
    waiting: VecDeque<u64>,
}

impl Answerer {
    /// Asks it, and starts it first where there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn ask(&mut self, id: u64) -> io::Result<()> {
        if self.pipes.is_none() {
            self.pipes = Some(start()?);
        }
        if let Some((requests, _)) = &mut self.pipes {
            requests.write_all(&[1])?;
            self.waiting.push_back(id);
        }
        Ok(())
    }

    /// To wait on for answers; negative if there is no such process.
    pub fn fd(&self) -> RawFd {
        self.pipes.as_ref().map_or(-1, |(_, answers)| answers.as_raw_fd())
    }

    /// The request that was answered, and whether it was: not if the process has ended.
    pub fn take(&mut self) -> Option<(u64, bool)> {
        let (_, answers) = self.pipes.as_mut()?;
        let answered = answers.read_exact(&mut [0]).is_ok();
        if !answered {
            self.pipes = None;
        }
        let id = self.waiting.pop_front();
        if !answered {
            // The others are lost with it; their hosts wait until their time is over.
            self.waiting.clear();
        }
        Some((id?, answered))
    }
}

fn start() -> io::Result<(PipeWriter, PipeReader)> {
    let (requests, ask) = pipe()?;
    let (answers, answer) = pipe()?;
    children::fork(&[requests.as_raw_fd(), answer.as_raw_fd()], NAME, || serve(&requests, &answer))?;
    Ok((ask, answers))
}

fn serve(mut requests: &PipeReader, mut answer: &PipeWriter) -> io::Result<()> {
    let memory = work::allocate(MEMORY)?;
    loop {
        requests.read_exact(&mut [0])?;
        for offset in (0..MEMORY).step_by(PAGE) {
            // SAFETY: within the mapping, which nothing else knows.
            unsafe { memory.add(offset).write_volatile(1) };
        }
        fs::read("/proc/self/status")?;
        answer.write_all(&[1])?;
    }
}
