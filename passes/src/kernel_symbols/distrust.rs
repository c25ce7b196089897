// SPDX-License-Identifier: MIT OR Apache-2.0

//! What C promises of values that are loaded, and of memory behind pointers. The memory of a failing kernel keeps no promise: a
//! `bool` may hold 6, and an optimiser that believes in 0 and 1 leaves out the check of an index. So the promises go. Nor does
//! the lowest bit of a `bool` say what it is, as clang takes it to: the kernel, compiled by GCC, compares the byte with 0.

use crate::llvm::{Builder, Module, Opcode, Predicate, Value};

/// The promise that a value is one of a few; the only one that clang gives of a byte is that of a `bool`, or of an enumeration of
/// C++.
const RANGE: &str = "range";

/// Promises about a loaded value.
const OF_VALUES: &[&str] =
    &["align", "dereferenceable", "dereferenceable_or_null", "nonnull", "noundef", RANGE];

/// Promises about the memory that a parameter points to.
const OF_PARAMETERS: &[&str] = &["dereferenceable", "dereferenceable_or_null"];

/// Removes the promises.
pub fn run(module: &Module<'_>) {
    let context = module.context();
    for function in module.functions() {
        for index in 0..function.parameters().len() as u32 {
            for promise in OF_PARAMETERS {
                function.remove_parameter_attribute(index, promise);
            }
        }
        let mut bytes = Vec::new();
        for instruction in function.instructions() {
            if instruction.is(Opcode::LLVMLoad) {
                // Of other bytes, code may well ask for the lowest bit; of a `bool`, clang promises a range.
                if instruction.ty().bits() == 8 && instruction.has_metadata(context, RANGE) {
                    bytes.push(instruction);
                }
                for promise in OF_VALUES {
                    instruction.remove_metadata(context, promise);
                }
            }
        }
        bytes.into_iter().for_each(|byte| compare_whole_bytes(module, byte));
    }
}

/// Makes of a `bool` that was loaded what it is as a whole.
fn compare_whole_bytes<'c>(module: &Module<'c>, byte: Value<'c>) {
    let truncated =
        byte.users().into_iter().filter(|user| user.is(Opcode::LLVMTrunc) && user.ty().bits() == 1);
    for bit in truncated {
        let builder = Builder::before(module.context(), bit);
        bit.replace_all_uses_with(builder.compare(Predicate::LLVMIntNE, byte, byte.ty().zero()));
        bit.erase();
    }
}
