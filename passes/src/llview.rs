// SPDX-License-Identifier: MIT OR Apache-2.0

//! llview: before every load, store, atomic operation and memory intrinsic that may touch kernel memory, the address goes
//! through the device runtime's translation.
//!
//! Runs after LLVM's optimisations, as a sanitizer's instrumentation does. What is provably inside an object of the program's
//! own is left alone; inside or beyond one, its offset is checked; everything else is translated, and the runtime tells the
//! program's own addresses from the kernel's (GPUSentinel, APSys 2019; GPUfas, APSys 2022).

use gpufas_abi::fault::{Access, FaultKind};
use gpufas_abi::symbols::{self, runtime};

use crate::llvm::{Block, Builder, Linkage, Module, Opcode, Predicate, Type, Value, debug};
use crate::marker;
use crate::memory_class::{MemoryClass, classify};
use crate::program::Program;
use crate::reachability::MEMORY_FUNCTIONS;

/// Name of the pass.
pub const NAME: &str = "llview";

/// Widest access, in bytes, that is made through a translated pointer.
const WIDEST_ACCESS: u64 = 16;

/// Name of the internal function that checks an offset into an object of the program's own.
const CHECK_BOUNDS: &str = "gpufas.check_bounds";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let functions = module.defined_functions();
    let mut pass = Pass { module, program };
    for function in functions {
        for instruction in function.instructions() {
            pass.visit(function, instruction);
        }
    }
    pass.list_own_variables();
}

struct Pass<'m, 'c> {
    module: &'m Module<'c>,
    program: &'m mut Program,
}

