// SPDX-License-Identifier: MIT OR Apache-2.0

//! The memory that a program shares with the host: strings in; report, log, journal and requests of interrupts out.
//!
//! The program writes it while the host reads, and a faulty program may write anything: every value is
//! read once and checked before it is used.

use crate::arguments::Value;
use gpufas_abi::{Buffer, InterruptRequest, JournalEntry, Report};
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};

/// Bytes of text that a program may print.
const LOG_SIZE: usize = 1 << 20;

/// Stores that are recorded.
const JOURNAL_ENTRIES: usize = 1 << 16;

/// The same if a program is ended when there is no room: half of what it writes is worse than nothing, so that all must be known. A
/// task that a program ends by the run queue takes 63 to 87 stores (6.1 to 7.2), so that it is enough for 11,000.
const COMPLETE_JOURNAL_ENTRIES: usize = 1 << 20;

/// Interrupts that a program may ask for: two for each CPU of the largest kernel (arch/x86/Kconfig, NR_CPUS_RANGE_END).
const INTERRUPTS: usize = 2 * 8192;

/// Alignment of the parts, in bytes.
const ALIGNMENT: usize = 4096;

/// Where the parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    strings_size: usize,
    log: usize,
    journal: usize,
    journal_entries: usize,
    interrupts: usize,
    strings: usize,
    /// Bytes of all.
    pub(super) size: usize,
}

impl Parts {
    /// The parts for a launch with these arguments, of a program of whose stores half may be worse than nothing.
    pub(super) fn new(arguments: &[Value], all_or_nothing: bool) -> Self {
        let strings_size = arguments.iter().map(|value| match value {
            Value::Number(_) => 0,
            Value::String(text) => text.len() + 1,
        });
        let strings_size: usize = strings_size.sum();
        let log = ALIGNMENT;
        let journal = log + LOG_SIZE;
        let journal_entries = if all_or_nothing { COMPLETE_JOURNAL_ENTRIES } else { JOURNAL_ENTRIES };
        let interrupts = journal + journal_entries * size_of::<JournalEntry>();
        let strings = interrupts + INTERRUPTS * size_of::<InterruptRequest>();
        let size = (strings + strings_size).next_multiple_of(ALIGNMENT);
        Self { strings_size, log, journal, journal_entries, interrupts, strings, size }
    }
}

/// The shared memory of one launch.
pub(super) struct Buffers {
    base: NonNull<u8>,
    /// Address of the first byte for the program.
    program_base: u64,
    parts: Parts,
}

impl Buffers {
    /// Lays the buffers out and writes the strings.
    ///
    /// # Safety
    /// `base` must point to `parts.size` bytes of zeros, aligned to 8, that outlive this and that nobody
    /// writes but the program.
    pub(super) unsafe fn new(
        base: NonNull<u8>,
        program_base: u64,
        parts: Parts,
        arguments: &[Value],
    ) -> Self {
        let mut at = parts.strings;
        for value in arguments {
            let Value::String(text) = value else { continue };
            // SAFETY: the part for strings was made as large as the strings with their NULs, and the memory
            // is 0, so that the NULs are there.
            unsafe { base.as_ptr().add(at).copy_from_nonoverlapping(text.as_ptr(), text.len()) };
            at += text.len() + 1;
        }
        Self { base, program_base, parts }
    }

    fn buffer(&self, offset: usize, size: usize) -> Buffer {
        Buffer { address: self.program_base + offset as u64, size: size as u64 }
    }

    pub(super) fn report(&self) -> Buffer {
        self.buffer(0, size_of::<Report>())
    }

    pub(super) fn log(&self) -> Buffer {
        self.buffer(self.parts.log, LOG_SIZE)
    }

    pub(super) fn journal(&self) -> Buffer {
        self.buffer(self.parts.journal, self.parts.journal_entries * size_of::<JournalEntry>())
    }

    pub(super) fn interrupts(&self) -> Buffer {
        self.buffer(self.parts.interrupts, INTERRUPTS * size_of::<InterruptRequest>())
    }

    pub(super) fn strings(&self) -> Buffer {
        self.buffer(self.parts.strings, self.parts.strings_size)
    }

