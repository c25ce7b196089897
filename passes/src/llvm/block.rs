// SPDX-License-Identifier: MIT OR Apache-2.0

//! Basic blocks.

use std::marker::PhantomData;

use inkwell::llvm_sys::LLVMValueKind;
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::LLVMBasicBlockRef;

use super::{Context, Value, c_string};

/// A basic block of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Block<'c>(pub(super) LLVMBasicBlockRef, PhantomData<&'c Context>);

impl<'c> Block<'c> {
    pub(super) fn new(raw: LLVMBasicBlockRef) -> Self {
        Self(raw, PhantomData)
    }

    /// Adds an empty block at the end of `function`.
    pub fn append(context: &'c Context, function: Value<'c>, name: &str) -> Self {
        let name = c_string(name);
        // SAFETY: function is a function of the live context.
        Self::new(unsafe { LLVMAppendBasicBlockInContext(context.raw(), function.0, name.as_ptr()) })
    }

    /// Adds an empty block in front of another.
    pub fn insert_before(context: &'c Context, other: Self, name: &str) -> Self {
        let name = c_string(name);
        // SAFETY: the other block is in a function of the live context.
        Self::new(unsafe { LLVMInsertBasicBlockInContext(context.raw(), other.0, name.as_ptr()) })
    }

    /// The instructions, in order.
    pub fn instructions(self) -> Vec<Value<'c>> {
        let mut found = Vec::new();
        // SAFETY: the block is alive; the list is followed by LLVM's own links.
        unsafe {
            let mut next = LLVMGetFirstInstruction(self.0);
            while !next.is_null() {
                found.push(Value::new(next));
                next = LLVMGetNextInstruction(next);
            }
        }
        found
    }

    /// The terminator, if the block has one.
    pub fn terminator(self) -> Option<Value<'c>> {
        // SAFETY: the block is alive.
        Value::some(unsafe { LLVMGetBasicBlockTerminator(self.0) })
    }

    /// The blocks that its terminator may go to.
    pub fn successors(self) -> Vec<Self> {
        let Some(terminator) = self.terminator() else { return Vec::new() };
        // SAFETY: terminator is one, and the indices are in range.
        unsafe {
            (0..LLVMGetNumSuccessors(terminator.0))
                .map(|index| Self::new(LLVMGetSuccessor(terminator.0, index)))
                .collect()
        }
    }

    /// The constant that is its address, if anything takes that.
    pub fn address(self) -> Option<Value<'c>> {
        // SAFETY: the block is alive, and so is its view as a value.
        let block = Value::new(unsafe { LLVMBasicBlockAsValue(self.0) });
        block.users().into_iter().find(|user| user.kind() == LLVMValueKind::LLVMBlockAddressValueKind)
    }

    /// Splits the block of an instruction: a new block, in front of it, gets what comes before the instruction and all that led to the
    /// block, and no terminator yet; the instruction is the first of what stays. Returns both.
    ///
    /// So the blocks behind keep the one that they come from, which LLVM's C interface cannot change in phis.
    pub fn split_before(context: &'c Context, instruction: Value<'c>) -> (Self, Self) {
        // SAFETY: the instruction is in a block of a function; each of those before it is taken out and put into the new
        // block once, and terminators get other blocks of their function.
        unsafe {
            let rest = LLVMGetInstructionParent(instruction.0);
            let before = LLVMInsertBasicBlockInContext(context.raw(), rest, c"".as_ptr());
            for user in Value::new(LLVMBasicBlockAsValue(rest)).users() {
                for index in 0..if user.is_terminator() { LLVMGetNumSuccessors(user.0) } else { 0 } {
                    if LLVMGetSuccessor(user.0, index) == rest {
                        LLVMSetSuccessor(user.0, index, before);
                    }
                }
            }
            Value::new(LLVMBasicBlockAsValue(before)).take_name(Value::new(LLVMBasicBlockAsValue(rest)));
            let builder = LLVMCreateBuilderInContext(context.raw());
            LLVMPositionBuilderAtEnd(builder, before);
            loop {
                let next = LLVMGetFirstInstruction(rest);
                if next == instruction.0 {
                    break;
                }
                let name = c_string(&Value::new(next).name());
                LLVMInstructionRemoveFromParent(next);
                LLVMInsertIntoBuilderWithName(builder, next, name.as_ptr());
            }
            LLVMDisposeBuilder(builder);
            (Self::new(before), Self::new(rest))
        }
    }

    /// Moves it behind another block, which may be in another function.
    pub fn move_after(self, other: Self) {
        // SAFETY: both blocks are in functions of one module.
        unsafe { LLVMMoveBasicBlockAfter(self.0, other.0) }
    }

    /// Removes an empty block that nothing goes to.
    pub fn delete(self) {
        // SAFETY: the block is in a function; it is not used again.
        unsafe { LLVMDeleteBasicBlock(self.0) }
    }

    /// The function that holds the block.
    pub fn function(self) -> Value<'c> {
        // SAFETY: the block is in a function.
        Value::new(unsafe { LLVMGetBasicBlockParent(self.0) })
    }

    /// The first instruction.
    pub fn first_instruction(self) -> Option<Value<'c>> {
        // SAFETY: the block is alive; an empty one gives null.
        Value::some(unsafe { LLVMGetFirstInstruction(self.0) })
    }

    /// The first instruction that is not a phi.
    pub fn first_non_phi(self) -> Option<Value<'c>> {
        let mut instruction = self.first_instruction();
        while let Some(phi) = instruction.filter(|instruction| instruction.is_phi()) {
            instruction = phi.next_instruction();
        }
        instruction
    }
}
