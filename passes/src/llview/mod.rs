// SPDX-License-Identifier: MIT OR Apache-2.0

//! llview: before every load, store, atomic operation and memory intrinsic that may touch kernel memory, the address goes
//! through the device runtime's translation.
//!
//! Runs after LLVM's optimisations, as a sanitizer's instrumentation does. What is provably inside an object of the program's
//! own is left alone; inside or beyond one, its offset is checked; everything else is translated, and the runtime tells the
//! program's own addresses from the kernel's (GPUSentinel, APSys 2019; GPUfas, APSys 2022).

mod bounds;
mod calls;
mod own_variables;
mod remarks;
mod small_copies;
mod trap;

use gpufas_abi::fault::{Access, FaultKind};
use gpufas_abi::symbols::runtime;

use crate::atomic;
use crate::diagnostic::Remark;
use crate::effects;
use crate::llvm::{Builder, Module, Opcode, Ordering, Type, Value, debug};
use crate::marker;
use crate::memory_class::own_place;
use crate::program::Program;

use remarks::{access, bytes, named};

pub use bounds::CHECK_BOUNDS;
pub use trap::CHECK_DIVISION;

/// Name of the pass.
pub const NAME: &str = "llview";

/// Widest access, in bytes, that is made through a translated pointer.
const WIDEST_ACCESS: u64 = 16;

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    effects::forget(module);
    let (linking, translates_every) = (program.linking, program.translates_every);
    let takes_locks = module.function(runtime::LOCK_TAKING).is_some();
    let mut pass = Pass { module, program, takes_locks };
    for function in module.defined_functions() {
        for instruction in function.instructions() {
            pass.visit(function, instruction);
        }
    }
    own_variables::list(module, linking, translates_every);
}

struct Pass<'m, 'c> {
    module: &'m Module<'c>,
    program: &'m mut Program,
    /// Whether the program takes locks of the kernel's.
    takes_locks: bool,
}

