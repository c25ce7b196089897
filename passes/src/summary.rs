// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each function of relocatable code needs and what of it is refused, for those who count.

use std::collections::{BTreeMap, BTreeSet};

use gpufas_abi::symbols::runtime;

use crate::initial_values;
use crate::llvm::{Linkage, Module};
use crate::program::Program;

/// What is known of a function after the passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Whether other files see it.
    pub is_visible: bool,
    /// Functions of the same file that it calls, or whose addresses it takes, after inlining.
    pub calls: BTreeSet<String>,
    /// Kernel functions that it calls and the file does not define.
    pub undefined: BTreeSet<String>,
    /// Kinds of reasons for which parts of it end the program (`privileged-instruction`), each with one of the reasons.
    pub refused: BTreeMap<String, String>,
}

/// All functions, by name.
pub fn functions(module: &Module<'_>, program: &Program) -> BTreeMap<String, Function> {
    let mut found = BTreeMap::new();
    for function in module.defined_functions() {
        let name = function.name();
        if is_ours(&name) {
            continue;
        }
        let is_local =
            matches!(function.linkage(), Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage);
        let mut summary = Function { is_visible: !is_local, ..Function::default() };
        for instruction in function.instructions() {
            for used in instruction.operands().into_iter().filter(|operand| operand.is_function()) {
                let used_name = used.name();
                if is_ours(&used_name) || used.intrinsic_id() != 0 || used == function {
                    continue;
                }
                if !used.is_declaration() {
                    summary.calls.insert(used_name);
                } else if instruction.callee() == Some(used) {
                    summary.undefined.insert(used_name);
                }
            }
        }
        found.insert(name, summary);
    }
    for refusal in &program.refusals {
        if let Some(function) = found.get_mut(&refusal.function) {
            let reason = refusal.diagnostic.reason.to_owned();
            function.refused.entry(reason).or_insert_with(|| refusal.diagnostic.message.clone());
        }
    }
    found
}

/// Whether a function is the compiler's or the device runtime's.
fn is_ours(name: &str) -> bool {
    let is_library = name.strip_prefix(runtime::LIBRARY_PREFIX).is_some();
    is_library
        || runtime::FUNCTIONS.contains(&name)
        || name == runtime::CALLEE
        || name.starts_with("gpufas.")
        || name.starts_with(initial_values::PREFIX)
        || name.starts_with("llvm.")
}
