// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inline assembly as the callee of a call or `callbr`.

use inkwell::llvm_sys::LLVMInlineAsmDialect;
use inkwell::llvm_sys::core::*;

use super::{Value, copied};

/// The text and constraints of inline assembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineAsm {
    /// The template, with `$0` or `${0:b}` for operands and `$$` for a dollar sign.
    pub text: String,
    /// The constraints, comma-separated, outputs first.
    pub constraints: String,
    /// Whether it has effects beyond its outputs (`asm volatile`).
    pub has_side_effects: bool,
    /// Whether it is written in AT&T syntax.
    pub is_att: bool,
}

impl InlineAsm {
    /// Reads `value` if it is inline assembly.
    pub fn of(value: Value<'_>) -> Option<Self> {
        // SAFETY: each query is made of a value that was checked to be inline assembly.
        unsafe {
            if LLVMIsAInlineAsm(value.0).is_null() {
                return None;
            }
            let mut length = 0;
            let text = LLVMGetInlineAsmAsmString(value.0, &mut length);
            let text = copied(text, length);
            let constraints = LLVMGetInlineAsmConstraintString(value.0, &mut length);
            Some(Self {
                text,
                constraints: copied(constraints, length),
                has_side_effects: LLVMGetInlineAsmHasSideEffects(value.0) != 0,
                is_att: LLVMGetInlineAsmDialect(value.0) == LLVMInlineAsmDialect::LLVMInlineAsmDialectATT,
            })
        }
    }
}
