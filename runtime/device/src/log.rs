// SPDX-License-Identifier: MIT OR Apache-2.0

//! The text that a program prints.

use core::ptr::with_exposed_provenance_mut;

use crate::budget::gpufas_count;
use crate::context::context;
use crate::print::Output;
use crate::report::report;
use crate::state::state;
use crate::target::system_fence;

/// `KERN_SOH_ASCII` of include/linux/kern_levels.h: a log level follows.
const START_OF_HEADER: u8 = 1;

/// Where a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// At its start, after any number of levels.
    Start,
    /// At its start, after the first byte of a level.
    Level,
    /// In the text.
    Text,
}

/// A message in the making. It lies in the log's memory, after the used part, until it is complete.
pub struct Message {
    /// Bytes of the message so far.
    length: u64,
    /// Bytes that are free in the log.
    room: u64,
    position: Position,
    site: u32,
}

impl Message {
    /// An empty message of a source site.
    pub fn new(site: u32) -> Self {
        let log = &context().log;
        let room = if log.address == 0 { 0 } else { log.size.saturating_sub(state().log_used.get()) };
        Self { length: 0, room, position: Position::Start, site }
    }

    /// Whether it is too long for the log already.
    fn is_lost(&self) -> bool {
        self.length > self.room
    }

    #[inline]
    fn append(&mut self, byte: u8) {
        if self.length < self.room {
            let at = context().log.address.wrapping_add(state().log_used.get()).wrapping_add(self.length);
            // SAFETY: the byte lies in the log's buffer, after its used part.
            unsafe { with_exposed_provenance_mut::<u8>(at as usize).write_volatile(byte) };
        }
        if !self.is_lost() {
            self.length = self.length.wrapping_add(1);
        }
    }

    /// Hands the message to the host, or counts it as lost if it does not fit wholly. Returns its length.
    pub fn finish(mut self) -> u64 {
        if self.position == Position::Level {
            self.append(START_OF_HEADER);
        }
        let Some(report) = report() else { return 0 };
        if self.is_lost() {
            report.count_log_lost();
            return 0;
        }
        let used = state().log_used.get().wrapping_add(self.length);
        state().log_used.set(used);
        // The host must see the text no later than its length.
        system_fence();
        report.set_log_used(used);
        self.length
    }
}

impl Output for Message {
    /// Log levels at the start (`printk_get_level()` in kernel/printk/printk.c) are dropped.
    #[inline(never)]
    fn put(&mut self, byte: u8) {
        gpufas_count(self.site);
        match self.position {
            Position::Start if byte == START_OF_HEADER => {
                self.position = Position::Level;
                return;
            }
            Position::Level => {
                if matches!(byte, b'0'..=b'7' | b'c' | b'd') {
                    self.position = Position::Start;
                    return;
                }
                self.append(START_OF_HEADER);
            }
            _ => {}
        }
        self.position = Position::Text;
        self.append(byte);
    }

    /// A message that does not fit wholly is lost.
    fn is_full(&self) -> bool {
        self.is_lost()
    }
}
