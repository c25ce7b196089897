// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `gpufas run` tells its user: the program's text as it comes, then a summary, for people or as JSON.

mod errno;
mod json;
mod log;
mod text;

pub use json::{error as json_error, summary as json_summary};
pub use log::{Log, printable};
pub use text::summary as text_summary;

use gpufas_abi::FaultKind;
use gpufas_abi::manifest::{Site, Variant};

/// The source site of an index, if it is known.
fn site(variant: &Variant, index: u32) -> Option<&Site> {
    variant.sites.get(index as usize).filter(|site| !site.file.is_empty() || !site.function.is_empty())
}

/// Name of a kind of fault in JSON.
fn fault_name(kind: Option<FaultKind>) -> &'static str {
    match kind {
        Some(FaultKind::Unmapped) => "unmapped",
        Some(FaultKind::NotMemory) => "not-memory",
        Some(FaultKind::NotKernel) => "not-kernel",
        Some(FaultKind::Misaligned) => "misaligned",
        Some(FaultKind::ReadOnly) => "read-only",
        Some(FaultKind::OutOfBounds) => "out-of-bounds",
        Some(FaultKind::BudgetSpent) => "budget-spent",
        Some(FaultKind::Stopped) => "stopped",
        Some(FaultKind::StackOverflow) => "stack-overflow",
        Some(FaultKind::Unsupported) => "unsupported",
        Some(FaultKind::Bug) => "bug",
        Some(FaultKind::JournalFull) => "journal-full",
        Some(FaultKind::LockHeld) => "lock-held",
        Some(FaultKind::NoFunction) => "no-function",
        Some(FaultKind::NotAllocated) => "not-allocated",
        Some(FaultKind::OwnAddress) => "own-address",
        None => "unknown",
    }
}

/// A kind of fault in words.
fn fault_text(kind: Option<FaultKind>) -> &'static str {
    match kind {
        Some(FaultKind::Unmapped) => "the kernel has nothing mapped there",
        Some(FaultKind::NotMemory) => "what is mapped there is not memory",
        Some(FaultKind::NotKernel) => {
            "the address is neither the kernel's nor the program's (a null or wild pointer?)"
        }
        Some(FaultKind::Misaligned) => "the address is not aligned",
        Some(FaultKind::ReadOnly) => "a store to memory that must not be written",
        Some(FaultKind::OutOfBounds) => "beyond the end of one of the program's own variables",
        Some(FaultKind::BudgetSpent) => "the loop budget is spent (a corrupt list?); --budget raises it",
        Some(FaultKind::Stopped) => "it was asked to stop",
        Some(FaultKind::StackOverflow) => "the stack is used up",
        Some(FaultKind::Unsupported) => "something that a recovery program cannot do",
        Some(FaultKind::Bug) => "a BUG() or failed assertion in the kernel's code",
        Some(FaultKind::JournalFull) => {
            "more stores than the journal holds, which must have all of them: half of what the program writes would be worse \
             than nothing, or the memory is private to QEMU (use share=on)"
        }
        Some(FaultKind::LockHeld) => "a lock of the kernel's is held",
        Some(FaultKind::NoFunction) => {
            "a call through a pointer to what is no function of the program, or one of another type"
        }
        Some(FaultKind::NotAllocated) => {
            "memory is freed that the program has not allocated, or has freed already; the kernel's own memory is never freed"
        }
        Some(FaultKind::OwnAddress) => {
            "the program has ended, and left an address of its own memory in the kernel's, which will follow it"
        }
        None => "a fault of a kind that this gpufas does not know",
    }
}

#[cfg(test)]
pub(crate) mod tests;
