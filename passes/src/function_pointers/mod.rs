// SPDX-License-Identifier: MIT OR Apache-2.0

//! function-pointers: calls through pointers, and the addresses of functions.
//!
//! A pointer to a function may come from the kernel's memory (`p->sched_class->enqueue_task`), where it is the address of the
//! kernel's own code, or from the program (the order of a list to sort). One representation serves both: the address of a
//! function that has a place in the running kernel is its address there, in all of the program; it can be stored in the
//! kernel's memory and compared with what is found there. A function that is the program's alone has a number instead of an
//! address, made up to be no address of anything ([`FUNCTION_BASE`](gpufas_abi::symbols::FUNCTION_BASE)).
//!
//! A call through a pointer goes to a function of this compiler's, one for each type of function, which asks the runtime whose
//! number the address has and calls that function by its name. So the callees of each call are known: they count in
//! the search for recursion, no GPU has to call through a register, and an address of nothing of the program ends it with a
//! report that names the kernel's function.
//!
//! [`keep`] runs before the optimiser, which would drop functions that only pointers in the kernel's memory lead to; [`run`]
//! after it, when calls whose callee it could find out are gone.

mod dispatch;
mod signature;

use std::collections::{HashMap, HashSet};

use gpufas_abi::manifest::{Function, Site};
use gpufas_abi::symbols::{ENTRY_PREFIX, FUNCTION_BASE, FUNCTION_STEP};

use crate::diagnostic::{Diagnostic, Remark};
use crate::entry_points::{self, is_address_taken};
use crate::initial_values::Assignments;
use crate::kernel_symbols;
use crate::llvm::{Builder, InlineAsm, Linkage, Module, Type, Value, debug};
use crate::marker;
use crate::program::{Linking, Program};

use signature::{Passing, Signature};

/// Name of the pass.
pub const NAME: &str = "function-pointers";

/// Name of the first part, [`keep`], as a pass.
pub const KEEP_NAME: &str = "callable-functions";

/// The list of functions that pointers may lead to, from [`keep`] to [`run`].
const CALLABLE: &str = "gpufas.callable";

/// Keeps the functions that a call through a pointer may lead to: those of the call's type whose address anything takes, or may
/// take in the running kernel.
///
/// Only what entry points may reach counts (Bacon and Sweeney: Fast static analysis of C++ virtual function calls, 1996, with
/// the types of functions in the place of classes).
pub fn keep(module: &Module<'_>, program: &mut Program) {
    signature::note_c_types(module);
    // In relocatable code everything is kept.
    if program.linking == Linking::Relocatable {
        return;
    }
    let mut by_passing: HashMap<Passing<'_>, Vec<(Signature<'_>, Value<'_>)>> = HashMap::new();
    for function in module.defined_functions() {
        if !function.name().starts_with(ENTRY_PREFIX) && may_be_pointed_to(function) {
            let signature = Signature::of_function(function);
            by_passing.entry(signature.passing.clone()).or_default().push((signature, function));
        }
    }
    let mut callable = Vec::new();
    let mut asked = HashSet::new();
    let mut walk = Reachable::default();
    let entries: Vec<_> =
        module.defined_functions().into_iter().filter(|function| is_root(*function)).collect();
    entries.into_iter().for_each(|entry| walk.add(entry));
    while let Some(value) = walk.pending.pop() {
        if !value.is_function() {
            value.initializer().into_iter().for_each(|initial| walk.add_all(initial));
            continue;
        }
        let is_entry = value.name().starts_with(ENTRY_PREFIX);
        for instruction in value.instructions() {
            for operand in instruction.operands() {
                walk.add_all(operand);
            }
            if is_entry || !is_indirect(instruction) {
                continue;
            }
            let call = Signature::of_call(instruction);
            let Some(functions) = by_passing.get_mut(&call.passing).filter(|_| asked.insert(call.clone()))
            else {
                continue;
            };
            for (_, function) in functions.extract_if(.., |(signature, _)| call.admits(signature)) {
                walk.add(function);
                callable.push(function);
            }
        }
    }
    if callable.is_empty() {
        return;
    }
    for &function in &callable {
        program.remark(Remark::Analysis, KEEP_NAME, || {
            let message = format!("a call through a pointer may lead to `{}`", function.name());
            (debug::function_site(function), message)
        });
    }
    let pointer = Type::pointer(module.context());
    let list = module.add_global(CALLABLE, pointer.array(callable.len() as u64));
    list.set_initializer(pointer.constant_array(&callable));
    list.set_linkage(Linkage::LLVMExternalLinkage);
}

