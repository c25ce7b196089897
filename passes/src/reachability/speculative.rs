// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions of the kernel's sources that only pointers may lead to. A call through a pointer of the kernel's may mean any of
//! those of its type; so most of them are never called, and that one of them cannot be part of a recovery program is
//! no error: where it is called after all, the program ends.

use std::collections::HashSet;

use gpufas_abi::symbols::ENTRY_PREFIX;

use crate::entry_points;
use crate::llvm::{Module, Value};
use crate::marker;

/// All of them: functions of kernel sources to which no calls by name lead from the user's own functions.
pub fn functions<'c>(module: &Module<'c>) -> HashSet<Value<'c>> {
    let is_kernels =
        |function: &Value<'_>| function.text_attribute(marker::KERNEL_SYMBOL_ATTRIBUTE).is_some();
    let is_dispatcher = |function: &Value<'_>| function.name().starts_with(marker::DISPATCHER_PREFIX);
    let defined = module.defined_functions();
    let mut reached: HashSet<Value<'c>> = HashSet::new();
    let entries = entry_points::targets(module).into_iter().map(|(_, function)| function);
    let own = defined.iter().copied().filter(|function| !is_kernels(function) && !is_dispatcher(function));
    let mut pending: Vec<Value<'c>> = own.chain(entries).collect();
    while let Some(function) = pending.pop() {
        if is_dispatcher(&function) || !reached.insert(function) {
            continue;
        }
        let callees = function.instructions().into_iter().filter_map(Value::callee);
        pending.extend(callees.filter(|callee| callee.is_function() && !callee.is_declaration()));
    }
    let speculative = defined.into_iter().filter(|function| {
        is_kernels(function) && !reached.contains(function) && !function.name().starts_with(ENTRY_PREFIX)
    });
    speculative.collect()
}
