// SPDX-License-Identifier: MIT OR Apache-2.0

//! The state of the program in memory that it shares with the host.

use core::ptr::with_exposed_provenance_mut;

use gpufas_abi::{FaultRecord, Report, Status};

use crate::context::context;
use crate::state::state;
use crate::target::system_fence;

/// The report of this launch.
#[derive(Clone, Copy)]
pub struct SharedReport(*mut Report);

/// The report, if the host gave memory for one.
#[inline]
pub fn report() -> Option<SharedReport> {
    let buffer = context().report;
    let fits = buffer.size >= size_of::<Report>() as u64;
    let aligned = buffer.address.is_multiple_of(align_of::<Report>() as u64);
    (fits && aligned && buffer.address != 0)
        .then(|| SharedReport(with_exposed_provenance_mut(buffer.address as usize)))
}

/// Accessors of single fields: the host may read at any time, so that each is one volatile access.
impl SharedReport {
    /// Whether the host asks the program to end.
    pub fn stop(self) -> bool {
        // SAFETY: `report` checked address, size and alignment of the host's buffer; so in all of these.
        unsafe { (&raw const (*self.0).stop).read_volatile() != 0 }
    }

    /// Sets the number of bytes in the log.
    pub fn set_log_used(self, bytes: u64) {
        // SAFETY: as in `stop`.
        unsafe { (&raw mut (*self.0).log_used).write_volatile(bytes) };
    }

    /// Counts a message that did not fit into the log.
    pub fn count_log_lost(self) {
        // SAFETY: as in `stop`.
        unsafe {
            let field = &raw mut (*self.0).log_lost;
            field.write_volatile(field.read_volatile().wrapping_add(1));
        }
    }

    /// Sets the number of entries in the journal.
    pub fn set_journal_used(self, entries: u64) {
        // SAFETY: as in `stop`.
        unsafe { (&raw mut (*self.0).journal_used).write_volatile(entries) };
    }

    /// Counts a store that did not fit into the journal.
    pub fn count_journal_lost(self) {
        // SAFETY: as in `stop`.
        unsafe {
            let field = &raw mut (*self.0).journal_lost;
            field.write_volatile(field.read_volatile().wrapping_add(1));
        }
    }

    /// Sets the number of interrupts that were asked for.
    pub fn set_interrupts_used(self, requests: u64) {
        // SAFETY: as in `stop`.
        unsafe { (&raw mut (*self.0).interrupts_used).write_volatile(requests) };
    }

    /// Sets what the program has come to before it runs.
    pub fn begin(self) {
        // SAFETY: as in `stop`.
        unsafe {
            (&raw mut (*self.0).result).write_volatile(0);
            self.write_fault(&FaultRecord::default());
            (&raw mut (*self.0).log_used).write_volatile(0);
            (&raw mut (*self.0).log_lost).write_volatile(0);
            (&raw mut (*self.0).journal_used).write_volatile(0);
            (&raw mut (*self.0).journal_lost).write_volatile(0);
            (&raw mut (*self.0).interrupts_used).write_volatile(0);
            (&raw mut (*self.0).budget_left).write_volatile(state().budget.get());
        }
        self.set_status(Status::Running);
    }

    /// Writes the regular end.
    pub fn finish(self, result: i64) {
        // SAFETY: as in `stop`.
        unsafe {
            (&raw mut (*self.0).result).write_volatile(result);
            (&raw mut (*self.0).budget_left).write_volatile(state().budget.get());
        }
        self.set_status(Status::Finished);
    }

    /// Writes the end by a fault.
    pub fn fault(self, record: &FaultRecord) {
        // SAFETY: as in `stop`.
        unsafe {
            self.write_fault(record);
            (&raw mut (*self.0).budget_left).write_volatile(state().budget.get());
        }
        self.set_status(Status::Faulted);
    }

    /// # Safety
    ///
    /// The report must be one that `report` returned.
    #[inline(always)]
    unsafe fn write_fault(self, record: &FaultRecord) {
        // SAFETY: as in `stop`. Field by field, lest it become a call of memcpy.
        unsafe {
            let to = &raw mut (*self.0).fault;
            (&raw mut (*to).kind).write_volatile(record.kind);
            (&raw mut (*to).access).write_volatile(record.access);
            (&raw mut (*to).address).write_volatile(record.address);
            (&raw mut (*to).size).write_volatile(record.size);
            (&raw mut (*to).site).write_volatile(record.site);
            (&raw mut (*to).reserved).write_volatile(0);
        }
    }

    /// Sets the status, after everything that was written before and before all that comes.
    #[inline(always)]
    fn set_status(self, status: Status) {
        system_fence();
        // SAFETY: as in `stop`.
        unsafe { (&raw mut (*self.0).status).write_volatile(status as u32) };
        system_fence();
    }
}
