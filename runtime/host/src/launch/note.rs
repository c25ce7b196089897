// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the process that runs a program tells its parent beside the program's own report.

use std::ptr::NonNull;

/// Longest message, in bytes.
const MESSAGE_SIZE: usize = 512;

/// Exit status of a process that could not start the program; the message says why.
pub(super) const EXIT_NOT_STARTED: i32 = 120;

/// Exit status of a process that could not get at the guest's memory; `memory_error` says why.
pub(super) const EXIT_MEMORY_LOST: i32 = 121;

/// A note, in memory shared by parent and child. All bit patterns are valid.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Note {
    /// Signal that killed the program, 0 for none.
    pub(super) signal: i32,
    /// `errno` of an access to the guest's memory that failed, 0 for none.
    pub(super) memory_error: i32,
    /// Address of the access that raised the signal, or physical address of the access that failed.
    pub(super) address: u64,
    /// Whether `address` means something.
    pub(super) has_address: u32,
    /// Whether the entry point was called.
    pub(super) entered: u32,
    /// Address of the instruction that raised the signal, 0 if unknown.
    pub(super) instruction: u64,
    /// Address at which the program is loaded.
    pub(super) load_address: u64,
    message: [u8; MESSAGE_SIZE],
}

/// Access to a note in shared memory.
#[derive(Clone, Copy)]
pub(super) struct SharedNote(NonNull<Note>);

impl SharedNote {
    /// # Safety
    /// `base` must point to zeros of a note's size and alignment that outlive all copies of this.
    pub(super) unsafe fn new(base: NonNull<u8>) -> Self {
        Self(base.cast())
    }

    pub(super) fn read(self) -> Note {
        // SAFETY: the memory is valid (see `new`); volatile, since another process writes it.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    /// Changes the note. Allocates nothing, so that a signal handler may call it.
    pub(super) fn change(self, change: impl FnOnce(&mut Note)) {
        let mut note = self.read();
        change(&mut note);
        // SAFETY: as in `read`.
        unsafe { self.0.as_ptr().write_volatile(note) };
    }
}

impl Note {
    /// The message, if there is one.
    pub(super) fn message(&self) -> String {
        let end = self.message.iter().position(|byte| *byte == 0).unwrap_or(MESSAGE_SIZE);
        String::from_utf8_lossy(&self.message[..end]).into_owned()
    }

    /// Sets the message to the parts one after the other, as far as there is room. Allocates nothing.
    pub(super) fn set_message(&mut self, parts: &[&[u8]]) {
        let bytes = parts.iter().flat_map(|part| part.iter());
        for (to, byte) in self.message[..MESSAGE_SIZE - 1].iter_mut().zip(bytes) {
            *to = *byte;
        }
    }
}
