// SPDX-License-Identifier: MIT OR Apache-2.0

//! variadic: functions with variable arguments become functions with a pointer to them.
//!
//! clang has lowered `va_arg()` already, to code that reads the `va_list` of x86-64 (System V ABI for AMD64, 3.5.7): an argument
//! comes from the area of saved registers as long as the offsets into it are below their ends, then from the overflow area. No
//! target but the CPU has such registers to save; so a caller puts all variable arguments into an array of 8-byte slots on its
//! stack, in the layout that the overflow area has, and `va_start()` makes a list whose registers are used up and whose overflow
//! area is that array. The code that clang made then reads them, on either target.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::llvm::{Block, Builder, Module, Type, Value, debug};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "variadic";

/// `gp_offset` and `fp_offset` of a list that has no argument in a register left (System V ABI for AMD64, figure 3.34).
const REGISTERS_USED_UP: (u32, u32) = (48, 176);

/// Offsets of the members of a `va_list` and its size (the same, figure 3.34).
const OVERFLOW_AREA: u64 = 8;
const SAVE_AREA: u64 = 16;
const LIST_SIZE: u64 = 24;

/// Bytes of a slot, and the largest alignment of an argument.
const SLOT: u64 = 8;
const MOST_ALIGNED: u64 = 16;

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let variadic: Vec<_> = module
        .functions()
        .into_iter()
        .filter(|function| function.value_type().is_variadic() && function.intrinsic_id() == 0)
        .collect();
    let mut replaced = HashMap::new();
    for function in variadic {
        replaced.insert(function, replace_function(module, function));
    }
    replace_list_operations(module);
    for function in module.defined_functions() {
        for instruction in function.instructions() {
            if instruction.is_call() && instruction.called_type().is_variadic() {
                replace_call(module, program, function, instruction, &replaced);
            }
        }
    }
    // What is left are addresses.
    for (old, new) in replaced {
        new.take_name(old);
        old.replace_all_uses_with(new);
        old.delete_function();
    }
}

/// Attributes that say what a function accesses.
const EFFECTS: &[&str] = &["memory", "speculatable"];

/// The function that takes the place of one with variable arguments; the old one has no body any more.
fn replace_function<'c>(module: &Module<'c>, old: Value<'c>) -> Value<'c> {
    let context = module.context();
    let new = module.add_function("", plain_type(old.value_type(), Type::pointer(context)));
    new.replace_function(old);
    // A function that accesses no memory now reads its arguments there.
    for attribute in EFFECTS {
        new.remove_attribute(attribute);
    }
    if old.is_declaration() {
        return new;
    }
    let start = Block::append(context, new, "");
    for block in old.blocks().into_iter().rev() {
        block.move_after(start);
    }
    start.delete();
    let parameters = new.parameters();
    for (from, to) in old.parameters().into_iter().zip(&parameters) {
        to.take_name(from);
        from.replace_all_uses_with(*to);
    }
    let Some(&arguments) = parameters.last() else { return new };
    for call in new.instructions() {
        let Some(name) = call.callee().filter(|callee| callee.is_function()).map(Value::name) else {
            continue;
        };
        let builder = Builder::before(context, call);
        if let (true, &[list]) = (name.starts_with("llvm.va_start"), &call.arguments()[..]) {
            let (general, vector) = REGISTERS_USED_UP;
            let at = |offset| builder.offset(list, builder.u64(offset));
            builder.store(builder.u32(general), list, 8);
            builder.store(builder.u32(vector), at(4), 4);
            builder.store(arguments, at(OVERFLOW_AREA), 8);
            builder.store(Type::pointer(context).zero(), at(SAVE_AREA), 8);
            call.erase();
        }
    }
    new
}

/// Copies and ends of lists, which functions that only get a list have as well.
fn replace_list_operations(module: &Module<'_>) {
    let context = module.context();
    for function in module.functions() {
        let name = function.name();
        let is_copy = name.starts_with("llvm.va_copy");
        if !is_copy && !name.starts_with("llvm.va_end") {
            continue;
        }
        for call in function.users() {
            if let (true, &[to, from]) = (is_copy, &call.arguments()[..]) {
                let builder = Builder::before(context, call);
                for offset in (0..LIST_SIZE).step_by(8) {
                    let at = |list| builder.offset(list, builder.u64(offset));
                    builder.store(builder.load(builder.integer(64), at(from), 8), at(to), 8);
                }
            }
            call.erase();
        }
    }
}

