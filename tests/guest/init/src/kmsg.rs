// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's messages, from `/dev/kmsg`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use gpufas_guest_init::KernelRecord;

/// The kernel gives one record a read and refuses a buffer that is too small for it; this is above
/// `PRINTK_MESSAGE_MAX` (2,048, kernel/printk/internal.h).
const RECORD_MAX: usize = 8192;

/// All messages since boot, gathered while they come, so that the kernel's ring buffer does not overrun.
pub struct KernelLog {
    device: File,
    records: Vec<KernelRecord>,
}

impl KernelLog {
    /// Opens `/dev/kmsg` at its oldest record.
    pub fn open() -> io::Result<Self> {
        let device = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg")?;
        Ok(Self { device, records: Vec::new() })
    }

    /// To wait on for new messages.
    pub fn fd(&self) -> RawFd {
        self.device.as_raw_fd()
    }

    /// Takes in what has come since the last call.
    pub fn gather(&mut self) -> io::Result<()> {
        let mut buffer = [0; RECORD_MAX];
        loop {
            match self.device.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    self.records.extend(parse_record(&String::from_utf8_lossy(&buffer[..length])));
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Ok(()),
                    // Records were overwritten before they were read: go on with the oldest that is left.
                    Some(libc::EPIPE | libc::EINTR) => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// The messages after a sequence number, or all.
    pub fn after(&self, sequence: Option<u64>) -> &[KernelRecord] {
        let start = match sequence {
            Some(sequence) => self.records.partition_point(|record| record.sequence <= sequence),
            None => 0,
        };
        &self.records[start..]
    }
}

/// Writes a message into the kernel's log.
pub fn write(level: u8, text: &str) -> io::Result<()> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Without an end of line the kernel keeps the record open for more and shows it to no reader.
    let line = format!("<{}>{text}\n", level & 7);
    OpenOptions::new().write(true).open("/dev/kmsg")?.write_all(line.as_bytes())
}

/// Reads `priority,sequence,microseconds,flags[,...];text`, with lines of properties after it, which are
/// left out (Documentation/ABI/testing/dev-kmsg). The priority's low three bits are the level.
fn parse_record(record: &str) -> Option<KernelRecord> {
    let (header, body) = record.split_once(';')?;
    let mut fields = header.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    let microseconds = fields.next()?.parse().ok()?;
    let text = body.lines().next().unwrap_or_default().to_owned();
    Some(KernelRecord { sequence, level: (priority & 7) as u8, microseconds, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_without_its_properties() {
        let record = parse_record("12,339,5140900,-;NET: registered; family 10\n SUBSYSTEM=net\n").unwrap();
        let text = "NET: registered; family 10".to_owned();
        assert_eq!(record, KernelRecord { sequence: 339, level: 4, microseconds: 5_140_900, text });
    }

    #[test]
    fn further_header_fields_are_allowed() {
        assert_eq!(parse_record("6,1,0,-,caller=T1;x\n").unwrap().level, 6);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert_eq!(parse_record("no semicolon"), None);
        assert_eq!(parse_record("a,b,c;d"), None);
        assert_eq!(parse_record("6;d"), None);
    }
}
