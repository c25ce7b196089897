// SPDX-License-Identifier: MIT OR Apache-2.0

//! Static calls (include/linux/static_call.h): a call of a trampoline, `__SCT__NAME`, that the kernel patches to go where the
//! function pointer in the key `__SCK__NAME` says. A recovery program cannot follow the trampoline, but read the key: the call
//! becomes one through that pointer.
//!
//! The trampoline of a key without a function returns at once; that of one that holds `__static_call_return0()` returns 0,
//! whatever the type (arch/x86/kernel/static_call.c).

use crate::llvm::{Block, Builder, Linkage, Module, Predicate, Type, Value};
use crate::marker::C_TYPE_ATTRIBUTE;

/// What precedes the name of a static call in that of its trampoline (include/linux/static_call_types.h).
const TRAMPOLINE_PREFIX: &str = "__SCT__";

/// The same for its key, which begins with the pointer to the function.
const KEY_PREFIX: &str = "__SCK__";

/// The function that stands for returning 0; kernels before 5.12 do not have it.
const RETURN_ZERO: &str = "__static_call_return0";

/// Defines the trampolines that are called.
pub fn run(module: &Module<'_>) {
    for function in module.functions() {
        let name = function.name();
        if let Some(key) = name.strip_prefix(TRAMPOLINE_PREFIX)
            && function.is_declaration()
            && function.is_used()
            // Its arguments could not be passed on; as an undefined function it is refused where it is called.
            && !function.value_type().is_variadic()
        {
            define(module, function, key);
        }
    }
}

/// Lets a trampoline call what its key says.
fn define<'c>(module: &Module<'c>, trampoline: Value<'c>, key: &str) {
    let context = module.context();
    let (byte, pointer, ty) = (Type::integer(context, 8), Type::pointer(context), trampoline.value_type());
    let key = module.declare_global(&format!("{KEY_PREFIX}{key}"), byte);
    let return_zero = module.function(RETURN_ZERO).unwrap_or_else(|| {
        let function = module.add_function(RETURN_ZERO, Type::integer(context, 64).function(&[]));
        function.set_linkage(Linkage::LLVMExternalWeakLinkage);
        function
    });
    let block = |name| Block::append(context, trampoline, name);
    let (entry, call, nothing) = (block("entry"), block("call"), block("nothing"));

    let builder = Builder::at_end(context, entry);
    let function = builder.load(pointer, key, 8);
    let is = |other| builder.compare(Predicate::LLVMIntEQ, function, other);
    let is_nothing = builder.or(is(pointer.zero()), is(return_zero));
    builder.conditional_branch(is_nothing, nothing, call);

    let builder = Builder::at_end(context, call);
    let result = builder.call(ty, function, &trampoline.parameters());
    result.call_as_declared(trampoline);
    // A key and its trampoline are declared with the type of the functions that the key may hold.
    if let Some(number) = trampoline.function_kcfi_type(context) {
        result.add_call_text_attribute(context, C_TYPE_ATTRIBUTE, &number.to_string());
    }
    let at_nothing = Builder::at_end(context, nothing);
    match ty.result() {
        Some(ty) if !ty.is_void() => {
            builder.return_value(result);
            at_nothing.return_value(ty.zero());
        }
        _ => {
            builder.return_void();
            at_nothing.return_void();
        }
    }

    trampoline.set_section("");
    trampoline.set_linkage(Linkage::LLVMInternalLinkage);
    // So that a fault in it has the place of the static call.
    trampoline.add_attribute(context, "alwaysinline");
}
