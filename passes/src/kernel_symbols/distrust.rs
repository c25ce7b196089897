// SPDX-License-Identifier: MIT OR Apache-2.0

//! What C promises of values that are loaded, and of memory behind pointers. The memory of a failing kernel keeps no promise: a
//! `bool` may hold 7, and an optimiser that believes in 0 and 1 leaves out the check of an index. So the promises go.

use crate::llvm::{Module, Opcode};

/// Promises about a loaded value.
const OF_VALUES: &[&str] =
    &["align", "dereferenceable", "dereferenceable_or_null", "nonnull", "noundef", "range"];

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
        for instruction in function.instructions() {
            if instruction.is(Opcode::LLVMLoad) {
                for promise in OF_VALUES {
                    instruction.remove_metadata(context, promise);
                }
            }
        }
    }
}
