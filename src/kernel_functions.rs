// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions of the kernel that have a meaning of their own in a recovery program and are written in C, since they need the
//! kernel's types (runtime/include/gpufas/functions): what a program calls of them is compiled against the headers of its
//! kernel and linked to it.

use std::collections::HashSet;
use std::path::Path;

use gpufas_passes::kernel_symbols::implementations::{self, IMPLEMENTATION_PREFIX};
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Context, Linkage, Module};

use crate::arguments::{Allocation, Arguments};
use crate::command::Runner;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::source_names::SourceNames;
use crate::{frontend, headers, input};

/// The files, and the functions that each defines for some kernels.
const FILES: &[(&str, &[&str])] = include!("kernel_functions/table.rs");

/// The files of what `--allocation own` adds.
const ALLOCATION: &[&str] = &["allocation.c", "kasprintf.c", "kmem_cache.c", "kmemdup.c"];

/// What comes before the names of all else that the files define.
const PRIVATE_PREFIX: &str = "gpufas.function.";

/// Links what a program calls of these functions to it.
///
/// # Errors
///
/// Those of the front end.
pub fn link<'c>(
    arguments: &Arguments,
    kernel: &Kernel,
    names: &SourceNames,
    runner: Runner,
    (context, log): (&'c Context, &DiagnosticLog<'_>),
    module: &Module<'c>,
) -> Result<()> {
    let folder = headers::unpack()?;
    let mut linked = left_out(arguments);
    // One may call others.
    while let Some(file) = needed(module, &linked) {
        linked.insert(file);
        let path = folder.join("gpufas/functions").join(file);
        let functions = compile(arguments, kernel, names, runner, (context, log), &path)?;
        if !module.link(functions) {
            let reason = log.take_errors().join("; ");
            return Err(Error::Internal(format!("{} does not link: {reason}", path.display())));
        }
    }
    Ok(())
}

/// Whether a program calls any of the functions that are to be linked to it.
pub fn are_needed(arguments: &Arguments, module: &Module<'_>) -> bool {
    needed(module, &left_out(arguments)).is_some()
}

/// The files that are not linked, whatever the program calls.
fn left_out(arguments: &Arguments) -> HashSet<&'static str> {
    match arguments.allocation {
        Allocation::Refuse => ALLOCATION.iter().copied().collect(),
        Allocation::Own => HashSet::new(),
    }
}

/// A file that defines a function that is called, of those that are not linked yet.
fn needed(module: &Module<'_>, linked: &HashSet<&str>) -> Option<&'static str> {
    let wanted = implementations::wanted(module);
    let mut files = FILES.iter().filter(|(file, _)| !linked.contains(file));
    files.find(|(_, names)| names.iter().any(|name| wanted.contains(*name))).map(|(file, _)| *file)
}

/// Compiles a file. All that it defines beside the functions gets names that meet no other.
fn compile<'c>(
    arguments: &Arguments,
    kernel: &Kernel,
    names: &SourceNames,
    runner: Runner,
    (context, log): (&'c Context, &DiagnosticLog<'_>),
    path: &Path,
) -> Result<Module<'c>> {
    let compiled = frontend::compile_own(arguments, kernel, runner, path)?;
    let name = path.display().to_string();
    let module = input::parse(context, log, &name, &compiled.output)?;
    // Whose the structures are shows in where the headers are: what the functions use is checked and relocated as the program's.
    input::mark(&module, &kernel.identity, names);
    if frontend::needs_types(arguments) {
        frontend::note_structures(arguments, &module, compiled.mentions.as_ref())?;
    }
    for function in module.defined_functions() {
        let name = function.name();
        if name.starts_with(IMPLEMENTATION_PREFIX) {
            // So that it is known which of the program's lines asked for it.
            function.add_attribute(context, "alwaysinline");
        } else {
            function.set_name(&format!("{PRIVATE_PREFIX}{name}"));
            function.set_linkage(Linkage::LLVMInternalLinkage);
        }
    }
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{self, Request};

    #[test]
    fn what_is_left_out_is_not_needed() {
        let context = Context::create();
        let log = DiagnosticLog::new(&context);
        let calling = |name: &str| {
            let text = format!(
                "declare void @{name}(ptr)\ndefine void @f() {{\n  call void @{name}(ptr null)\n  ret void\n}}\n"
            );
            input::parse(&context, &log, "calls.ll", text.as_bytes()).unwrap()
        };
        let with = |allocation: &str| {
            let words = ["calls.ll", "--allocation", allocation];
            match arguments::parse(words.map(Into::into)).unwrap() {
                Request::Compile(arguments) => *arguments,
                other => panic!("{other:?}"),
            }
        };
        for (name, if_refused, if_own) in
            [("kfree", false, true), ("__bitmap_set", true, true), ("other", false, false)]
        {
            let module = calling(name);
            assert_eq!(are_needed(&with("refuse"), &module), if_refused, "{name}");
            assert_eq!(are_needed(&with("own"), &module), if_own, "{name}");
        }
    }

    #[test]
    fn files_and_functions_are_listed_once_and_exist() {
        let mut seen = HashSet::new();
        for (_, names) in FILES {
            for name in *names {
                assert!(seen.insert(*name), "{name} is listed twice");
            }
        }
        let sources = headers::names().filter_map(|name| name.strip_prefix("gpufas/functions/"));
        let sources: HashSet<_> = sources.filter(|name| name.ends_with(".c")).collect();
        assert_eq!(sources, FILES.iter().map(|(file, _)| *file).collect());
    }
}
