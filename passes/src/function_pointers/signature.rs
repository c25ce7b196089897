// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which functions a call through a pointer may lead to, by their types.
//!
//! All pointers are one type in LLVM, and so are `void (*)(struct rq *)` and `void (*)(struct timer_list *)`. clang tells the types
//! of C apart by numbers, as for the kernel's own control-flow integrity (`-fsanitize=kcfi`; kernel/cfi.c), to which a call of a function
//! of another type than the pointer's is a failure. So for functions of the kernel, whose callers are
//! not all known, C types count. A function that is the program's own may be cast and called as another's as long as the machine
//! passes the arguments alike: LLVM's types count.

use crate::llvm::{Module, Type, Value};
use crate::marker::{C_TYPE_ATTRIBUTE, KERNEL_SYMBOL_ATTRIBUTE};

/// Takes the numbers of C types from where clang has put them, which means checks to code generators, to attributes.
pub fn note_c_types(module: &Module<'_>) {
    let context = module.context();
    for function in module.functions() {
        if let Some(number) = function.take_function_kcfi_type(context) {
            function.add_text_attribute_with_value(context, C_TYPE_ATTRIBUTE, &number.to_string());
        }
    }
    for call in module.defined_functions().into_iter().flat_map(Value::instructions) {
        if let Some((call, number)) = call.take_call_kcfi_type(context) {
            call.add_call_text_attribute(context, C_TYPE_ATTRIBUTE, &number.to_string());
        }
    }
}

/// What the code generator makes of a call and its callee: the type, and which structures are passed by value, which LLVM passes by
/// pointers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Passing<'c> {
    ty: Type<'c>,
    by_value: Vec<u32>,
}

/// What a call and its callee must agree on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Signature<'c> {
    /// In any case.
    pub passing: Passing<'c>,
    /// The number of the C type; none where it is not known, or does not count.
    c_type: Option<String>,
}

impl<'c> Signature<'c> {
    pub fn of_function(function: Value<'c>) -> Self {
        let count = function.parameters().len() as u32;
        let by_value = (0..count).filter(|index| function.parameter_has_attribute(*index, "byval")).collect();
        let is_kernels = function.text_attribute(KERNEL_SYMBOL_ATTRIBUTE).is_some();
        Self {
            passing: Passing { ty: function.value_type(), by_value },
            c_type: function.text_attribute(C_TYPE_ATTRIBUTE).filter(|_| is_kernels),
        }
    }

    pub fn of_call(call: Value<'c>) -> Self {
        let count = call.arguments().len() as u32;
        let by_value =
            (0..count).filter(|index| call.argument_type_attribute(*index, "byval").is_some()).collect();
        Self {
            passing: Passing { ty: call.called_type(), by_value },
            c_type: call.call_text_attribute(C_TYPE_ATTRIBUTE),
        }
    }

    /// Whether a call with this signature may lead to a function with that one.
    pub fn admits(&self, function: &Self) -> bool {
        let is_other =
            self.c_type.as_ref().zip(function.c_type.as_ref()).is_some_and(|(own, its)| own != its);
        self.passing == function.passing && !is_other
    }
}
