// SPDX-License-Identifier: MIT OR Apache-2.0

//! What ends a recovery program early.

/// Why a program was ended. Written to [`FaultRecord::kind`] as a number.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The address is not mapped by the target's page tables, or not canonical.
    Unmapped = 1,
    /// The address is mapped to something that is not memory (a device), or physical memory that the
    /// target does not have.
    NotMemory = 2,
    /// The address belongs neither to the target's kernel nor to the program: a null pointer, a user
    /// address of the target, a wild pointer.
    NotKernel = 3,
    /// The address is not a multiple of the access's alignment.
    Misaligned = 4,
    /// A store to memory that is read-only (a memory dump, the program's own constants).
    ReadOnly = 5,
    /// An index or offset beyond the end of one of the program's own variables.
    OutOfBounds = 6,
    /// The loop budget is spent, most likely on a corrupt list.
    BudgetSpent = 7,
    /// The host asked the program to stop.
    Stopped = 8,
    /// The stack is used up, most likely by recursion.
    StackOverflow = 9,
    /// Something was reached that has no meaning in a recovery program; [`FaultRecord::site`] says what.
    Unsupported = 10,
    /// `BUG()` or a failed assertion of the kernel's code.
    Bug = 11,
    /// No room is left in a journal that must be complete.
    JournalFull = 12,
    /// A lock of the target's kernel is held; [`FaultRecord::address`] is where it is.
    LockHeld = 13,
    /// A call through a pointer to what is no function of the program, or one of another type; the address is the pointer.
    NoFunction = 14,
    /// Memory was to be freed that the program has not allocated, or that it has freed already; the address is where it is.
    NotAllocated = 15,
    /// The program has come to its end, and has left an address of its own memory at [`FaultRecord::address`] in the kernel's, which
    /// would follow it.
    OwnAddress = 16,
}

impl FaultKind {
    /// The kind whose number is `number`, if there is one.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Unmapped,
            2 => Self::NotMemory,
            3 => Self::NotKernel,
            4 => Self::Misaligned,
            5 => Self::ReadOnly,
            6 => Self::OutOfBounds,
            7 => Self::BudgetSpent,
            8 => Self::Stopped,
            9 => Self::StackOverflow,
            10 => Self::Unsupported,
            11 => Self::Bug,
            12 => Self::JournalFull,
            13 => Self::LockHeld,
            14 => Self::NoFunction,
            15 => Self::NotAllocated,
            16 => Self::OwnAddress,
            _ => return None,
        })
    }
}

/// What the program was doing with an address. Written to [`FaultRecord::access`] as a number.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No memory access.
    None = 0,
    /// A load.
    Load = 1,
    /// A store, or the storing half of an atomic operation.
    Store = 2,
}

impl Access {
    /// The access whose number is `number`, if there is one.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Load,
            2 => Self::Store,
            _ => return None,
        })
    }
}

/// The record of the fault that ended a program. All fields are numbers, since a record may be read
/// from memory that anybody could have written.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRecord {
    /// A [`FaultKind`], or 0 if there was no fault.
    pub kind: u32,
    /// An [`Access`].
    pub access: u32,
    /// The virtual address that could not be used; 0 where there is none.
    pub address: u64,
    /// Bytes of the access.
    pub size: u64,
    /// Index into the manifest's table of source sites.
    pub site: u32,
    /// Padding, 0.
    pub reserved: u32,
}
