// SPDX-License-Identifier: MIT OR Apache-2.0

//! variadic: functions with variable arguments become functions with a pointer to them.
//!
//! clang has lowered `va_arg()` already, to code that reads the `va_list` of x86-64 (System V ABI for AMD64, 3.5.7): an argument
//! comes from the area of saved registers as long as the offsets into it are below their ends, then from the overflow area. No
//! target but the CPU has such registers to save; so a caller puts each variable argument where that code looks for it, into an
//! array on its stack that is both areas, one behind the other, and `va_start()` makes a list of that array.
//!
//! Both areas are needed: clang takes structures apart that go into registers, so that nothing says any more how they would have
//! to be aligned in the overflow area.

mod places;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Remark};
use crate::llvm::{Block, Builder, Module, Type, Value, debug};
use crate::program::Program;

use places::{ByValue, Places, SAVE_AREA};

/// Name of the pass.
pub const NAME: &str = "variadic";

/// Offsets of the members of a `va_list` and its size (the same, figure 3.34).
const VECTOR_OFFSET: u64 = 4;
const OVERFLOW_AREA: u64 = 8;
const REGISTER_AREA: u64 = 16;
const LIST_SIZE: u64 = 24;

/// LLVM's calling convention of C (IR/CallingConv.h, `C`).
const C_CONVENTION: u32 = 0;

const UNKNOWN_TYPE: &str =
    "a variable argument is neither an integer, a floating-point number, a pointer nor a structure";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let variadic: Vec<_> = module
        .functions()
        .into_iter()
        .filter(|function| function.value_type().is_variadic() && function.intrinsic_id() == 0)
        .collect();
    let mut replaced = HashMap::new();
    for function in variadic {
        replaced.insert(function, replace_function(module, program, function));
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
fn replace_function<'c>(module: &Module<'c>, program: &mut Program, old: Value<'c>) -> Value<'c> {
    let context = module.context();
    let mut fixed = Places::default();
    let types = (0_u32..).zip(old.value_type().parameters());
    let is_known = types
        .into_iter()
        .all(|(index, ty)| fixed.skip(module, ty, old.parameter_has_attribute(index, "byval")).is_some());
    let is_known = is_known && old.calling_convention() == C_CONVENTION;
    if !old.is_declaration() {
        program.remark(Remark::Passed, NAME, || {
            let message =
                format!("`{}` takes its variable arguments from an array of the caller's", old.name());
            (debug::function_site(old), message)
        });
    }
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
            if !is_known {
                program.diagnostics.push(Diagnostic::error(
                    NAME,
                    debug::site(context, call),
                    "it is not known how this function's variable arguments are passed",
                ));
            }
            let (general, vector) = fixed.offsets();
            let at = |offset| builder.offset(list, builder.u64(offset));
            let number = |value| builder.u32(u32::try_from(value).unwrap_or(u32::MAX));
            builder.store(number(general), list, 8);
            builder.store(number(vector), at(VECTOR_OFFSET), 4);
            builder.store(builder.offset(arguments, builder.u64(SAVE_AREA)), at(OVERFLOW_AREA), 8);
            builder.store(arguments, at(REGISTER_AREA), 8);
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
    if ty.is_variadic() || ty.parameters() != types(call.arguments()) || ty.result() != Some(call.ty()) {
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
    let mut refuse = |message: &str| {
        program.diagnostics.push(Diagnostic::error(NAME, debug::site(context, call), message));
    };
    if callee.is_function() && callee.value_type() != ty {
        return refuse(&format!("`{}` is called as a function of another type than it has", callee.name()));
    }
    if call.call_convention() != C_CONVENTION {
        return refuse("variable arguments of another calling convention than C's");
    }
    let fixed = ty.parameters().len();
    let arguments = call.arguments();
    let mut places = Places::default();
    let mut placed = Vec::new();
    for (index, &argument) in (0_u32..).zip(&arguments) {
        let by_value = call.argument_type_attribute(index, "byval");
        let by_value = by_value.map(|ty| ByValue { ty, alignment: call.argument_alignment(index) });
        if (index as usize) < fixed {
            if places.skip(module, argument.ty(), by_value.is_some()).is_none() {
                return refuse("an argument before variable ones has a type that is not known to gpufas-cc");
            }
        } else {
            match places.next(module, argument.ty(), by_value) {
                Some(place) => placed.push((argument, by_value.is_some(), place)),
                None => return refuse(UNKNOWN_TYPE),
            }
        }
    }
    program.remark(Remark::Passed, NAME, || {
        let message = match placed.len() {
            0 => "no variable argument is passed".to_owned(),
            1 => "a variable argument is passed in an array".to_owned(),
            count => format!("{count} variable arguments are passed in an array"),
        };
        (debug::site(context, call), message)
    });
    let entry = function.blocks().first().and_then(|block| block.first_instruction()).unwrap_or(call);
    let words = Type::integer(context, 64).array(places.size().div_ceil(8));
    let array = Builder::before(context, entry).alloca(words);
    array.set_alignment(u32::try_from(places.alignment()).unwrap_or(16));
    let builder = Builder::before(context, call);
    for (argument, is_by_value, place) in placed {
        let to = builder.offset(array, builder.u64(place.offset));
        if is_by_value {
            builder.copy(to, argument, builder.u64(place.size));
        } else {
            // All that an argument has is its own width; clang has promoted what is narrower than int.
            builder.store(argument, to, 8);
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
