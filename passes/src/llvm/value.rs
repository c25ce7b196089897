// SPDX-License-Identifier: MIT OR Apache-2.0

//! Values of all kinds; what only instructions or only globals have is in files of their own.

use std::marker::PhantomData;

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::LLVMValueRef;
use inkwell::llvm_sys::{LLVMOpcode, LLVMValueKind};

use super::{Context, Type, copied};

/// A value; lives until it is erased, at most as long as its module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Value<'c>(pub(super) LLVMValueRef, PhantomData<&'c Context>);

/// Constant facts and structure.
impl<'c> Value<'c> {
    pub(super) fn new(raw: LLVMValueRef) -> Self {
        Self(raw, PhantomData)
    }

    pub(super) fn some(raw: LLVMValueRef) -> Option<Self> {
        (!raw.is_null()).then(|| Self::new(raw))
    }

    /// What class of value this is.
    pub fn kind(self) -> LLVMValueKind {
        // SAFETY: self is alive.
        unsafe { LLVMGetValueKind(self.0) }
    }

    /// Its type.
    pub fn ty(self) -> Type<'c> {
        // SAFETY: self is alive.
        Type::new(unsafe { LLVMTypeOf(self.0) })
    }

    /// Its name, which may be empty.
    pub fn name(self) -> String {
        let mut length = 0;
        // SAFETY: LLVM returns a pointer and its length.
        unsafe {
            let name = LLVMGetValueName2(self.0, &mut length);
            copied(name, length)
        }
    }

    /// Renames it.
    pub fn set_name(self, name: &str) {
        // SAFETY: the pointer and length describe `name`.
        unsafe { LLVMSetValueName2(self.0, name.as_ptr().cast(), name.len()) }
    }

    /// Takes over the name of another value, which loses it.
    pub fn take_name(self, from: Self) {
        let name = from.name();
        from.set_name("");
        self.set_name(&name);
    }

    /// Whether it is an instruction.
    pub fn is_instruction(self) -> bool {
        self.kind() == LLVMValueKind::LLVMInstructionValueKind
    }

    /// Whether it is a constant of any kind, globals included.
    pub fn is_constant(self) -> bool {
        // SAFETY: self is alive.
        unsafe { LLVMIsConstant(self.0) != 0 }
    }

    /// Whether it is a function.
    pub fn is_function(self) -> bool {
        self.kind() == LLVMValueKind::LLVMFunctionValueKind
    }

    /// Whether it is a global variable.
    pub fn is_global_variable(self) -> bool {
        self.kind() == LLVMValueKind::LLVMGlobalVariableValueKind
    }

    /// Whether it is a constant expression.
    pub fn is_constant_expression(self) -> bool {
        self.kind() == LLVMValueKind::LLVMConstantExprValueKind
    }

    /// Whether it is a constant structure or array with elements of its own.
    pub fn is_constant_aggregate(self) -> bool {
        matches!(
            self.kind(),
            LLVMValueKind::LLVMConstantStructValueKind | LLVMValueKind::LLVMConstantArrayValueKind
        )
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        // SAFETY: self is alive.
        unsafe { LLVMIsNull(self.0) != 0 }
    }

    /// The value of an integer constant of at most 64 bits, zero-extended.
    pub fn as_unsigned(self) -> Option<u64> {
        // SAFETY: checked to be an integer constant that fits.
        (self.kind() == LLVMValueKind::LLVMConstantIntValueKind && self.ty().bits() <= 64)
            .then(|| unsafe { LLVMConstIntGetZExtValue(self.0) })
    }

    /// The value of an integer constant of at most 64 bits, sign-extended.
    pub fn as_signed(self) -> Option<i64> {
        // SAFETY: checked to be an integer constant that fits.
        (self.kind() == LLVMValueKind::LLVMConstantIntValueKind && self.ty().bits() <= 64)
            .then(|| unsafe { LLVMConstIntGetSExtValue(self.0) })
    }

    /// The opcode of an instruction or constant expression.
    pub fn opcode(self) -> Option<LLVMOpcode> {
        // SAFETY: each query is made of the class it is for.
        unsafe {
            match self.kind() {
                LLVMValueKind::LLVMInstructionValueKind => Some(LLVMGetInstructionOpcode(self.0)),
                LLVMValueKind::LLVMConstantExprValueKind => Some(LLVMGetConstOpcode(self.0)),
                _ => None,
            }
        }
    }

    /// Whether it is an instruction of this opcode.
    pub fn is(self, opcode: LLVMOpcode) -> bool {
        self.is_instruction() && self.opcode() == Some(opcode)
    }

    /// Whether it is a phi.
    pub fn is_phi(self) -> bool {
        self.is(LLVMOpcode::LLVMPHI)
    }

    /// Number of operands.
    pub fn operand_count(self) -> u32 {
        // SAFETY: self is alive; LLVM returns 0 for what is no user.
        unsafe { LLVMGetNumOperands(self.0).max(0).cast_unsigned() }
    }

    /// An operand.
    pub fn operand(self, index: u32) -> Option<Self> {
        if index >= self.operand_count() {
            return None;
        }
        // SAFETY: the index is in range; an operand may be missing (of metadata, and of a function without a personality).
        Self::some(unsafe { LLVMGetOperand(self.0, index) })
    }

    /// All operands.
    pub fn operands(self) -> Vec<Self> {
        (0..self.operand_count()).filter_map(|index| self.operand(index)).collect()
    }

    /// Replaces an operand.
    pub fn set_operand(self, index: u32, value: Self) {
        debug_assert!(index < self.operand_count());
        // SAFETY: callers pass an index in range and a value of the operand's type.
        unsafe { LLVMSetOperand(self.0, index, value.0) }
    }

    /// Everything that uses it, once for each use.
    pub fn users(self) -> Vec<Self> {
        let mut found = Vec::new();
        // SAFETY: self is alive; the list is followed by LLVM's own links.
        unsafe {
            let mut next = LLVMGetFirstUse(self.0);
            while !next.is_null() {
                found.push(Self::new(LLVMGetUser(next)));
                next = LLVMGetNextUse(next);
            }
        }
        found
    }

    /// Whether anything uses it.
    pub fn is_used(self) -> bool {
        // SAFETY: self is alive.
        unsafe { !LLVMGetFirstUse(self.0).is_null() }
    }

    /// Makes all its users use `other`, which has the same type.
    pub fn replace_all_uses_with(self, other: Self) {
        // SAFETY: both are alive and of one type.
        unsafe { LLVMReplaceAllUsesWith(self.0, other.0) }
    }

    /// An integer constant as a pointer constant.
    pub fn as_pointer_constant(self, ty: Type<'c>) -> Self {
        // SAFETY: self is an integer constant and ty a pointer type.
        Self::new(unsafe { LLVMConstIntToPtr(self.0, ty.0) })
    }

    /// A pointer constant as an integer constant.
    pub fn as_integer_constant(self, ty: Type<'c>) -> Self {
        // SAFETY: self is a pointer constant and ty an integer type.
        Self::new(unsafe { LLVMConstPtrToInt(self.0, ty.0) })
    }

    /// Element `index` of a constant array, structure or string.
    pub fn aggregate_element(self, index: u32) -> Option<Self> {
        // SAFETY: LLVM returns null for an index out of range.
        Self::some(unsafe { LLVMGetAggregateElement(self.0, index) })
    }

    /// The bytes of a constant array of bytes.
    pub fn as_bytes(self) -> Option<Vec<u8>> {
        if self.kind() == LLVMValueKind::LLVMConstantAggregateZeroValueKind {
            return Some(Vec::new());
        }
        // SAFETY: checked to be a string, whose pointer and length LLVM returns.
        unsafe {
            if self.kind() != LLVMValueKind::LLVMConstantDataArrayValueKind
                || LLVMIsConstantString(self.0) == 0
            {
                return None;
            }
            let mut length = 0;
            let bytes = LLVMGetAsString(self.0, &mut length);
            Some(std::slice::from_raw_parts(bytes.cast::<u8>(), length).to_vec())
        }
    }

    /// A line of IR for messages.
    pub fn print(self) -> String {
        // SAFETY: LLVM allocates the text.
        unsafe { super::owned_message(LLVMPrintValueToString(self.0)) }.trim().to_owned()
    }
}
