// SPDX-License-Identifier: MIT OR Apache-2.0

//! The list of the program's own variables, for the runtime.

use std::cmp::Reverse;

use gpufas_abi::symbols::{self, runtime};

use crate::llvm::{Module, Type, ty};
use crate::program::Linking;

/// Tells the runtime how it translates, and which variables are the program's own, so that it can accept their addresses where it cannot be
/// known from the IR whose an address is. Each part of a program that is linked later has a list of its own.
pub fn list(module: &Module<'_>, linking: Linking, translates_every: bool) {
    let name = |name: &str| match linking {
        Linking::Whole => name.to_owned(),
        Linking::Relocatable => format!("{name}_{}", module.unit()),
    };
    let context = module.context();
    let word = Type::integer(context, 64);
    let mut variables = Vec::new();
    for variable in module.globals() {
        let name = variable.name();
        let bookkeeping = name == symbols::SYMBOL_TABLE || name.starts_with("llvm.");
        if bookkeeping || variable.is_declaration() {
            continue;
        }
        let Some(size) = variable.value_type().allocation_size(module) else { continue };
        let flag = if variable.is_constant_variable() { runtime::OWN_VARIABLE_CONSTANT } else { 0 };
        variables.push((variable, size, flag));
    }
    // The runtime looks from the first on, and what is largest (what --allocation own gives away) is looked for most.
    variables.sort_by_key(|(_, size, _)| Reverse(*size));
    let entries: Vec<_> = variables
        .into_iter()
        .map(|(variable, size, flag)| {
            ty::constant_structure(context, &[variable, word.constant(size | flag)])
        })
        .collect();
    let count = entries.len() as u64;
    let entry = Type::structure(context, &[Type::pointer(context), word]);
    let table = module.add_global(&name(runtime::OWN_VARIABLES), entry.array(count));
    table.set_initializer(entry.constant_array(&entries));
    table.set_constant_variable(true);
    table.set_alignment(8);
    if linking == Linking::Whole {
        let byte = Type::integer(context, 8);
        let every = module.add_global(runtime::TRANSLATE_EVERY, byte);
        every.set_initializer(byte.constant(u64::from(translates_every)));
        every.set_constant_variable(true);
    }
    let number = Type::integer(context, 32);
    let total = module.add_global(&name(runtime::OWN_VARIABLE_COUNT), number);
    total.set_initializer(number.constant(count));
    total.set_constant_variable(true);
    total.set_alignment(4);
}
