// SPDX-License-Identifier: MIT OR Apache-2.0

//! The stack pointer as an operand of inline assembly (`ASM_CALL_CONSTRAINT`): clang reads the register before the statement
//! and writes it back after it. Once the statement is gone, the stack pointer is written back unchanged, which means nothing.

use crate::llvm::Value;

const READ: &str = "llvm.read_register.";
const WRITE: &str = "llvm.write_register.";

/// Removes the writes of what was read from the same register.
pub fn forget(function: Value<'_>) {
    for write in function.instructions() {
        let is_write = write.callee().is_some_and(|callee| callee.name().starts_with(WRITE));
        let [register, value] = write.arguments()[..] else { continue };
        let is_read = |value: Value<'_>| {
            value.callee().is_some_and(|callee| callee.name().starts_with(READ))
                && value.arguments() == [register]
        };
        if is_write && is_read(value) {
            write.erase();
        }
    }
}
