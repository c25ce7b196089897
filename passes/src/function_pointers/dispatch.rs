// SPDX-License-Identifier: MIT OR Apache-2.0

//! The functions through which calls through pointers go.

use std::collections::HashMap;

use gpufas_abi::fault::{Access, FaultKind};
use gpufas_abi::manifest::Site;
use gpufas_abi::symbols::runtime;

use crate::diagnostic::{Diagnostic, Remark};
use crate::llvm::{Block, Builder, Linkage, Module, Type, Value, debug};
use crate::marker::{self, DISPATCHER_PREFIX};
use crate::program::Program;

use super::NAME;
use super::signature::Signature;

/// Lets all `calls` go through functions that know `numbered`, in the order of their numbers.
pub fn run<'c>(module: &Module<'c>, program: &mut Program, calls: &[Value<'c>], numbered: &[Value<'c>]) {
    let mut made: HashMap<Signature<'c>, Value<'c>> = HashMap::new();
    for &call in calls {
        let site = debug::site(module.context(), call);
        if call.called_type().is_variadic() {
            program.diagnostics.push(Diagnostic::error(
                NAME,
                site,
                "a call through a pointer to a function with variable arguments",
            ));
            continue;
        }
        remark(program, &site, call, numbered);
        let count = made.len();
        let dispatcher = *made
            .entry(Signature::of_call(call))
            .or_insert_with(|| define(module, program, call, numbered, count));
        replace(module, program, call, dispatcher, site);
    }
}

/// Says which functions a call through a pointer may lead to.
fn remark<'c>(program: &mut Program, site: &Site, call: Value<'c>, numbered: &[Value<'c>]) {
    if !program.wants_remarks(NAME) {
        return;
    }
    let signature = Signature::of_call(call);
    let fitting = numbered.iter().filter(|function| signature.admits(&Signature::of_function(**function)));
    let names: Vec<_> = fitting.map(|function| format!("`{}`", function.name())).collect();
    match names.as_slice() {
        [] => program.remark(Remark::Missed, NAME, || {
            let message = "the call through a pointer can only fault: no function that it could lead to takes such arguments";
            (site.clone(), message.into())
        }),
        _ => program.remark(Remark::Passed, NAME, || {
            (site.clone(), format!("the call through a pointer becomes a call of {}", names.join(" or ")))
        }),
    }
}

/// Calls `dispatcher(pointer, site, arguments...)` in the place of a call through a pointer.
fn replace<'c>(
    module: &Module<'c>,
    program: &mut Program,
    call: Value<'c>,
    dispatcher: Value<'c>,
    site: Site,
) {
    let Some(pointer) = call.callee() else { return };
    let builder = Builder::before(module.context(), call);
    let mut arguments = vec![pointer, builder.u32(program.sites.number(site))];
    arguments.extend(call.arguments());
    let result = builder.call(dispatcher.value_type(), dispatcher, &arguments);
    if call.is_used() {
        call.replace_all_uses_with(result);
    }
    call.erase();
}

/// Defines the function for the type of a call. The calls that it makes are copies of that one, but pass structures and extend
/// numbers as the function that is called declares.
fn define<'c>(
    module: &Module<'c>,
    program: &Program,
    call: Value<'c>,
    numbered: &[Value<'c>],
    count: usize,
) -> Value<'c> {
    let context = module.context();
    let called = call.called_type();
    let signature = Signature::of_call(call);
    let (void, pointer) = (Type::void(context), Type::pointer(context));
    let (number, word) = (Type::integer(context, 32), Type::integer(context, 64));
    let result = called.result().unwrap_or(void);
    let parameters: Vec<_> = [pointer, number].into_iter().chain(called.parameters()).collect();
    let ty = result.function(&parameters);
    let dispatcher = module.declare_function(&format!("{DISPATCHER_PREFIX}{count}"), ty);
    dispatcher.set_linkage(Linkage::LLVMInternalLinkage);
    dispatcher.add_attribute(context, "nounwind");
    let parameters = dispatcher.parameters();
    let [target, site, arguments @ ..] = parameters.as_slice() else { return dispatcher };

    let builder = Builder::at_end(context, Block::append(context, dispatcher, "entry"));
    let find_type = number.function(&[pointer, word, word, word, number]);
    let find = module.declare_function(runtime::FUNCTION, find_type);
    let kernels = program.functions.iter().filter(|function| function.symbol.is_some()).count() as u64;
    let table = module.declare_global(marker::FUNCTIONS, word.array(2 * kernels));
    let target = builder.to_unsigned(*target, 64);
    let all = builder.u64(program.functions.len() as u64);
    let found = builder.call(find_type, find, &[table, builder.u64(kernels), all, target, *site]);
    let wrong = Block::append(context, dispatcher, "wrong");
    let mut cases = Vec::new();
    for (index, &function) in numbered.iter().enumerate() {
        if !signature.admits(&Signature::of_function(function)) {
            continue;
        }
        let block = Block::append(context, dispatcher, &function.name());
        let builder = Builder::at_end(context, block);
        let copy = builder.copy_of(call);
        copy.clear_debug_location();
        // What is known of that call's arguments, or of its never coming back, is not known of the others.
        copy.forget_call_attributes();
        copy.remove_metadata(context, "callees");
        (0..).zip(arguments).for_each(|(index, argument)| copy.set_operand(index, *argument));
        copy.set_callee(function);
        copy.pass_as_declared(function);
        if result.is_void() {
            builder.return_void()
        } else {
            builder.return_value(copy)
        };
        cases.push((number.constant(index as u64), block));
    }
    builder.switch(found, wrong, &cases);
    let builder = Builder::at_end(context, wrong);
    let fault_type = void.function(&[number, number, word, word, number]);
    let fault = module.declare_function(runtime::FAULT, fault_type);
    for attribute in ["noreturn", "nounwind", "cold"] {
        fault.add_attribute(context, attribute);
    }
    let kind = builder.u32(FaultKind::NoFunction as u32);
    let access = builder.u32(Access::None as u32);
    builder.call(fault_type, fault, &[kind, access, target, builder.u64(0), *site]);
    builder.unreachable();
    dispatcher
}
