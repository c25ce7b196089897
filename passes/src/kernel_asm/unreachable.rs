// SPDX-License-Identifier: MIT OR Apache-2.0

//! Places that kernel code promises never to reach (`unreachable()`, the end of `BUG()`).
//!
//! The promise is about a kernel that works. With the memory of one that fails, an optimiser that believes it would, for one
//! thing, jump through a table without a check. So they end the program, as `BUG()` does.

use crate::llvm::{Builder, Module, Opcode, Value};

use super::idiom;

/// Guards what is unreachable in a function.
pub fn guard<'c>(module: &Module<'c>, function: Value<'c>) {
    for block in function.blocks() {
        let Some(end) = block.terminator().filter(|end| end.is(Opcode::LLVMUnreachable)) else { continue };
        let ends_before = end.previous_instruction().is_some_and(Value::never_returns);
        if !ends_before {
            idiom::call_bug(module, &Builder::before(module.context(), end));
        }
    }
}
