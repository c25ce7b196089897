// SPDX-License-Identifier: MIT OR Apache-2.0

//! Constants that kernel sources define. The optimiser knows their values; what it leaves of them is the program's own copy
//! where it is only read, and the running kernel's where its address matters: the kernel compares addresses of constants
//! (`p->sched_class == &fair_sched_class`) and stores them.

use std::collections::HashSet;

use gpufas_abi::symbols::runtime;

use crate::intrinsic::MEMORY_FUNCTIONS;
use crate::llvm::{Linkage, Module, Opcode, Value};
use crate::marker;

use super::definitions::CONSTANT_SECTION;

/// Whether a variable is a constant that a kernel source defines.
pub fn is_kernels(variable: Value<'_>) -> bool {
    variable.is_global_variable() && variable.section().starts_with(CONSTANT_SECTION)
}

/// Decides for all constants of kernel sources that are left: the kernel's become undefined, by the names of their symbols.
pub fn settle(module: &Module<'_>) {
    let mut left: Vec<Value<'_>> = Vec::new();
    for variable in module.globals().into_iter().filter(|variable| is_kernels(*variable)) {
        if variable.is_used() { left.push(variable) } else { variable.delete_global() }
    }
    let mut kernels: HashSet<Value<'_>> = HashSet::new();
    loop {
        let before = kernels.len();
        for &constant in &left {
            // One whose value is not known before the program runs cannot be a copy.
            if !kernels.contains(&constant) && (escapes(constant) || is_relocated(constant, &kernels)) {
                kernels.insert(constant);
            }
        }
        if kernels.len() == before {
            break;
        }
    }
    for constant in left {
        let section = constant.section();
        constant.set_section("");
        if kernels.contains(&constant) {
            constant.set_name(section.trim_start_matches(CONSTANT_SECTION));
            constant.remove_initializer();
            constant.set_linkage(Linkage::LLVMExternalLinkage);
        }
    }
}

/// Whether the initial value has an address that is known only when the program runs.
fn is_relocated<'c>(constant: Value<'c>, kernels: &HashSet<Value<'c>>) -> bool {
    let mut seen = HashSet::new();
    let mut pending: Vec<Value<'c>> = constant.initializer().into_iter().collect();
    while let Some(value) = pending.pop() {
        if !seen.insert(value) {
            continue;
        }
        if value.is_function() {
            if value.is_declaration() || value.text_attribute(marker::KERNEL_SYMBOL_ATTRIBUTE).is_some() {
                return true;
            }
        } else if value.is_global_variable() {
            if value.is_declaration() || kernels.contains(&value) {
                return true;
            }
        } else {
            pending.extend(value.operands());
        }
    }
    false
}

/// Whether the address of a constant goes anywhere but into loads from it.
fn escapes(constant: Value<'_>) -> bool {
    let mut seen = HashSet::from([constant]);
    let mut pending = vec![constant];
    while let Some(value) = pending.pop() {
        for user in value.users() {
            let goes_on = match user.opcode() {
                Some(Opcode::LLVMLoad) => continue,
                Some(
                    Opcode::LLVMGetElementPtr
                    | Opcode::LLVMBitCast
                    | Opcode::LLVMPHI
                    | Opcode::LLVMSelect
                    | Opcode::LLVMFreeze,
                ) => user,
                Some(Opcode::LLVMCall) => match passed(user, value) {
                    Passed::Read => continue,
                    Passed::To(parameters) => {
                        pending.extend(parameters.into_iter().filter(|parameter| seen.insert(*parameter)));
                        continue;
                    }
                    Passed::Anywhere => return true,
                },
                _ => return true,
            };
            if seen.insert(goes_on) {
                pending.push(goes_on);
            }
        }
    }
    false
}

/// What becomes of an argument.
enum Passed<'c> {
    /// It is read from.
    Read,
    /// It is known to a function of the program by these parameters.
    To(Vec<Value<'c>>),
    /// Nobody knows.
    Anywhere,
}

fn passed<'c>(call: Value<'c>, value: Value<'c>) -> Passed<'c> {
    let Some(callee) = call.callee().filter(|callee| callee.is_function() && *callee != value) else {
        return Passed::Anywhere;
    };
    let arguments = call.arguments();
    if !callee.is_declaration() {
        let parameters = callee.parameters().into_iter().zip(&arguments);
        let given = parameters.filter(|(_, argument)| **argument == value).map(|(parameter, _)| parameter);
        let given: Vec<_> = given.collect();
        let variable = arguments.iter().skip(callee.parameters().len()).any(|argument| *argument == value);
        return if variable { Passed::Anywhere } else { Passed::To(given) };
    }
    let name = callee.name();
    let copies = name.starts_with("llvm.memcpy.")
        || name.starts_with("llvm.memmove.")
        || MEMORY_FUNCTIONS.contains(&name.as_str());
    let returns_it = arguments.first() == Some(&value) && call.is_used();
    let reads = runtime::LIBRARY.contains(&name.as_str())
        || name == marker::PRINT
        || name.starts_with("llvm.load.relative.");
    match (copies, reads) {
        (true, _) if arguments.first() != Some(&value) => Passed::Read,
        (_, true) if !returns_it || !call.ty().is_pointer() => Passed::Read,
        _ => Passed::Anywhere,
    }
}
