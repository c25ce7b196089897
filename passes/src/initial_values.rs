// SPDX-License-Identifier: MIT OR Apache-2.0

//! Initial values of variables that only a running program knows, or that a target's assembler cannot express: code assigns them
//! before anything else runs.
//!
//! What is assigned is words, each once for each time that the program is loaded, as a relocation would be. The functions that do
//! it are called at the start of each entry point; in relocatable code, which has none, whoever links it calls them.

use crate::llvm::{Block, Builder, Linkage, Module, Predicate, Type, Value};

/// What precedes the names of the functions.
pub const PREFIX: &str = "gpufas.initialise.";

/// Deepest initial value that is taken apart.
const MOST_DEPTH: usize = 64;

/// A function that assigns initial values, made when it is first needed.
pub struct Assignments<'m, 'c> {
    module: &'m Module<'c>,
    name: &'static str,
    end: Option<Value<'c>>,
}

/// Whether a constant holds what is to be assigned.
pub type Holds<'a, 'c> = &'a dyn Fn(Value<'c>) -> bool;

/// Builds the value of a constant, if it is known how.
pub type Build<'a, 'c> = &'a dyn Fn(&Builder<'c>, Value<'c>) -> Option<Value<'c>>;

impl<'m, 'c> Assignments<'m, 'c> {
    /// None yet. `name` tells one pass's from another's.
    pub fn new(module: &'m Module<'c>, name: &'static str) -> Self {
        Self { module, name, end: None }
    }

    /// Lets code assign all parts of a variable's initial value that hold something, in their place zeros. `false` if a value
    /// cannot be built.
    pub fn take_out(&mut self, variable: Value<'c>, holds: Holds<'_, 'c>, build: Build<'_, 'c>) -> bool {
        let Some(initial) = variable.initializer().filter(|&initial| holds(initial)) else { return true };
        let Some(rest) = self.walk(variable, initial, &mut Vec::new(), false, holds, build) else {
            return false;
        };
        variable.set_initializer(rest);
        variable.set_constant_variable(false);
        true
    }

    /// A constant without the parts that are assigned. `path` leads to it from the variable.
    fn walk(
        &mut self,
        variable: Value<'c>,
        constant: Value<'c>,
        path: &mut Vec<Value<'c>>,
        packed: bool,
        holds: Holds<'_, 'c>,
        build: Build<'_, 'c>,
    ) -> Option<Value<'c>> {
        let ty = constant.ty();
        if !holds(constant) {
            return Some(constant);
        }
        if path.len() > MOST_DEPTH {
            return None;
        }
        if !constant.is_constant_aggregate() {
            let context = self.module.context();
            let builder = Builder::before(context, self.end());
            let value = build(&builder, constant)?;
            let indices: Vec<_> = std::iter::once(builder.u32(0)).chain(path.iter().copied()).collect();
            let place = builder.gep(variable.value_type(), variable, &indices);
            let alignment = if packed { 1 } else { ty.abi_alignment(self.module) };
            builder.store(value, place, u32::try_from(alignment).ok()?);
            return Some(ty.zero());
        }
        let packed = packed || ty.is_packed();
        let mut elements = Vec::new();
        for (index, element) in (0..).zip(constant.operands()) {
            path.push(Type::integer(self.module.context(), 32).constant(index));
            let rest = self.walk(variable, element, path, packed, holds, build);
            path.pop();
            elements.push(rest?);
        }
        Some(ty.constant_aggregate(&elements))
    }

    /// The place before which assignments go.
    fn end(&mut self) -> Value<'c> {
        if let Some(end) = self.end {
            return end;
        }
        let (module, context) = (self.module, self.module.context());
        let (void, byte) = (Type::void(context), Type::integer(context, 8));
        let function = module.add_function(&format!("{PREFIX}{}", self.name), void.function(&[]));
        function.add_attribute(context, "nounwind");
        let flag = module.add_global(&format!("gpufas.initialised.{}", self.name), byte);
        flag.set_initializer(byte.zero());
        flag.set_linkage(Linkage::LLVMInternalLinkage);
        let [entry, assign, end] =
            ["entry", "assign", "end"].map(|name| Block::append(context, function, name));
        let builder = Builder::at_end(context, entry);
        let done = builder.compare(Predicate::LLVMIntNE, builder.load(byte, flag, 1), byte.zero());
        builder.conditional_branch(done, end, assign);
        let builder = Builder::at_end(context, assign);
        builder.store(byte.constant(1), flag, 1);
        let jump = builder.branch(end);
        Builder::at_end(context, end).return_void();
        self.end = Some(jump);
        jump
    }
}

/// The functions that assign initial values.
pub fn functions<'c>(module: &Module<'c>) -> Vec<Value<'c>> {
    module.defined_functions().into_iter().filter(|function| function.name().starts_with(PREFIX)).collect()
}
