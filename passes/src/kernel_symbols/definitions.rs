// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a source of the kernel defines, and what of it lives in the running kernel.
//!
//! A recovery program that compiles `kernel/sched/fair.c` along means the scheduler's own variables, not second ones that
//! start from their initial values. So the variables of a kernel source become references to the running kernel's; functions
//! stay, and carry the name that their address has in the kernel. Constants keep their values for the optimiser, with a mark;
//! [`constants`](super::constants) decides later.
//!
//! A module is adopted before it is linked to others, while it is known which file it was.

use gpufas_abi::manifest::Contents;

use crate::entry_points;
use crate::llvm::{Linkage, Module, Value};
use crate::marker;

use super::ownership::{Owner, Ownership};

/// Named metadata: for each kernel source twice, the file, [`NAMES`] or [`INLINES`], and the names that the file defines.
pub const CONTENTS_METADATA: &str = "gpufas.contents";

/// See [`CONTENTS_METADATA`]: functions and variables.
const NAMES: &str = "names";

/// See [`CONTENTS_METADATA`]: inline functions of headers, of which other files have copies, too.
const INLINES: &str = "inlines";

/// What precedes the symbol of a constant of the kernel's in the name of its section, where a module carries it.
pub const CONSTANT_SECTION: &str = "gpufas.kernel:";

/// Sections of variables that are nobody else's business: what is printed once, and what the kernel forgets after it has
/// started.
const OWN_SECTIONS: &[&str] = &[".data.once", ".data..once", ".init.", ".gpufas."];

/// Static variables of functions, as macros call them, for the same: messages that are limited (include/linux/ratelimit.h,
/// printk.h, bug.h).
const OWN_LOCALS: &[&str] = &["_rs", "__already_done", "__warned", "__print_once", "__ret_once"];

/// Marks what a module shares with the running kernel. `file` is the path of a kernel source in its tree, none for a source of
/// the user's, whose definitions are the program's unless `ownership` says otherwise.
pub fn adopt(module: &Module<'_>, file: Option<&str>, ownership: &Ownership) {
    if let Some(file) = file {
        note_contents(module, file);
        // Tables that the kernel's own build collects: exports, initcalls, parameters.
        for list in ["llvm.used", "llvm.compiler.used"] {
            if let Some(list) = module.global(list) {
                list.delete_global();
            }
        }
        module.clear_inline_asm();
    }
    let owner = |global: Value<'_>| {
        let name = c_name(global);
        let rule = if file.is_some() { Owner::Kernel } else { Owner::Program };
        ownership.of(file, &name).unwrap_or(rule)
    };
    for function in module.defined_functions() {
        let is_copy = function.linkage() == Linkage::LLVMAvailableExternallyLinkage;
        if !is_copy && owner(function) == Owner::Kernel {
            let symbol = symbol(function, file, ownership);
            function.add_text_attribute_with_value(
                module.context(),
                marker::KERNEL_SYMBOL_ATTRIBUTE,
                &symbol,
            );
            // The initial values go, and the pointers in the running kernel stay.
            if entry_points::is_address_taken(function) {
                function.add_text_attribute(module.context(), marker::POINTER_ATTRIBUTE);
            }
        }
    }
    for variable in module.globals() {
        let name = variable.name();
        let is_unnamed = name.is_empty() || variable.linkage() == Linkage::LLVMPrivateLinkage;
        if variable.is_declaration() || is_unnamed || name.starts_with("llvm.") {
            continue;
        }
        // The user's word counts more than what the section says.
        let said = ownership.of(file, &c_name(variable));
        let local = name.split('.').nth(1).unwrap_or_default();
        let is_passing = OWN_LOCALS.contains(&local)
            || OWN_SECTIONS.iter().any(|section| variable.section().starts_with(section))
            || variable.value_type().allocation_size(module) == Some(0);
        if owner(variable) == Owner::Program || (said.is_none() && is_passing) {
            continue;
        }
        let symbol = symbol(variable, file, ownership);
        if variable.is_constant_variable() {
            variable.set_section(&format!("{CONSTANT_SECTION}{symbol}"));
        } else {
            variable.set_name(&symbol);
            variable.remove_initializer();
            variable.set_linkage(Linkage::LLVMExternalLinkage);
            variable.set_default_visibility();
        }
    }
}

/// The name in C; static variables of a function are `function.variable`.
fn c_name(global: Value<'_>) -> String {
    // What asm("name") says is not mangled any further.
    global.name().trim_start_matches('\u{1}').to_owned()
}

/// The name by which the loader finds a definition: `NAME`, `FILE:NAME` for what is static in a kernel source, and `*:NAME` for
/// what the user says is the kernel's, static or not.
fn symbol(global: Value<'_>, file: Option<&str>, ownership: &Ownership) -> String {
    let name = c_name(global);
    match file {
        Some(file) if global.linkage() == Linkage::LLVMInternalLinkage => {
            let is_said = ownership.of(Some(file), &name) == Some(Owner::Kernel);
            format!("{}:{name}", if is_said { "*" } else { file })
        }
        Some(_) => name,
        None => format!("*:{name}"),
    }
}

/// Notes what a kernel source defines: that tells which static symbols of the kernel are of this file.
fn note_contents(module: &Module<'_>, file: &str) {
    let is_copy = |function: &Value<'_>| function.linkage() == Linkage::LLVMAvailableExternallyLinkage;
    let functions = module.defined_functions().into_iter().filter(|function| !is_copy(function));
    let is_inline = |function: &Value<'_>| {
        function.linkage() == Linkage::LLVMInternalLinkage
            && (function.has_attribute("inlinehint") || function.has_attribute("alwaysinline"))
    };
    let (inlines, functions) = functions.partition::<Vec<_>, _>(is_inline);
    let is_named = |variable: &Value<'_>| {
        variable.linkage() != Linkage::LLVMPrivateLinkage
            && !variable.is_declaration()
            && !variable.name().starts_with("llvm.")
    };
    let variables = module.globals().into_iter().filter(is_named);
    let names: Vec<String> = functions.into_iter().chain(variables).map(c_name).collect();
    let inlines: Vec<String> = inlines.into_iter().map(c_name).collect();
    for (kind, names) in [(NAMES, names), (INLINES, inlines)] {
        let names = names.iter().map(String::as_str).filter(|name| !name.is_empty());
        let words: Vec<&str> = [file, kind].into_iter().chain(names).collect();
        module.add_text_metadata(CONTENTS_METADATA, &words);
    }
}

/// What the files define that have static symbols among `symbols`.
pub fn contents(module: &Module<'_>, symbols: &[&str]) -> Vec<Contents> {
    let mut found: Vec<Contents> = Vec::new();
    for words in module.text_metadata(CONTENTS_METADATA) {
        let [file, kind, names @ ..] = words.as_slice() else { continue };
        let is_needed = symbols
            .iter()
            .any(|symbol| symbol.strip_prefix(file.as_str()).is_some_and(|rest| rest.starts_with(':')));
        if !is_needed {
            continue;
        }
        let position = found.iter().position(|contents| contents.file == *file).unwrap_or_else(|| {
            found.push(Contents { file: file.clone(), names: Vec::new(), inlines: Vec::new() });
            found.len() - 1
        });
        let contents = &mut found[position];
        let list = if kind == INLINES { &mut contents.inlines } else { &mut contents.names };
        list.extend_from_slice(names);
    }
    found
}
