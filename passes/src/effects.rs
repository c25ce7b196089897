// SPDX-License-Identifier: MIT OR Apache-2.0

//! What LLVM has found out about the effects of functions, or C promised (`__pure`, `__attribute_const__`), before calls of the
//! runtime are inserted into them: a function that only read its argument now translates an address, counts its loops, and may
//! end the program. As sanitizers do, the passes forget it.

use crate::llvm::{Module, Opcode};

/// Attributes that say what a function does not do.
const EFFECTS: &[&str] =
    &["memory", "mustprogress", "nofree", "norecurse", "nosync", "speculatable", "willreturn"];

/// Forgets the effects of all functions that are defined here.
pub fn forget(module: &Module<'_>) {
    for function in module.defined_functions() {
        for effect in EFFECTS {
            function.remove_attribute(effect);
        }
        for call in function.instructions() {
            let is_own = call.callee().is_some_and(|callee| callee.is_function() && !callee.is_declaration());
            // Nor is it known what a call through a pointer does.
            if call.is(Opcode::LLVMCall)
                && (is_own || call.callee().is_some_and(|callee| !callee.is_function()))
            {
                for effect in EFFECTS {
                    call.remove_call_attribute(effect);
                }
            }
        }
    }
}