impl<'c> Pass<'_, 'c> {
    fn visit(&mut self, function: Value<'c>, instruction: Value<'c>) {
        match instruction.opcode() {
            Some(Opcode::LLVMLoad) => self.load(function, instruction),
            Some(Opcode::LLVMStore) => self.store(function, instruction),
            Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => self.atomic(instruction),
            Some(Opcode::LLVMCall) => self.call(function, instruction),
            _ => {}
        }
    }

    fn site(&mut self, instruction: Value<'c>) -> u32 {
        self.program.sites.number(debug::site(self.module.context(), instruction))
    }

    /// Calls a function of the runtime before an instruction.
    fn runtime_call(
        &self,
        builder: &Builder<'c>,
        name: &str,
        result: Type<'c>,
        arguments: &[Value<'c>],
    ) -> Value<'c> {
        let parameters: Vec<_> = arguments.iter().map(|argument| argument.ty()).collect();
        let ty = result.function(&parameters);
        builder.call(ty, self.module.declare_function(name, ty), arguments)
    }

    /// Checks an access to an object of the program's own.
    fn check_bounds(
        &mut self,
        instruction: Value<'c>,
        pointer: Value<'c>,
        object: Value<'c>,
        room: u64,
        size: Value<'c>,
    ) {
        let site = self.site(instruction);
        let check = self.bounds_function();
        let builder = Builder::before(self.module.context(), instruction);
        let offset = builder.sub(builder.to_unsigned(pointer, 64), builder.to_unsigned(object, 64));
        let arguments = [offset, size, builder.u64(room), builder.u32(site)];
        builder.call(check.value_type(), check, &arguments);
    }

    /// `fn(offset, size, room, site)`: ends the program unless `offset + size <= room`.
    fn bounds_function(&self) -> Value<'c> {
        if let Some(function) = self.module.function(CHECK_BOUNDS) {
            return function;
        }
        let context = self.module.context();
        let (word, number, void) =
            (Type::integer(context, 64), Type::integer(context, 32), Type::void(context));
        let function = self.module.declare_function(CHECK_BOUNDS, void.function(&[word, word, word, number]));
        function.set_linkage(Linkage::LLVMInternalLinkage);
        function.add_attribute(context, "alwaysinline");
        function.add_attribute(context, "nounwind");
        let parameters = function.parameters();
        let [offset, size, room, site] = parameters.as_slice() else { return function };
        let entry = Block::append(context, function, "entry");
        let outside = Block::append(context, function, "outside");
        let inside = Block::append(context, function, "inside");
        let builder = Builder::at_end(context, entry);
        let fits = builder.compare(Predicate::LLVMIntULE, *size, *room);
        let last = builder.sub(*room, *size);
        let before = builder.compare(Predicate::LLVMIntULE, *offset, last);
        builder.conditional_branch(builder.and(fits, before), inside, outside);
        let builder = Builder::at_end(context, outside);
        let fault = [
            builder.u32(FaultKind::OutOfBounds as u32),
            builder.u32(Access::None as u32),
            *offset,
            *size,
            *site,
        ];
        self.fault(&builder, &fault);
        builder.unreachable();
        Builder::at_end(context, inside).return_void();
        function
    }

    fn fault(&self, builder: &Builder<'c>, arguments: &[Value<'c>]) {
        let context = self.module.context();
        self.runtime_call(builder, runtime::FAULT, Type::void(context), arguments);
        if let Some(fault) = self.module.function(runtime::FAULT) {
            fault.add_attribute(context, "noreturn");
            fault.add_attribute(context, "nounwind");
            fault.add_attribute(context, "cold");
        }
    }

    /// Whether an access must be translated; checks it if it is the program's own.
    fn must_translate(&mut self, instruction: Value<'c>, pointer: Value<'c>, size: u64) -> bool {
        match classify(self.module, pointer, size) {
            MemoryClass::Own => false,
            MemoryClass::OwnUnchecked(object, room) => {
                let size = Type::integer(self.module.context(), 64).constant(size);
                self.check_bounds(instruction, pointer, object, room, size);
                false
            }
            MemoryClass::Translated => true,
        }
    }

    /// Whether an access can be made through a translated pointer: naturally aligned, so that it never crosses a page.
    fn is_natural(size: u64, alignment: u32) -> bool {
        size.is_power_of_two() && size <= WIDEST_ACCESS && u64::from(alignment) >= size
    }

    fn translated(
        &mut self,
        builder: &Builder<'c>,
        name: &str,
        instruction: Value<'c>,
        pointer: Value<'c>,
        size: u64,
    ) -> Value<'c> {
        let site = self.site(instruction);
        if name != runtime::TRANSLATE_LOAD {
            self.program.writes = true;
        }
        let arguments = [builder.to_unsigned(pointer, 64), builder.u64(size), builder.u32(site)];
        self.runtime_call(builder, name, Type::pointer(self.module.context()), &arguments)
    }

    /// Room on the stack for a value that cannot be accessed in one piece.
    fn temporary(&self, function: Value<'c>, ty: Type<'c>) -> Option<Value<'c>> {
        let first = function.instructions().first().copied()?;
        let slot = Builder::before(self.module.context(), first).alloca(ty);
        slot.set_alignment(16);
        Some(slot)
    }

    fn load(&mut self, function: Value<'c>, load: Value<'c>) {
        let (Some(pointer), Some(size)) = (load.operand(0), load.ty().store_size(self.module)) else {
            return;
        };
        if !self.must_translate(load, pointer, size) {
            return;
        }
        let builder = Builder::before(self.module.context(), load);
        if Self::is_natural(size, load.alignment()) {
            let address = self.translated(&builder, runtime::TRANSLATE_LOAD, load, pointer, size);
            load.set_operand(0, address);
            // Kernel memory changes under the program: each access is made, as it is, from memory.
            load.set_volatile();
            return;
        }
        let Some(slot) = self.temporary(function, load.ty()) else { return };
        let site = self.site(load);
        let arguments = [slot, builder.to_unsigned(pointer, 64), builder.u64(size), builder.u32(site)];
        self.runtime_call(&builder, runtime::LOAD_BYTES, Type::void(self.module.context()), &arguments);
        load.replace_all_uses_with(builder.load(load.ty(), slot, 16));
        load.erase();
    }

    fn store(&mut self, function: Value<'c>, store: Value<'c>) {
        let (Some(value), Some(pointer)) = (store.operand(0), store.operand(1)) else { return };
        let Some(size) = value.ty().store_size(self.module) else { return };
        if !self.must_translate(store, pointer, size) {
            return;
        }
        let builder = Builder::before(self.module.context(), store);
        if Self::is_natural(size, store.alignment()) {
            let address = self.translated(&builder, runtime::TRANSLATE_STORE, store, pointer, size);
            store.set_operand(1, address);
            store.set_volatile();
            return;
        }
        let Some(slot) = self.temporary(function, value.ty()) else { return };
        let site = self.site(store);
        builder.store(value, slot, 16);
        let arguments = [builder.to_unsigned(pointer, 64), slot, builder.u64(size), builder.u32(site)];
        self.program.writes = true;
        self.runtime_call(&builder, runtime::STORE_BYTES, Type::void(self.module.context()), &arguments);
        store.erase();
    }

    fn atomic(&mut self, operation: Value<'c>) {
        let (Some(pointer), Some(value)) = (operation.operand(0), operation.operand(1)) else { return };
        let Some(size) = value.ty().store_size(self.module) else { return };
        if !self.must_translate(operation, pointer, size) {
            return;
        }
        let builder = Builder::before(self.module.context(), operation);
        let address = self.translated(&builder, runtime::TRANSLATE_STORE, operation, pointer, size);
        operation.set_operand(0, address);
        operation.set_volatile();
    }

    fn call(&mut self, function: Value<'c>, call: Value<'c>) {
        self.copy_by_value_arguments(function, call);
        let Some(callee) = call.callee().filter(|callee| callee.is_function() && callee.is_declaration())
        else {
            return;
        };
        let name = callee.name();
        let context = self.module.context();
        if name.starts_with("llvm.memcpy.") || name.starts_with("llvm.memmove.") {
            self.copy_intrinsic(call);
        } else if name.starts_with("llvm.memset.") {
            self.fill_intrinsic(call);
        } else if MEMORY_FUNCTIONS.contains(&name.as_str()) {
            self.memory_function(call, &name);
        } else if runtime::LIBRARY.contains(&name.as_str()) {
            self.program.writes |= matches!(name.as_str(), "strcpy" | "strncpy" | "strscpy");
            let site = self.site(call);
            let builder = Builder::before(context, call);
            let mut arguments = call.arguments();
            arguments.push(builder.u32(site));
            let result = self.runtime_call(
                &builder,
                &format!("{}{name}", runtime::LIBRARY_PREFIX),
                call.ty(),
                &arguments,
            );
            replace(call, result);
        } else if name == marker::PRINT {
            let site = self.site(call);
            let builder = Builder::before(context, call);
            if let [format, array, count] = call.arguments()[..] {
                let arguments = [builder.to_unsigned(format, 64), array, count, builder.u32(site)];
                let result = self.runtime_call(&builder, runtime::PRINT, call.ty(), &arguments);
                replace(call, result);
            }
        } else if name == marker::BUG {
            let site = self.site(call);
            let builder = Builder::before(context, call);
            let zero = builder.u64(0);
            let kind = builder.u32(FaultKind::Bug as u32);
            let access = builder.u32(Access::None as u32);
            self.fault(&builder, &[kind, access, zero, zero, builder.u32(site)]);
            call.erase();
        }
    }

    /// A structure that is passed by value is copied by the call itself, out of reach of translation.
    fn copy_by_value_arguments(&mut self, function: Value<'c>, call: Value<'c>) {
        for (index, argument) in (0_u32..).zip(call.arguments()) {
            let Some(ty) = call.argument_type_attribute(index, "byval") else { continue };
            let Some(size) = ty.allocation_size(self.module) else { continue };
            if !self.must_translate(call, argument, size) {
                continue;
            }
            let Some(slot) = self.temporary(function, ty) else { continue };
            let site = self.site(call);
            let builder = Builder::before(self.module.context(), call);
            let arguments = [slot, builder.to_unsigned(argument, 64), builder.u64(size), builder.u32(site)];
            self.runtime_call(&builder, runtime::LOAD_BYTES, Type::void(self.module.context()), &arguments);
            call.set_operand(index, slot);
        }
    }

    /// `llvm.memcpy` and `llvm.memmove`.
    fn copy_intrinsic(&mut self, call: Value<'c>) {
        let [to, from, size, ..] = call.arguments()[..] else { return };
        if size.as_unsigned().is_some_and(|size| {
            classify(self.module, to, size) == MemoryClass::Own
                && classify(self.module, from, size) == MemoryClass::Own
        }) {
            return;
        }
        self.copy(call, to, from, size);
        call.erase();
    }

    /// `llvm.memset`.
    fn fill_intrinsic(&mut self, call: Value<'c>) {
        let [to, byte, size, ..] = call.arguments()[..] else { return };
        if size.as_unsigned().is_some_and(|size| classify(self.module, to, size) == MemoryClass::Own) {
            return;
        }
        self.fill(call, to, byte, size);
        call.erase();
    }

    /// `memcpy()` and its like where they are called as functions; they return their first argument.
    fn memory_function(&mut self, call: Value<'c>, name: &str) {
        let [to, from, size] = call.arguments()[..] else { return };
        if name.ends_with("memset") {
            self.fill(call, to, from, size);
        } else {
            self.copy(call, to, from, size);
        }
        replace(call, to);
    }

    fn copy(&mut self, call: Value<'c>, to: Value<'c>, from: Value<'c>, size: Value<'c>) {
        let site = self.site(call);
        self.program.writes |= self.may_be_kernel(to);
        let builder = Builder::before(self.module.context(), call);
        let arguments = [
            builder.to_unsigned(to, 64),
            builder.to_unsigned(from, 64),
            builder.to_unsigned(size, 64),
            builder.u32(site),
        ];
        self.runtime_call(&builder, runtime::COPY, Type::void(self.module.context()), &arguments);
    }

    fn fill(&mut self, call: Value<'c>, to: Value<'c>, byte: Value<'c>, size: Value<'c>) {
        let site = self.site(call);
        self.program.writes |= self.may_be_kernel(to);
        let builder = Builder::before(self.module.context(), call);
        let arguments = [
            builder.to_unsigned(to, 64),
            builder.to_unsigned(byte, 8),
            builder.to_unsigned(size, 64),
            builder.u32(site),
        ];
        self.runtime_call(&builder, runtime::FILL, Type::void(self.module.context()), &arguments);
    }

    fn may_be_kernel(&self, pointer: Value<'c>) -> bool {
        classify(self.module, pointer, 0) == MemoryClass::Translated
    }

    /// Tells the runtime which variables are the program's own, so that it can accept their addresses where it cannot be
    /// known from the IR whose an address is.
    fn list_own_variables(&mut self) {
        let context = self.module.context();
        let word = Type::integer(context, 64);
        let mut entries = Vec::new();
        for variable in self.module.globals() {
            let name = variable.name();
            let bookkeeping = name == symbols::SYMBOL_TABLE || name.starts_with("llvm.");
            if bookkeeping || variable.is_declaration() {
                continue;
            }
            let Some(size) = variable.value_type().allocation_size(self.module) else { continue };
            let flag = if variable.is_constant_variable() { runtime::OWN_VARIABLE_CONSTANT } else { 0 };
            entries
                .push(crate::llvm::ty::constant_structure(context, &[variable, word.constant(size | flag)]));
        }
        let count = entries.len() as u64;
        let entry = Type::structure(context, &[Type::pointer(context), word]);
        let table = self.module.add_global(runtime::OWN_VARIABLES, entry.array(count));
        table.set_initializer(entry.constant_array(&entries));
        table.set_constant_variable();
        table.set_alignment(8);
        let number = Type::integer(context, 32);
        let total = self.module.add_global(runtime::OWN_VARIABLE_COUNT, number);
        total.set_initializer(number.constant(count));
        total.set_constant_variable();
        total.set_alignment(4);
    }
}

/// Puts `value` in the place of a call.
fn replace<'c>(call: Value<'c>, value: Value<'c>) {
    if call.is_used() {
        call.replace_all_uses_with(value);
    }
    call.erase();
}