/// Where a walk over a program begins: its entry points, or all that others may call.
fn is_root(function: Value<'_>) -> bool {
    function.name().starts_with(ENTRY_PREFIX) || function.linkage() == Linkage::LLVMExternalLinkage
}

/// Whether the address of a function is taken, here or, as it is one that all of the kernel knows, elsewhere in the kernel.
fn may_be_pointed_to(function: Value<'_>) -> bool {
    let symbol = function.text_attribute(marker::KERNEL_SYMBOL_ATTRIBUTE);
    symbol.is_some_and(|symbol| !symbol.contains(':') || symbol.starts_with("*:"))
        || function.text_attribute(marker::POINTER_ATTRIBUTE).is_some()
        || is_address_taken(function)
}

/// Whether an instruction calls through a pointer.
fn is_indirect(instruction: Value<'_>) -> bool {
    instruction.callee().is_some_and(|callee| !callee.is_function() && InlineAsm::of(callee).is_none())
}

/// Globals that are reached.
#[derive(Default)]
struct Reachable<'c> {
    seen: HashSet<Value<'c>>,
    pending: Vec<Value<'c>>,
}

impl<'c> Reachable<'c> {
    fn add(&mut self, global: Value<'c>) {
        if self.seen.insert(global) && !global.is_declaration() {
            self.pending.push(global);
        }
    }

    /// Adds the globals that a constant is made of.
    fn add_all(&mut self, value: Value<'c>) {
        let mut pending = vec![value];
        while let Some(value) = pending.pop() {
            if value.is_function() || value.is_global_variable() {
                self.add(value);
            } else if (value.is_constant_expression() || value.is_constant_aggregate())
                && self.seen.insert(value)
            {
                pending.extend(value.operands());
            }
        }
    }
}

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    // Which functions there are is known only when all of a program is there.
    if program.linking == Linking::Relocatable {
        return;
    }
    if let Some(indirect) = module.ifuncs().first() {
        let message = format!(
            "the address of `{}`, an indirect function, is in a variable, or the pass aliases has not run before",
            indirect.name()
        );
        program.diagnostics.push(Diagnostic::error(NAME, Site::default(), message));
        return;
    }
    let mut callable: Vec<Value<'_>> = Vec::new();
    if let Some(list) = module.global(CALLABLE) {
        callable = list.initializer().map(Value::operands).unwrap_or_default();
        list.delete_global();
    }
    let calls: Vec<_> = module
        .defined_functions()
        .into_iter()
        .filter(|function| !function.name().starts_with(ENTRY_PREFIX))
        .flat_map(Value::instructions)
        .filter(|instruction| is_indirect(*instruction))
        .collect();
    let types: HashSet<Signature<'_>> = calls.iter().map(|call| Signature::of_call(*call)).collect();
    let callable: HashSet<_> = callable.into_iter().collect();
    let mut numbered: Vec<Value<'_>> = Vec::new();
    for function in module.defined_functions() {
        let is_needed = callable.contains(&function) && {
            let signature = Signature::of_function(function);
            types.iter().any(|call| call.admits(&signature))
        };
        if !function.name().starts_with(ENTRY_PREFIX) && (is_needed || is_address_taken(function)) {
            numbered.push(function);
        }
    }
    let mut assignments = Assignments::new(module, "functions");
    for (number, &function) in numbered.iter().enumerate() {
        let symbol = function.text_attribute(marker::KERNEL_SYMBOL_ATTRIBUTE);
        program.functions.push(Function { name: function.name(), symbol: symbol.clone() });
        match symbol {
            Some(symbol) => {
                kernel_symbols::replace_address(module, function, &symbol, program, &mut assignments);
            }
            None => replace_by_number(module, function, number as u64),
        }
    }
    dispatch::run(module, program, &calls, &numbered);
}

/// Puts a made-up address in the place of the address of a function.
fn replace_by_number<'c>(module: &Module<'c>, function: Value<'c>, number: u64) {
    let calls = function.calls();
    let targets = entry_points::targets(module)
        .into_iter()
        .filter(|(_, target)| *target == function)
        .collect::<Vec<_>>();
    let address = Type::integer(module.context(), 64).constant(FUNCTION_BASE + number * FUNCTION_STEP);
    function.replace_all_uses_with(Builder::constant_pointer(module.context(), address));
    for call in calls {
        call.set_callee(function);
    }
    for (target, _) in targets {
        target.set_initializer(function);
    }
}
