// SPDX-License-Identifier: MIT OR Apache-2.0

//! `memcpy()`, `memmove()` and `memset()` for programs that run on the host.
//!
//! LLVM makes calls of them for large copies within the program's own memory, and from loops, as late as in code generation. A
//! program is linked with no library, so it carries its own.

use crate::llvm::{Linkage, Module};
use crate::program::Linking;

/// Their definitions.
const DEFINITIONS: &str = include_str!("host_memory.ll");

/// Names of the functions in [`DEFINITIONS`].
const FUNCTIONS: &[&str] = &["memcpy", "memmove", "memset"];

/// Defines the functions, unless the program does. Of those that several parts of a program bring, the linker takes one.
pub fn define(module: &Module<'_>, linking: Linking) {
    if FUNCTIONS.iter().any(|name| module.function(name).is_some_and(|function| !function.is_declaration())) {
        return;
    }
    let Some(definitions) = Module::read_text(module.context(), "host_memory.ll", DEFINITIONS) else {
        debug_assert!(false, "host_memory.ll is no valid IR");
        return;
    };
    definitions.set_triple(&module.triple());
    definitions.set_data_layout(&module.data_layout());
    let linked = module.link(definitions);
    debug_assert!(linked, "host_memory.ll does not link");
    if linking == Linking::Relocatable {
        for function in FUNCTIONS.iter().filter_map(|name| module.function(name)) {
            function.set_linkage(Linkage::LLVMWeakODRLinkage);
        }
    }
}
