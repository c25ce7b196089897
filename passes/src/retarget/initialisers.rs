// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the functions that assign initial values are called.

use gpufas_abi::symbols::{self, runtime};

use crate::initial_values;
use crate::llvm::{Block, Builder, Linkage, Module, Type};
use crate::program::Linking;

/// Calls them at the start of each entry point, or from one function that others may call.
pub fn call(module: &Module<'_>, linking: Linking) {
    let context = module.context();
    let functions = initial_values::functions(module);
    for &function in &functions {
        function.set_linkage(Linkage::LLVMInternalLinkage);
    }
    if linking == Linking::Relocatable {
        if functions.is_empty() {
            return;
        }
        let name = format!("{}{}", symbols::INITIALISE_PREFIX, module.unit());
        let all = module.declare_function(&name, Type::void(context).function(&[]));
        all.add_attribute(context, "nounwind");
        let builder = Builder::at_end(context, Block::append(context, all, "entry"));
        for function in functions {
            builder.call(function.value_type(), function, &[]);
        }
        builder.return_void();
        return;
    }
    // Those that earlier passes made are called from where entry points are made.
    for function in functions.into_iter().filter(|function| !function.is_used()) {
        let Some(start) = module.function(runtime::START) else { continue };
        for call in start.users() {
            if let Some(next) = call.next_instruction() {
                Builder::before(context, next).call(function.value_type(), function, &[]);
            }
        }
    }
}
