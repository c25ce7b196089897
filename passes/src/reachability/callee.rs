// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls through pointers in relocatable code, where nobody knows yet which functions there will be.

use gpufas_abi::symbols::runtime;

use crate::llvm::{Builder, InlineAsm, Module, Type, Value, debug};
use crate::program::Program;

/// Whether an instruction calls through a pointer.
pub fn is_pointer(call: Value<'_>) -> bool {
    call.callee().is_some_and(|callee| !callee.is_function() && InlineAsm::of(callee).is_none())
}

/// Lets the runtime say which function an address is of, since it may be the kernel's.
pub fn ask<'c>(module: &Module<'c>, program: &mut Program, call: Value<'c>) {
    let context = module.context();
    let Some(pointer) = call.callee() else { return };
    let site = program.sites.number(debug::site(context, call));
    let (word, number) = (Type::integer(context, 64), Type::integer(context, 32));
    let ty = Type::pointer(context).function(&[word, number]);
    let function = module.declare_function(runtime::CALLEE, ty);
    let builder = Builder::before(context, call);
    let callee = builder.call(ty, function, &[builder.to_unsigned(pointer, 64), builder.u32(site)]);
    call.set_callee(callee);
}
