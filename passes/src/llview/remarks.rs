// SPDX-License-Identifier: MIT OR Apache-2.0

//! What llview says of accesses: remarks on what it does with them, and warnings of those that can only end in a fault.

use crate::diagnostic::{Diagnostic, Remark};
use crate::llvm::{Opcode, Value, debug};
use crate::memory_class::OwnPlace;
use crate::warning::Warning;

use super::{NAME, Pass};

/// Addresses from here on are the kernel's: the upper half.
const KERNEL_HALF: u64 = 1 << 63;

impl<'c> Pass<'_, 'c> {
    /// Makes a remark on an instruction if it is wanted.
    pub(super) fn remark(&mut self, kind: Remark, instruction: Value<'c>, words: impl FnOnce() -> String) {
        let context = self.module.context();
        self.program.remark(kind, NAME, || (debug::site(context, instruction), words()));
    }

    /// A remark on an access that the runtime makes in pieces.
    pub(super) fn remark_on_bytes(&mut self, instruction: Value<'c>, size: u64) {
        self.remark(Remark::Missed, instruction, || {
            let access = access(instruction);
            format!("{access} of {} is not made at once: it is not aligned, or too wide", bytes(size))
        });
    }

    pub(super) fn warn(&mut self, class: Warning, instruction: Value<'c>, message: String) {
        let site = debug::site(self.module.context(), instruction);
        self.program.diagnostics.push(Diagnostic::warning(class, NAME, site, message));
    }

    /// Warns of an address that is known, and known not to be the kernel's. The program's own memory has no fixed addresses.
    pub(super) fn warn_of_address(&mut self, instruction: Value<'c>, pointer: Value<'c>) {
        if let Some(address) = fixed_address(pointer).filter(|address| *address < KERNEL_HALF) {
            let message = format!("{} at address {address:#x}, which no kernel has", access(instruction));
            self.warn(Warning::InvalidAddress, instruction, message);
        }
    }

    /// Warns of an access that is known to be beyond an object of the program's own.
    pub(super) fn warn_of_bounds(&mut self, instruction: Value<'c>, place: OwnPlace<'c>, size: Option<u64>) {
        let (Some(offset), Some(size)) = (place.offset, size) else { return };
        if !place.holds(size) {
            let message = format!(
                "{} of {} at offset {offset} of {}, which has {}",
                access(instruction),
                bytes(size),
                named(place.object),
                bytes(place.room)
            );
            self.warn(Warning::OutOfBounds, instruction, message);
        }
    }
}

/// An address that is a constant.
fn fixed_address(pointer: Value<'_>) -> Option<u64> {
    if pointer.is_null() {
        return Some(0);
    }
    let is_cast = pointer.is_constant_expression() && pointer.opcode() == Some(Opcode::LLVMIntToPtr);
    is_cast.then(|| pointer.operand(0)?.as_unsigned()).flatten()
}

/// What kind of access an instruction is.
pub fn access(instruction: Value<'_>) -> &'static str {
    match instruction.opcode() {
        Some(Opcode::LLVMLoad) => "load",
        Some(Opcode::LLVMStore) => "store",
        Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => "atomic operation",
        _ => "access",
    }
}

/// An object of the program's own in words.
pub fn named(object: Value<'_>) -> String {
    let name = object.name();
    if name.is_empty() {
        "a variable of the program's own".into()
    } else {
        format!("the program's own `{name}`")
    }
}

/// A number of bytes in words.
pub fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}
