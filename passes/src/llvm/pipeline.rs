// SPDX-License-Identifier: MIT OR Apache-2.0

//! LLVM's own passes.

use inkwell::passes::PassBuilderOptions;
use inkwell::targets::TargetMachine;

use super::Module;

/// Runs LLVM passes by name (`default<O2>`), as `opt -passes=` does.
///
/// Vectors are not made: an access to kernel memory must keep the width that the kernel's code gives it.
///
/// # Errors
///
/// What LLVM says, for an unknown pass.
pub fn run(module: &Module<'_>, passes: &str, machine: &TargetMachine) -> Result<(), String> {
    let options = PassBuilderOptions::create();
    options.set_loop_vectorization(false);
    options.set_loop_slp_vectorization(false);
    options.set_verify_each(false);
    module.inner().run_passes(passes, machine, options).map_err(|error| error.to_string_lossy_owned())
}

/// Removes debug information of types and variables, and keeps source lines.
///
/// # Errors
///
/// As [`run`].
pub fn strip_types(module: &Module<'_>, machine: &TargetMachine) -> Result<(), String> {
    run(module, "strip-nonlinetable-debuginfo", machine)
}

/// `LLVMString` without the quotes that its `Display` adds.
trait ToStringLossy {
    fn to_string_lossy_owned(&self) -> String;
}

impl ToStringLossy for inkwell::support::LLVMString {
    fn to_string_lossy_owned(&self) -> String {
        self.to_str().map_or_else(|_| format!("{self:?}"), str::to_owned)
    }
}
