// SPDX-License-Identifier: MIT OR Apache-2.0

//! Debug information for GPUs: source lines.
//!
//! Full debug information would make ptxas compile without optimisation. LLVM has a kind of it that gives lines in PTX and
//! nothing else (`-gline-directives-only`), but programs may come as bitcode with any kind, and LLVM's C interface cannot
//! change it. So the program is written as text, where the kind is a word in the line of a compile unit.

use gpufas_passes::llvm::{Module, pipeline as llvm_passes};
use inkwell::targets::TargetMachine;

use crate::error::{Error, Result};

/// The program as LLVM IR in text, its debug information reduced to lines.
///
/// # Errors
///
/// [`Error::Internal`] if LLVM does not know the pass that takes types and variables out.
pub fn only_lines(module: &Module<'_>, machine: &TargetMachine) -> Result<Vec<u8>> {
    llvm_passes::run(module, "strip-nonlinetable-debuginfo", machine).map_err(Error::Internal)?;
    let text = module.inner().print_to_string();
    let text = text.to_string_lossy();
    let mut reduced = String::with_capacity(text.len());
    for line in text.lines() {
        if line.starts_with('!') && line.contains("distinct !DICompileUnit(") {
            let kinds = ["emissionKind: FullDebug", "emissionKind: LineTablesOnly"];
            let kind = kinds.iter().find(|kind| line.contains(**kind)).unwrap_or(&kinds[0]);
            reduced.push_str(&line.replace(*kind, "emissionKind: DebugDirectivesOnly"));
        } else {
            reduced.push_str(line);
        }
        reduced.push('\n');
    }
    Ok(reduced.into_bytes())
}
