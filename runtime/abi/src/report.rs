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

/// What an entry of the journal records. Written to [`JournalEntry::kind`] as a number.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// A store that is about to be made.
    Store = 0,
    /// The store before it has taken the lock whose word, of `size` bytes, is at `address`: the program holds it as long as the bits
    /// `old` of that word are those of `new`. To release it, `new` is subtracted from the word, modulo its size.
    LockTaken = 1,
    /// The store before it has released that lock.
    LockReleased = 2,
    /// From here on the target stands still, for as long as the word of 8 bytes at `address` is `new`.
    PauseBegun = 3,
    /// The program has let the target go on from the pause of that word and that `new`.
    PauseEnded = 4,
    /// What the program writes to the `size` bytes at `address` must stay, whatever becomes of it: others act upon it at once.
    Kept = 5,
}

impl JournalKind {
    /// The kind whose number is `number`, if there is one.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Store,
            1 => Self::LockTaken,
            2 => Self::LockReleased,
            3 => Self::PauseBegun,
            4 => Self::PauseEnded,
            5 => Self::Kept,
            _ => return None,
        })
    }
}

/// What is known of the bytes after a store. Written to [`JournalEntry::after`] as a number.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Unknown = 0,
    /// They were stored; `old` is what was there shortly before.
    Stored = 1,
    /// They were exchanged for `old` in one step.
    Exchanged = 2,
}

/// An entry of the journal: one store to the target's memory, recorded before it was made, or another event without which the
/// stores cannot be taken back.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// Virtual address in the target's kernel.
    pub address: u64,
    /// Physical address.
    pub physical: u64,
    /// The bytes that were there, zero-extended; of a store of more than 8 bytes the first 8.
    pub old: u64,
    /// The bytes that are there after it, if that is known.
    pub new: u64,
    /// Bytes stored.
    pub size: u32,
    /// Index into the manifest's table of source sites.
    pub site: u32,
    /// A [`JournalKind`]; each says what the other fields mean.
    pub kind: u32,
    /// An [`After`]. Programs that take locks write it; others leave the host to find out.
    pub after: u32,
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
    /// Virtual address in the target's kernel of a number that changes when the interrupt is served, and by nothing else; 0 if
    /// none does.
    pub address: u64,
    /// What is there until then, zero-extended.
    pub value: u64,
    /// Bytes of that number, 4 or 8.
    pub size: u32,
    /// Padding, 0.
    pub reserved: u32,
}
