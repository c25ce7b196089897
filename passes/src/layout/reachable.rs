// SPDX-License-Identifier: MIT OR Apache-2.0

//! The part of a program that its entry points reach.

use std::collections::HashSet;

use crate::entry_points;
use crate::kernel_symbols::implementations;
use crate::llvm::{Linkage, Module, Value};

/// The functions and variables with a definition that can be reached from the entry points; without any, from what other modules
/// can see. They are in the order of the module.
pub fn reachable<'c>(module: &Module<'c>) -> (Vec<Value<'c>>, Vec<Value<'c>>) {
    let functions = module.defined_functions();
    let variables: Vec<_> =
        module.globals().into_iter().filter(|variable| !variable.is_declaration()).collect();
    let descriptors: Vec<_> =
        variables.iter().copied().filter(|variable| variable.section() == entry_points::SECTION).collect();
    let mut pending = if descriptors.is_empty() {
        functions.iter().chain(&variables).copied().filter(|global| !is_local(*global)).collect()
    } else {
        descriptors
    };
    let mut seen: HashSet<_> = pending.iter().copied().collect();
    while let Some(value) = pending.pop() {
        // The operand of a variable is its initial value.
        let used = if value.is_function() { value.instructions() } else { value.operands() };
        for next in used {
            let leads_on = next.is_instruction() || next.is_constant();
            if leads_on && seen.insert(next) {
                pending.push(next);
            }
        }
        // Calls of a kernel function will be calls of the program's own version.
        let version = if value.is_function() { implementations::version(module, value) } else { None };
        pending.extend(version.filter(|version| seen.insert(*version)));
    }
    let of = |all: Vec<Value<'c>>| all.into_iter().filter(|global| seen.contains(global)).collect();
    (of(functions), of(variables))
}

fn is_local(global: Value<'_>) -> bool {
    matches!(global.linkage(), Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage)
}