/// The type without variable arguments, and with a pointer at its end.
fn plain_type<'c>(variadic: Type<'c>, pointer: Type<'c>) -> Type<'c> {
    let mut parameters = variadic.parameters();
    parameters.push(pointer);
    variadic.result().unwrap_or(pointer).function(&parameters)
}

/// Calls a function without variable arguments as what it is: where only `f()` is declared, C takes any arguments to be passed.
fn replace_unprototyped<'c>(module: &Module<'c>, call: Value<'c>, callee: Value<'c>) -> bool {
    if !callee.is_function() {
        return false;
    }
    let ty = callee.value_type();
    let types = |arguments: Vec<Value<'c>>| arguments.into_iter().map(Value::ty).collect::<Vec<_>>();
    if ty.is_variadic() || ty.parameters() != types(call.arguments()) {
        return false;
    }
    let new = Builder::before(module.context(), call).call(ty, callee, &call.arguments());
    new.call_as_declared(callee);
    if call.is_used() {
        call.replace_all_uses_with(new);
    }
    call.erase();
    true
}

/// Passes the variable arguments of a call in an array.
fn replace_call<'c>(
    module: &Module<'c>,
    program: &mut Program,
    function: Value<'c>,
    call: Value<'c>,
    replaced: &HashMap<Value<'c>, Value<'c>>,
) {
    let context = module.context();
    let (Some(callee), ty) = (call.callee(), call.called_type()) else { return };
    if callee.is_function() && callee.intrinsic_id() != 0 {
        return;
    }
    if replace_unprototyped(module, call, callee) {
        return;
    }
    let fixed = ty.parameters().len();
    let arguments = call.arguments();
    // Where each variable argument goes.
    let mut places = Vec::new();
    let mut end = 0_u64;
    for (index, &argument) in (0_u32..).zip(&arguments).skip(fixed) {
        let by_value = call.argument_type_attribute(index, "byval");
        let held = by_value.unwrap_or_else(|| argument.ty());
        let size = held.allocation_size(module).filter(|_| by_value.is_some() || held.is_scalar());
        let Some(size) = size else {
            program.diagnostics.push(Diagnostic::error(
                NAME,
                debug::site(context, call),
                "a variable argument is neither an integer, a floating-point number, a pointer nor a structure",
            ));
            return;
        };
        let alignment = held.abi_alignment(module).clamp(SLOT, MOST_ALIGNED);
        let start = end.next_multiple_of(alignment);
        end = (start + size).next_multiple_of(SLOT);
        places.push((argument, by_value, start, size));
    }
    let entry = function.blocks().first().and_then(|block| block.first_instruction()).unwrap_or(call);
    let array = Builder::before(context, entry).alloca(Type::integer(context, 64).array((end / SLOT).max(1)));
    array.set_alignment(u32::try_from(MOST_ALIGNED).unwrap_or(16));
    let builder = Builder::before(context, call);
    for (argument, by_value, start, size) in places {
        let place = builder.offset(array, builder.u64(start));
        match by_value {
            Some(_) => _ = builder.copy(place, argument, builder.u64(size)),
            // All that an argument has is its own width; clang has promoted what is narrower than int.
            None => _ = builder.store(argument, place, 8),
        }
    }
    let pointer = Type::pointer(context);
    let target = replaced.get(&callee).copied().unwrap_or(callee);
    let mut passed = arguments[..fixed].to_vec();
    passed.push(array);
    let new = builder.call(plain_type(ty, pointer), target, &passed);
    new.replace_call(call, u32::try_from(fixed).unwrap_or(u32::MAX));
    for attribute in EFFECTS {
        new.remove_call_attribute(attribute);
    }
    if call.is_used() {
        call.replace_all_uses_with(new);
    }
    call.erase();
}
