// SPDX-License-Identifier: MIT OR Apache-2.0

//! Initial values that PTX cannot express.
//!
//! A variable must be defined before another's initial value can have its address (PTX ISA, "Variables: Initializers"), so that no
//! list head can point to itself; and of addresses there are only those of variables and functions, and of places at a constant
//! distance from them.

use std::collections::{HashMap, HashSet};

use crate::initial_values::Assignments;
use crate::llvm::{Module, Opcode, Type, Value};

/// Name of the function that assigns them.
const NAME: &str = "own";

/// Lets code assign what PTX cannot express.
pub fn assign(module: &Module<'_>) {
    let variables: Vec<_> =
        module.globals().into_iter().filter(|variable| variable.initializer().is_some()).collect();
    let circular = circular(&variables);
    let mut assignments = Assignments::new(module, NAME);
    for &variable in &variables {
        let holds = |constant| {
            let expression = |part: Value<'_>| !is_expressible(part);
            let to_circular = |part: Value<'_>| circular.contains(&variable) && circular.contains(&part);
            any_part(constant, &|part| expression(part) || to_circular(part))
        };
        let done = assignments.take_out(variable, &holds, &|_, constant| Some(constant));
        debug_assert!(done, "the values are constants as they are");
    }
}

/// Whether it holds of a constant, or of anything that it is made of, but not of what variables are made of.
fn any_part<'c>(constant: Value<'c>, holds: &dyn Fn(Value<'c>) -> bool) -> bool {
    let mut seen = HashSet::new();
    let mut pending = vec![constant];
    while let Some(part) = pending.pop() {
        if !seen.insert(part) {
            continue;
        }
        if holds(part) {
            return true;
        }
        if part.is_constant_expression() || part.is_constant_aggregate() {
            pending.extend(part.operands());
        }
    }
    false
}

/// Whether LLVM writes a constant, as far as its own operation goes.
fn is_expressible(constant: Value<'_>) -> bool {
    if !constant.is_constant_expression() {
        return true;
    }
    match constant.opcode() {
        Some(Opcode::LLVMGetElementPtr) => true,
        Some(Opcode::LLVMPtrToInt) => constant.ty().bits() == 64,
        Some(Opcode::LLVMIntToPtr) => {
            constant.operand(0).is_some_and(|number| number.as_unsigned().is_some())
        }
        _ => false,
    }
}

/// Variables whose initial values need each other's addresses in a circle, and those that need theirs.
fn circular<'c>(variables: &[Value<'c>]) -> HashSet<Value<'c>> {
    let mut needed: HashMap<Value<'c>, usize> = HashMap::new();
    let mut needed_by: HashMap<Value<'c>, Vec<Value<'c>>> = HashMap::new();
    for &variable in variables {
        let needs = variable.initializer().map(addresses).unwrap_or_default();
        needed.insert(variable, needs.len());
        for address in needs {
            needed_by.entry(address).or_default().push(variable);
        }
    }
    let mut free: Vec<_> = needed.iter().filter(|(_, count)| **count == 0).map(|(&one, _)| one).collect();
    while let Some(variable) = free.pop() {
        needed.remove(&variable);
        for other in needed_by.remove(&variable).unwrap_or_default() {
            if let Some(count) = needed.get_mut(&other) {
                *count -= 1;
                if *count == 0 {
                    free.push(other);
                }
            }
        }
    }
    needed.into_keys().collect()
}

/// The variables with initial values whose addresses are in a constant.
fn addresses(constant: Value<'_>) -> HashSet<Value<'_>> {
    let mut seen = HashSet::new();
    let mut pending = vec![constant];
    while let Some(part) = pending.pop() {
        if (part.is_constant_expression() || part.is_constant_aggregate() || part.is_global_variable())
            && seen.insert(part)
            && !part.is_global_variable()
        {
            pending.extend(part.operands());
        }
    }
    seen.retain(|part| part.is_global_variable() && part.initializer().is_some());
    seen
}

/// Gives variables of fewer bits than a byte, as LLVM makes of a `bool` that it knows all stores of, and of other widths that no
/// memory has, whole bytes.
pub fn widen(module: &Module<'_>) {
    let context = module.context();
    for variable in module.globals() {
        let ty = variable.value_type();
        let bits = ty.bits();
        if !ty.is_integer() || bits > 64 || (bits >= 8 && bits.is_power_of_two()) {
            continue;
        }
        // An address in so few bits is none, and code generators refuse it.
        if variable.initializer().is_some_and(|value| value.is_constant_expression()) {
            continue;
        }
        let wide = Type::integer(context, bits.next_power_of_two().max(8));
        let new = module.add_global("", wide);
        if let Some(value) = variable.initializer() {
            new.set_initializer(
                value.as_unsigned().map_or_else(|| wide.zero(), |value| wide.constant(value)),
            );
        }
        new.set_linkage(variable.linkage());
        new.set_constant_variable(variable.is_constant_variable());
        new.set_alignment(variable.alignment().max(1));
        new.take_name(variable);
        variable.replace_all_uses_with(new);
        variable.delete_global();
    }
}