impl<'c> Pass<'_, 'c> {
    fn visit(&mut self, function: Value<'c>, instruction: Value<'c>) {
        match instruction.opcode() {
            Some(Opcode::LLVMLoad) => self.load(function, instruction),
            Some(Opcode::LLVMStore) => self.store(function, instruction),
            Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => self.atomic(instruction),
            Some(Opcode::LLVMCall) => self.call(function, instruction),
            Some(Opcode::LLVMUDiv | Opcode::LLVMSDiv | Opcode::LLVMURem | Opcode::LLVMSRem) => {
                self.division(instruction);
            }
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

    /// Ends the program at run time.
    fn fault(
        &self,
        builder: &Builder<'c>,
        kind: FaultKind,
        address: Value<'c>,
        size: Value<'c>,
        site: Value<'c>,
    ) {
        let context = self.module.context();
        let access = builder.u32(Access::None as u32);
        let arguments = [builder.u32(kind as u32), access, address, size, site];
        self.runtime_call(builder, runtime::FAULT, Type::void(context), &arguments);
        if let Some(fault) = self.module.function(runtime::FAULT) {
            for attribute in ["noreturn", "nounwind", "cold"] {
                fault.add_attribute(context, attribute);
            }
        }
    }

    /// Whether an access must be translated; checks it if it is the program's own.
    fn must_translate(&mut self, instruction: Value<'c>, pointer: Value<'c>, size: u64) -> bool {
        let Some(place) = own_place(self.module, pointer) else {
            self.warn_of_address(instruction, pointer);
            return true;
        };
        let is_constant = place.object.is_global_variable() && place.object.is_constant_variable();
        if is_constant && !instruction.is(Opcode::LLVMLoad) {
            // The runtime knows that it is one.
            return true;
        }
        if place.holds(size) {
            self.remark(Remark::Analysis, instruction, || {
                format!("{} of {} stays: it is in {}", access(instruction), bytes(size), named(place.object))
            });
        } else {
            self.warn_of_bounds(instruction, place, Some(size));
            let size = Type::integer(self.module.context(), 64).constant(size);
            self.check_bounds(instruction, pointer, place, size);
        }
        false
    }

    /// Whether an access can be made through a translated pointer: naturally aligned as far as its type says, so that it should
    /// never cross a page. The runtime sees to those whose address is another.
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
        self.remark(Remark::Passed, instruction, || {
            format!("{} of {} is translated", access(instruction), bytes(size))
        });
        let site = self.site(instruction);
        if name != runtime::TRANSLATE_LOAD {
            self.program.writes = true;
        }
        let arguments = [builder.to_unsigned(pointer, 64), builder.u64(size), builder.u32(site)];
        self.runtime_call(builder, name, Type::pointer(self.module.context()), &arguments)
    }

    /// Room on the stack for a value that cannot be accessed in one piece.
    fn temporary(&self, function: Value<'c>, ty: Type<'c>) -> Option<Value<'c>> {
        let first = function.blocks().first()?.first_instruction()?;
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
            if !load.is_volatile() && load.ordering() == Ordering::LLVMAtomicOrderingNotAtomic {
                load.set_empty_metadata(self.module.context(), marker::PLAIN_METADATA);
            }
            // Kernel memory changes under the program: each access is made, as it is, from memory.
            load.set_volatile();
            return;
        }
        let Some(slot) = self.temporary(function, load.ty()) else { return };
        self.remark_on_bytes(load, size);
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
            if let Some(builder) = Builder::behind(self.module.context(), store) {
                let site = builder.u32(self.site(store));
                self.runtime_call(&builder, runtime::STORED, Type::void(self.module.context()), &[site]);
                self.record_value(&builder, runtime::STORED_VALUE, &[value], size);
            }
            return;
        }
        let Some(slot) = self.temporary(function, value.ty()) else { return };
        self.remark_on_bytes(store, size);
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
        let address = self.translated(&builder, runtime::TRANSLATE_ATOMIC, operation, pointer, size);
        operation.set_operand(0, address);
        operation.set_volatile();
        if let Some(builder) = Builder::behind(self.module.context(), operation).filter(|_| self.takes_locks)
            && let Some((old, new)) = atomic::exchanged(&builder, operation)
        {
            self.record_value(&builder, runtime::EXCHANGED, &[old, new], size);
        }
    }

    /// Has the journal of a program that takes locks say what a store of at most 8 bytes has left: what was stored under a lock is
    /// taken back if the program ends before it releases that.
    fn record_value(&self, builder: &Builder<'c>, name: &str, values: &[Value<'c>], size: u64) {
        let context = self.module.context();
        let is_number = |value: &Value<'c>| value.ty().is_integer() || value.ty().is_pointer();
        if self.takes_locks && size <= 8 && values.iter().all(is_number) {
            let values: Vec<_> = values.iter().map(|value| builder.to_unsigned(*value, 64)).collect();
            self.runtime_call(builder, name, Type::void(context), &values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llvm::Context;
    use crate::testing;

    /// Whether a program with this statement may store to kernel memory.
    fn writes(statement: &str) -> bool {
        let context = Context::create();
        let module = testing::module(
            &context,
            &format!(
                "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
                 declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
                 declare ptr @strcpy(ptr, ptr)
                 declare i64 @strlen(ptr)
                 define void @f(ptr %p, i64 %n) {{
                   %own = alloca [8 x i8]
                   {statement}
                   ret void
                 }}"
            ),
        );
        let mut program = Program::default();
        run(&module, &mut program);
        module.verify().unwrap();
        program.writes
    }

    #[test]
    fn a_program_says_whether_its_stores_are_of_use_as_a_whole_only() {
        for (statement, expected) in
            [("call void @gpufas.all_or_nothing()", true), ("%1 = load i64, ptr %p", false)]
        {
            let context = Context::create();
            let text = format!(
                "declare void @gpufas.all_or_nothing()
                 define void @f(ptr %p) {{
                   {statement}
                   ret void
                 }}"
            );
            let module = testing::module(&context, &text);
            let mut program = Program::default();
            run(&module, &mut program);
            module.verify().unwrap();
            assert_eq!(program.all_or_nothing, expected, "{statement}");
        }
    }

    #[test]
    fn a_program_says_whether_it_looks_at_locks() {
        for (statement, expected) in
            [("call void @gpufas.lock_checked()", true), ("%1 = load i64, ptr %p", false)]
        {
            let context = Context::create();
            let text = format!(
                "declare void @gpufas.lock_checked()
                 define void @f(ptr %p) {{
                   {statement}
                   ret void
                 }}"
            );
            let module = testing::module(&context, &text);
            let mut program = Program::default();
            run(&module, &mut program);
            module.verify().unwrap();
            assert_eq!(program.checks_locks, expected, "{statement}");
            assert!(
                module.function("f").unwrap().instructions().iter().all(|one| !one.is_call() || !expected)
            );
        }
    }

    #[test]
    fn a_program_says_whether_it_asks_for_interrupts() {
        for (name, expected) in [("gpufas_request_interrupt", true), ("gpufas_interrupts_available", false)] {
            let context = Context::create();
            let text = format!(
                "declare i32 @{name}()
                 define i32 @f() {{
                   %1 = call i32 @{name}()
                   ret i32 %1
                 }}"
            );
            let module = testing::module(&context, &text);
            let mut program = Program::default();
            run(&module, &mut program);
            module.verify().unwrap();
            assert_eq!(program.interrupts, expected, "{name}");
            assert!(!program.writes, "that is no store: {name}");
        }
    }

    #[test]
    fn a_program_says_whether_it_writes() {
        for statement in [
            "store i64 0, ptr %p",
            "store i64 0, ptr %p, align 1",
            "%1 = atomicrmw add ptr %p, i32 1 seq_cst",
            "call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %own, i64 8, i1 false)",
            "call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 %n, i1 false)",
            "%1 = call ptr @strcpy(ptr %p, ptr %own)",
        ] {
            assert!(writes(statement), "{statement}");
        }
        for statement in [
            "store i64 0, ptr %own",
            "%1 = load i64, ptr %p",
            "%1 = load i64, ptr %p, align 1",
            "call void @llvm.memcpy.p0.p0.i64(ptr %own, ptr %p, i64 %n, i1 false)",
            "call void @llvm.memset.p0.i64(ptr %own, i8 0, i64 %n, i1 false)",
            "%1 = call ptr @strcpy(ptr %own, ptr %p)",
            "%1 = call i64 @strlen(ptr %p)",
        ] {
            assert!(!writes(statement), "{statement}");
        }
    }
}