    /// The report as it is now. The status is read first: what was written before it is then seen.
    pub(super) fn read_report(&self) -> Report {
        let report: *const Report = self.base.as_ptr().cast();
        // SAFETY: the memory is valid and aligned (see `new`); volatile, since another process or the GPU
        // writes it.
        let status = unsafe { (&raw const (*report).status).read_volatile() };
        fence(Ordering::Acquire);
        // SAFETY: as above; every bit pattern is a Report.
        let report = unsafe { report.read_volatile() };
        Report { status, ..report }
    }

    /// Asks the program to end.
    pub(super) fn request_stop(&self) {
        let report: *mut Report = self.base.as_ptr().cast();
        // SAFETY: as in `read_report`; only the host writes this field.
        unsafe { (&raw mut (*report).stop).write_volatile(1) };
        fence(Ordering::SeqCst);
    }

    /// The text from byte `from` on, as far as it is complete.
    pub(super) fn read_log(&self, from: usize) -> Vec<u8> {
        let used = usize::try_from(self.read_report().log_used).unwrap_or(usize::MAX).min(LOG_SIZE);
        fence(Ordering::Acquire);
        (from..used)
            // SAFETY: the index is below LOG_SIZE; the rest as in `read_report`.
            .map(|index| unsafe { self.base.as_ptr().add(self.parts.log + index).read_volatile() })
            .collect()
    }

    /// The stores that were recorded.
    pub(super) fn read_journal(&self) -> Vec<JournalEntry> {
        let used = usize::try_from(self.read_report().journal_used).unwrap_or(usize::MAX);
        let used = used.min(self.parts.journal_entries);
        fence(Ordering::Acquire);
        // SAFETY: the part is aligned to a page.
        let journal: *const JournalEntry = unsafe { self.base.as_ptr().add(self.parts.journal) }.cast();
        // SAFETY: the index is below the number of entries; the rest as in `read_report`.
        (0..used).map(|index| unsafe { journal.add(index).read_volatile() }).collect()
    }

    /// The interrupts that were asked for.
    pub(super) fn read_interrupts(&self) -> Vec<InterruptRequest> {
        let used = usize::try_from(self.read_report().interrupts_used).unwrap_or(usize::MAX).min(INTERRUPTS);
        fence(Ordering::Acquire);
        // SAFETY: the part is aligned to a page.
        let requests: *const InterruptRequest =
            unsafe { self.base.as_ptr().add(self.parts.interrupts) }.cast();
        // SAFETY: the index is below INTERRUPTS; the rest as in `read_report`.
        (0..used).map(|index| unsafe { requests.add(index).read_volatile() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::mapping::Mapping;

    #[test]
    fn what_a_program_claims_is_bounded() {
        for (all_or_nothing, entries) in [(false, JOURNAL_ENTRIES), (true, COMPLETE_JOURNAL_ENTRIES)] {
            is_bounded(all_or_nothing, entries);
        }
    }

    fn is_bounded(all_or_nothing: bool, entries: usize) {
        let arguments = [Value::String(b"ab".to_vec()), Value::Number(7), Value::String(Vec::new())];
        let parts = Parts::new(&arguments, all_or_nothing);
        let memory = Mapping::shared_zeros(parts.size).unwrap();
        let program_base = memory.base().as_ptr() as u64;
        // SAFETY: the mapping is zeros, as large as the parts, aligned to a page and lives as long.
        let buffers = unsafe { Buffers::new(memory.base(), program_base, parts, &arguments) };
        assert_eq!(buffers.strings().size, 4);
        let claims = Report {
            log_used: u64::MAX,
            journal_used: u64::MAX,
            interrupts_used: u64::MAX,
            ..Report::default()
        };
        // SAFETY: the report is at the beginning of the mapping.
        unsafe { memory.base().as_ptr().cast::<Report>().write(claims) };
        assert_eq!(buffers.read_log(LOG_SIZE - 3).len(), 3);
        assert_eq!(buffers.read_log(LOG_SIZE + 3).len(), 0);
        assert_eq!(buffers.read_journal().len(), entries);
        assert_eq!(buffers.read_interrupts().len(), INTERRUPTS);
        buffers.request_stop();
        assert_eq!(buffers.read_report().stop, 1);
        let ends =
            [buffers.report(), buffers.log(), buffers.journal(), buffers.interrupts(), buffers.strings()];
        let ends =
            ends.map(|buffer| (buffer.address - program_base, buffer.address - program_base + buffer.size));
        assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{ends:?}");
        assert!(ends[4].1 as usize <= parts.size);
    }
}
