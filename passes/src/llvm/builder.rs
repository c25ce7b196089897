// SPDX-License-Identifier: MIT OR Apache-2.0

//! Building instructions.

use std::marker::PhantomData;

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::{
    LLVMDIBuilderCreateDebugLocation, LLVMGetSubprogram, LLVMInstructionGetDebugLoc,
};
use inkwell::llvm_sys::prelude::{LLVMBuilderRef, LLVMValueRef};
use inkwell::llvm_sys::{LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMIntPredicate, LLVMOpcode};

use super::{Block, Context, Type, Value};

const UNNAMED: *const std::ffi::c_char = c"".as_ptr();

/// Builds instructions at one place.
pub struct Builder<'c> {
    raw: LLVMBuilderRef,
    context: &'c Context,
    marker: PhantomData<&'c Context>,
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        // SAFETY: the builder is disposed of once.
        unsafe { LLVMDisposeBuilder(self.raw) }
    }
}

impl<'c> Builder<'c> {
    fn new(context: &'c Context) -> Self {
        // SAFETY: the context is alive.
        Self { raw: unsafe { LLVMCreateBuilderInContext(context.raw()) }, context, marker: PhantomData }
    }

    /// Builds before `instruction`, with its debug location. Where it has none, its function's is used: a call without a
    /// location in a function with one cannot be inlined.
    pub fn before(context: &'c Context, instruction: Value<'c>) -> Self {
        Self::located(context, instruction, instruction)
    }

    /// Builds before `instruction` and what debuggers are told there, where phis belong; else as [`Builder::before`].
    pub fn before_records(context: &'c Context, instruction: Value<'c>) -> Self {
        let builder = Self::before(context, instruction);
        // SAFETY: the instruction is in a block.
        unsafe { LLVMPositionBuilderBeforeInstrAndDbgRecords(builder.raw, instruction.0) };
        builder
    }

    /// Builds behind `instruction`, which ends no block, with its debug location as [`Builder::before`] takes it.
    pub fn behind(context: &'c Context, instruction: Value<'c>) -> Option<Self> {
        Some(Self::located(context, instruction.next_instruction()?, instruction))
    }

    /// Builds at the end of `block` with the debug location of `instruction` as [`Builder::before`] takes it.
    pub fn at_end_for(context: &'c Context, block: Block<'c>, instruction: Value<'c>) -> Self {
        let builder = Self::at_end(context, block);
        builder.locate(instruction);
        builder
    }

    /// Builds before `place` with the debug location of `instruction`.
    fn located(context: &'c Context, place: Value<'c>, instruction: Value<'c>) -> Self {
        let builder = Self::new(context);
        // SAFETY: the instruction is in a block.
        unsafe { LLVMPositionBuilderBefore(builder.raw, place.0) };
        builder.locate(instruction);
        builder
    }

    /// Uses the debug location of an instruction from here on, or where it has none its function's.
    fn locate(&self, instruction: Value<'c>) {
        // SAFETY: the instruction is in a block, so it has a function; what has no location or subprogram gives null.
        unsafe {
            let mut location = LLVMInstructionGetDebugLoc(instruction.0);
            if location.is_null()
                && let Some(function) = instruction.function()
            {
                let scope = LLVMGetSubprogram(function.0);
                if !scope.is_null() {
                    let none = std::ptr::null_mut();
                    location = LLVMDIBuilderCreateDebugLocation(self.context.raw(), 0, 0, scope, none);
                }
            }
            LLVMSetCurrentDebugLocation2(self.raw, location);
        }
    }

    /// Builds at the end of `block`.
    pub fn at_end(context: &'c Context, block: Block<'c>) -> Self {
        let builder = Self::new(context);
        // SAFETY: the block is alive.
        unsafe { LLVMPositionBuilderAtEnd(builder.raw, block.0) }
        builder
    }

    /// Builds at the end of `block` from here on.
    pub fn position_at_end(&self, block: Block<'c>) {
        // SAFETY: the block is alive.
        unsafe { LLVMPositionBuilderAtEnd(self.raw, block.0) }
    }

