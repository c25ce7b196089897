// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions of the kernel that a program has in a version of its own: they are called instead of those of the kernel. The
//! compiler links them to programs that call them (runtime/include/gpufas/functions), under the kernel's name with a prefix,
//! so that an address of the kernel's function stays one.

use std::collections::HashSet;

use crate::llvm::{Linkage, Module, Value};

/// What precedes the name of a kernel function in that of its version for recovery programs.
pub const IMPLEMENTATION_PREFIX: &str = "gpufas_kernel_";

/// Inline functions of the kernel's headers whose definition is left aside: what they do to locks, the CPU's way, is a matter
/// of `--locks` (include/linux/{bit_spinlock,percpu-rwsem}.h, include/asm-generic/{qspinlock,qrwlock}.h).
const INLINE: &[&str] = &[
    "__bit_spin_unlock",
    "bit_spin_lock",
    "bit_spin_trylock",
    "bit_spin_unlock",
    "percpu_down_read",
    "percpu_down_read_internal",
    "percpu_down_read_trylock",
    "percpu_up_read",
    "queued_read_lock",
    "queued_read_trylock",
    "queued_read_unlock",
    "queued_spin_lock",
    "queued_spin_trylock",
    "queued_spin_unlock",
    "queued_write_lock",
    "queued_write_trylock",
    "queued_write_unlock",
];

/// Names of the kernel functions that a module calls, and that a version of their own may take the place of.
pub fn wanted(module: &Module<'_>) -> HashSet<String> {
    let functions = module.functions().into_iter().filter(|function| !function.calls().is_empty());
    let names = functions.filter_map(|function| kernel_name(function).map(|name| (function, name)));
    names.map(|(_, name)| name).filter(|name| !has(module, name)).collect()
}

/// The version that a program has of a kernel function, if it is there.
pub fn version<'c>(module: &Module<'c>, function: Value<'c>) -> Option<Value<'c>> {
    let version = module.function(&format!("{IMPLEMENTATION_PREFIX}{}", kernel_name(function)?));
    version.filter(|version| !version.is_declaration())
}

/// Calls the versions that are there.
pub fn run(module: &Module<'_>) {
    for function in module.functions() {
        let Some(version) = version(module, function) else { continue };
        // Of another type it is not the function that is meant.
        let same_type = |call: &Value<'_>| call.called_type() == version.value_type();
        for call in function.calls().into_iter().filter(same_type) {
            call.set_operand(call.operand_count() - 1, version);
        }
    }
}

/// Whether a version is there.
fn has(module: &Module<'_>, name: &str) -> bool {
    let version = module.function(&format!("{IMPLEMENTATION_PREFIX}{name}"));
    version.is_some_and(|version| !version.is_declaration())
}

/// The name of the kernel function that a function is, if the program does not define it itself.
fn kernel_name(function: Value<'_>) -> Option<String> {
    let name = function.name();
    if function.is_declaration() {
        return (!name.starts_with("llvm.")).then_some(name);
    }
    // Of several files that bring an inline function, all but the first get a number.
    let base = match name.split_once('.') {
        Some((base, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => base,
        _ => &name,
    };
    (INLINE.contains(&base) && function.linkage() != Linkage::LLVMExternalLinkage).then(|| base.to_owned())
}
