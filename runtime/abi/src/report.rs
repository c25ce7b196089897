// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a recovery program tells the host while it runs and when it ends.

use crate::FaultRecord;

/// Where a program is. Written to [`Report::status`] as a number.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not started.
    Ready = 0,
    /// The entry point was called and has not returned.
    Running = 1,
    /// The entry point returned [`Report::result`].
    Finished = 2,
    /// The program ended with [`Report::fault`].
    Faulted = 3,
}

impl Status {
    /// The status whose number is `number`, if there is one.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Ready,
            1 => Self::Running,
            2 => Self::Finished,
            3 => Self::Faulted,
            _ => return None,
        })
    }
}

/// The state of a program, in memory that the host and the program share.
///
/// The program writes all fields but `stop`; it writes `status` last, after a system-wide fence.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A [`Status`].
    pub status: u32,
    /// Written by the host: not 0 asks the program to end with
    /// [`FaultKind::Stopped`](crate::FaultKind::Stopped) at its next backward branch or so.
    pub stop: u32,
    /// What the entry point returned, sign-extended.
    pub result: i64,
    /// The fault, if `status` is [`Status::Faulted`].
    pub fault: FaultRecord,
    /// Bytes of text in the log buffer.
    pub log_used: u64,
    /// Messages that did not fit into the log buffer.
    pub log_lost: u64,
    /// Entries in the journal.
    pub journal_used: u64,
    /// Stores that did not fit into the journal. They were made nevertheless, unless
    /// [`FLAG_JOURNAL_COMPLETE`](crate::context::FLAG_JOURNAL_COMPLETE) is set.
    pub journal_lost: u64,
    /// Interrupts that the program asked for.
    pub interrupts_used: u64,
    /// Backward branches that were left of the budget at the end.
    pub budget_left: u64,
}

/// One store to the target's memory, recorded before it was made.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// Virtual address in the target's kernel.
    pub address: u64,
    /// Physical address.
    pub physical: u64,
    /// The bytes that were there, zero-extended; of a store of more than 8 bytes the first 8.
    pub old: u64,
    /// Bytes stored.
    pub size: u32,
    /// Index into the manifest's table of source sites.
    pub site: u32,
}

/// An interrupt that the program asks the host to send to one of the target's CPUs before the target runs on.
///
/// It is asked for before whatever makes it necessary is stored, so that a program that ends in between leaves an interrupt
/// too many, which a kernel takes for spurious, and never one too few.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterruptRequest {
    /// The CPU as the kernel numbers it.
    pub cpu: u32,
    /// Id of its local APIC.
    pub apic_id: u32,
    /// The interrupt's vector, 32 to 255 (arch/x86/include/asm/irq_vectors.h).
    pub vector: u32,
    /// Index into the manifest's table of source sites.
    pub site: u32,
    /// Virtual address in the target's kernel of an aligned `u64` that changes when the interrupt is served; 0 if none does.
    pub address: u64,
    /// What is there until then.
    pub value: u64,
}