    /// The block that is built in.
    pub fn block(&self) -> Block<'c> {
        // SAFETY: the builder has a place from its beginning on.
        Block::new(unsafe { LLVMGetInsertBlock(self.raw) })
    }

    /// The context.
    pub fn context(&self) -> &'c Context {
        self.context
    }

    /// Uses the debug location of `instruction` from here on.
    pub fn set_location_of(&self, instruction: Value<'c>) {
        // SAFETY: the instruction is alive.
        unsafe { LLVMSetCurrentDebugLocation2(self.raw, LLVMInstructionGetDebugLoc(instruction.0)) }
    }

    /// The integer type of `bits` bits.
    pub fn integer(&self, bits: u32) -> Type<'c> {
        Type::integer(self.context, bits)
    }

    /// A 64-bit constant.
    pub fn u64(&self, value: u64) -> Value<'c> {
        self.integer(64).constant(value)
    }

    /// A 32-bit constant.
    pub fn u32(&self, value: u32) -> Value<'c> {
        self.integer(32).constant(u64::from(value))
    }

    /// A two-operand instruction.
    pub fn binary(&self, opcode: LLVMOpcode, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        // SAFETY: the operands are of one type that the opcode takes.
        Value::new(unsafe { LLVMBuildBinOp(self.raw, opcode, left.0, right.0, UNNAMED) })
    }

    /// `add`.
    pub fn add(&self, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        self.binary(LLVMOpcode::LLVMAdd, left, right)
    }

    /// `sub`.
    pub fn sub(&self, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        self.binary(LLVMOpcode::LLVMSub, left, right)
    }

    /// `and`.
    pub fn and(&self, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        self.binary(LLVMOpcode::LLVMAnd, left, right)
    }

    /// `or`.
    pub fn or(&self, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        self.binary(LLVMOpcode::LLVMOr, left, right)
    }

    /// `xor`.
    pub fn xor(&self, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        self.binary(LLVMOpcode::LLVMXor, left, right)
    }

    /// All bits inverted.
    pub fn not(&self, value: Value<'c>) -> Value<'c> {
        self.xor(value, value.ty().signed_constant(-1))
    }

    /// A comparison of integers or pointers.
    pub fn compare(&self, predicate: LLVMIntPredicate, left: Value<'c>, right: Value<'c>) -> Value<'c> {
        // SAFETY: the operands are of one integer or pointer type.
        Value::new(unsafe { LLVMBuildICmp(self.raw, predicate, left.0, right.0, UNNAMED) })
    }

    /// `select`.
    pub fn select(&self, condition: Value<'c>, then: Value<'c>, other: Value<'c>) -> Value<'c> {
        // SAFETY: an `i1` and two values of one type.
        Value::new(unsafe { LLVMBuildSelect(self.raw, condition.0, then.0, other.0, UNNAMED) })
    }

    /// A conversion instruction.
    pub fn cast(&self, opcode: LLVMOpcode, value: Value<'c>, to: Type<'c>) -> Value<'c> {
        // SAFETY: callers pass a conversion that is defined for the types.
        Value::new(unsafe { LLVMBuildCast(self.raw, opcode, value.0, to.0, UNNAMED) })
    }

    /// `value` as an integer of `bits` bits: pointers converted, wider ones truncated, narrower ones
    /// zero-extended.
    pub fn to_unsigned(&self, value: Value<'c>, bits: u32) -> Value<'c> {
        self.resize(value, bits, LLVMOpcode::LLVMZExt)
    }

    /// The same, narrower ones sign-extended.
    pub fn to_signed(&self, value: Value<'c>, bits: u32) -> Value<'c> {
        self.resize(value, bits, LLVMOpcode::LLVMSExt)
    }

    fn resize(&self, value: Value<'c>, bits: u32, extend: LLVMOpcode) -> Value<'c> {
        let value = if value.ty().is_pointer() {
            self.cast(LLVMOpcode::LLVMPtrToInt, value, self.integer(64))
        } else {
            value
        };
        match value.ty().bits().cmp(&bits) {
            std::cmp::Ordering::Equal => value,
            std::cmp::Ordering::Greater => self.cast(LLVMOpcode::LLVMTrunc, value, self.integer(bits)),
            std::cmp::Ordering::Less => self.cast(extend, value, self.integer(bits)),
        }
    }

    /// `value`, or if it is undefined or poison some value that is always the same (LangRef, "freeze Instruction").
    pub fn freeze(&self, value: Value<'c>) -> Value<'c> {
        // SAFETY: any value of a first-class type can be frozen.
        Value::new(unsafe { LLVMBuildFreeze(self.raw, value.0, UNNAMED) })
    }

    /// A pointer of address space 0 from an integer or pointer.
    pub fn to_pointer(&self, value: Value<'c>) -> Value<'c> {
        let pointer = Type::pointer(self.context);
        if value.ty() == pointer {
            value
        } else if value.ty().is_pointer() {
            self.cast(LLVMOpcode::LLVMAddrSpaceCast, value, pointer)
        } else {
            self.cast(LLVMOpcode::LLVMIntToPtr, self.to_unsigned(value, 64), pointer)
        }
    }

    /// `value` of an integer or pointer type as `to`, another such type.
    pub fn convert(&self, value: Value<'c>, to: Type<'c>) -> Value<'c> {
        if value.ty() == to {
            value
        } else if to.is_pointer() {
            self.to_pointer(value)
        } else {
            self.to_unsigned(value, to.bits())
        }
    }

    /// A pointer `offset` bytes (an `i64`) beyond another.
    pub fn offset(&self, pointer: Value<'c>, offset: Value<'c>) -> Value<'c> {
        let mut indices = [offset.0];
        // SAFETY: pointer is a pointer, offset an integer, the element a byte.
        Value::new(unsafe {
            LLVMBuildGEP2(self.raw, self.integer(8).0, pointer.0, indices.as_mut_ptr(), 1, UNNAMED)
        })
    }

    /// `getelementptr` over `source`.
    pub fn gep(&self, source: Type<'c>, pointer: Value<'c>, indices: &[Value<'c>]) -> Value<'c> {
        let mut indices: Vec<LLVMValueRef> = indices.iter().map(|index| index.0).collect();
        // SAFETY: callers pass indices that fit the source type.
        Value::new(unsafe {
            LLVMBuildGEP2(self.raw, source.0, pointer.0, indices.as_mut_ptr(), indices.len() as u32, UNNAMED)
        })
    }

    /// A load with an alignment in bytes.
    pub fn load(&self, ty: Type<'c>, pointer: Value<'c>, alignment: u32) -> Value<'c> {
        // SAFETY: pointer is a pointer and the type is sized.
        let load = Value::new(unsafe { LLVMBuildLoad2(self.raw, ty.0, pointer.0, UNNAMED) });
        load.set_alignment(alignment);
        load
    }

    /// A store with an alignment in bytes.
    pub fn store(&self, value: Value<'c>, pointer: Value<'c>, alignment: u32) -> Value<'c> {
        // SAFETY: pointer is a pointer and the value is sized.
        let store = Value::new(unsafe { LLVMBuildStore(self.raw, value.0, pointer.0) });
        store.set_alignment(alignment);
        store
    }

    /// `llvm.memcpy` of bytes at multiples of 8.
    pub fn copy(&self, to: Value<'c>, from: Value<'c>, size: Value<'c>) -> Value<'c> {
        // SAFETY: two pointers and an integer.
        Value::new(unsafe { LLVMBuildMemCpy(self.raw, to.0, 8, from.0, 8, size.0) })
    }

    /// A phi without edges, which must be built before everything else in its block.
    pub fn phi(&self, ty: Type<'c>) -> Value<'c> {
        // SAFETY: the type is one of values.
        Value::new(unsafe { LLVMBuildPhi(self.raw, ty.0, UNNAMED) })
    }

    /// Room on the stack.
    pub fn alloca(&self, ty: Type<'c>) -> Value<'c> {
        // SAFETY: the type is sized.
        Value::new(unsafe { LLVMBuildAlloca(self.raw, ty.0, UNNAMED) })
    }

    /// A fence over all threads of the system, or of this thread only (for the compiler).
    pub fn fence(&self, ordering: LLVMAtomicOrdering, single_thread: bool) -> Value<'c> {
        // SAFETY: the ordering is one that a fence takes.
        Value::new(unsafe { LLVMBuildFence(self.raw, ordering, i32::from(single_thread), UNNAMED) })
    }

    /// `atomicrmw`, sequentially consistent over the system.
    pub fn atomic(&self, operation: LLVMAtomicRMWBinOp, pointer: Value<'c>, value: Value<'c>) -> Value<'c> {
        let ordering = LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        self.atomic_ordered(operation, pointer, value, ordering)
    }

    /// `atomicrmw` over the system.
    pub fn atomic_ordered(
        &self,
        operation: LLVMAtomicRMWBinOp,
        pointer: Value<'c>,
        value: Value<'c>,
        ordering: LLVMAtomicOrdering,
    ) -> Value<'c> {
        // SAFETY: pointer is a pointer and value an integer; every ordering but "not atomic" is one for it.
        Value::new(unsafe { LLVMBuildAtomicRMW(self.raw, operation, pointer.0, value.0, ordering, 0) })
    }

    /// `cmpxchg`, sequentially consistent over the system: a structure of the old value and an `i1`.
    pub fn compare_exchange(&self, pointer: Value<'c>, expected: Value<'c>, new: Value<'c>) -> Value<'c> {
        let ordering = LLVMAtomicOrdering::LLVMAtomicOrderingSequentiallyConsistent;
        self.compare_exchange_ordered(pointer, expected, new, ordering)
    }

    /// `cmpxchg` over the system.
    pub fn compare_exchange_ordered(
        &self,
        pointer: Value<'c>,
        expected: Value<'c>,
        new: Value<'c>,
        ordering: LLVMAtomicOrdering,
    ) -> Value<'c> {
        // SAFETY: pointer is a pointer and the values integers of one type; the ordering is one for both outcomes.
        Value::new(unsafe {
            LLVMBuildAtomicCmpXchg(self.raw, pointer.0, expected.0, new.0, ordering, ordering, 0)
        })
    }

    /// Field `index` of a structure value.
    pub fn extract(&self, aggregate: Value<'c>, index: u32) -> Value<'c> {
        // SAFETY: callers pass an index in range.
        Value::new(unsafe { LLVMBuildExtractValue(self.raw, aggregate.0, index, UNNAMED) })
    }

    /// A structure value with field `index` replaced.
    pub fn insert(&self, aggregate: Value<'c>, value: Value<'c>, index: u32) -> Value<'c> {
        // SAFETY: callers pass an index in range and a value of the field's type.
        Value::new(unsafe { LLVMBuildInsertValue(self.raw, aggregate.0, value.0, index, UNNAMED) })
    }

    /// A call.
    pub fn call(&self, ty: Type<'c>, function: Value<'c>, arguments: &[Value<'c>]) -> Value<'c> {
        let mut raw: Vec<LLVMValueRef> = arguments.iter().map(|argument| argument.0).collect();
        // SAFETY: callers pass the function's type and arguments that fit it.
        Value::new(unsafe {
            LLVMBuildCall2(self.raw, ty.0, function.0, raw.as_mut_ptr(), raw.len() as u32, UNNAMED)
        })
    }

    /// A constant expression as an instruction with other operands; none for an expression that is not known here.
    pub fn rebuilt(&self, constant: Value<'c>, operands: &[Value<'c>]) -> Option<Value<'c>> {
        match constant.opcode()? {
            LLVMOpcode::LLVMGetElementPtr => {
                Some(self.gep(constant.gep_source_type()?, operands[0], &operands[1..]))
            }
            opcode @ (LLVMOpcode::LLVMPtrToInt
            | LLVMOpcode::LLVMIntToPtr
            | LLVMOpcode::LLVMBitCast
            | LLVMOpcode::LLVMTrunc
            | LLVMOpcode::LLVMAddrSpaceCast) => Some(self.cast(opcode, operands[0], constant.ty())),
            opcode @ (LLVMOpcode::LLVMAdd | LLVMOpcode::LLVMSub | LLVMOpcode::LLVMXor) => {
                Some(self.binary(opcode, operands[0], operands[1]))
            }
            _ => None,
        }
    }

    /// A copy of an instruction, with its operands and attributes.
    pub fn copy_of(&self, instruction: Value<'c>) -> Value<'c> {
        // SAFETY: the instruction is alive; its copy belongs to nobody until it is inserted here.
        unsafe {
            let copy = LLVMInstructionClone(instruction.0);
            LLVMInsertIntoBuilder(self.raw, copy);
            Value::new(copy)
        }
    }

    /// A pointer constant from a constant address.
    pub fn constant_pointer(context: &'c Context, address: Value<'c>) -> Value<'c> {
        // SAFETY: the address is a constant integer of the live context.
        Value::new(unsafe { LLVMConstIntToPtr(address.0, Type::pointer(context).0) })
    }

    /// An unconditional branch.
    pub fn branch(&self, to: Block<'c>) -> Value<'c> {
        // SAFETY: the block is in this function.
        Value::new(unsafe { LLVMBuildBr(self.raw, to.0) })
    }

    /// A conditional branch.
    pub fn conditional_branch(&self, condition: Value<'c>, then: Block<'c>, other: Block<'c>) -> Value<'c> {
        // SAFETY: an `i1` and blocks of this function.
        Value::new(unsafe { LLVMBuildCondBr(self.raw, condition.0, then.0, other.0) })
    }

    /// `switch`.
    pub fn switch(
        &self,
        value: Value<'c>,
        default: Block<'c>,
        cases: &[(Value<'c>, Block<'c>)],
    ) -> Value<'c> {
        // SAFETY: an integer, constants of its type, and blocks of this function.
        unsafe {
            let switch = LLVMBuildSwitch(self.raw, value.0, default.0, cases.len() as u32);
            for (case, block) in cases {
                LLVMAddCase(switch, case.0, block.0);
            }
            Value::new(switch)
        }
    }

    /// `ret void`.
    pub fn return_void(&self) -> Value<'c> {
        // SAFETY: the function returns nothing.
        Value::new(unsafe { LLVMBuildRetVoid(self.raw) })
    }

    /// `ret`.
    pub fn return_value(&self, value: Value<'c>) -> Value<'c> {
        // SAFETY: the value is of the function's result type.
        Value::new(unsafe { LLVMBuildRet(self.raw, value.0) })
    }

    /// `unreachable`.
    pub fn unreachable(&self) -> Value<'c> {
        // SAFETY: always valid at the end of a block.
        Value::new(unsafe { LLVMBuildUnreachable(self.raw) })
    }
}
