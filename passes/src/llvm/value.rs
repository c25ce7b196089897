// SPDX-License-Identifier: MIT OR Apache-2.0

//! Values: constants, globals, functions and instructions.

use std::marker::PhantomData;

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::LLVMValueRef;
use inkwell::llvm_sys::{
    LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMIntPredicate, LLVMLinkage, LLVMOpcode, LLVMUnnamedAddr,
    LLVMValueKind, LLVMVisibility,
};

use super::{Block, Context, Type, c_string, copied};

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
        // SAFETY: the index is in range.
        (index < self.operand_count()).then(|| Self::new(unsafe { LLVMGetOperand(self.0, index) }))
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

/// Instructions.
impl<'c> Value<'c> {
    /// The block of an instruction.
    pub fn block(self) -> Option<Block<'c>> {
        if !self.is_instruction() {
            return None;
        }
        // SAFETY: self is an instruction; one without a block gives null.
        let block = unsafe { LLVMGetInstructionParent(self.0) };
        (!block.is_null()).then(|| Block::new(block))
    }

    /// The function of an instruction.
    pub fn function(self) -> Option<Self> {
        self.block().map(Block::function)
    }

    /// Removes an instruction that nothing uses.
    pub fn erase(self) {
        debug_assert!(self.is_instruction());
        // SAFETY: self is an instruction in a block; it is not used again.
        unsafe { LLVMInstructionEraseFromParent(self.0) }
    }

    /// The instruction after it.
    pub fn next_instruction(self) -> Option<Self> {
        // SAFETY: self is an instruction.
        Self::some(unsafe { LLVMGetNextInstruction(self.0) })
    }

    /// The callee of a call, `invoke` or `callbr`.
    pub fn callee(self) -> Option<Self> {
        if !self.is_call() {
            return None;
        }
        // SAFETY: self is a call.
        Self::some(unsafe { LLVMGetCalledValue(self.0) })
    }

    /// Whether it is a call, `invoke` or `callbr`.
    pub fn is_call(self) -> bool {
        self.is_instruction()
            && matches!(
                self.opcode(),
                Some(LLVMOpcode::LLVMCall | LLVMOpcode::LLVMInvoke | LLVMOpcode::LLVMCallBr)
            )
    }

    /// The arguments of a call.
    pub fn arguments(self) -> Vec<Self> {
        if !self.is_call() {
            return Vec::new();
        }
        // SAFETY: self is a call.
        let count = unsafe { LLVMGetNumArgOperands(self.0) };
        (0..count).filter_map(|index| self.operand(index)).collect()
    }

    /// The function type of a call.
    pub fn called_type(self) -> Type<'c> {
        // SAFETY: callers ask it of calls.
        Type::new(unsafe { LLVMGetCalledFunctionType(self.0) })
    }

    /// The fall-through block of a `callbr` and its labels in order.
    pub fn callbr_destinations(self) -> Option<(Block<'c>, Vec<Block<'c>>)> {
        if !self.is(LLVMOpcode::LLVMCallBr) {
            return None;
        }
        // SAFETY: self is a callbr and the indices are in range.
        unsafe {
            let labels = (0..LLVMGetCallBrNumIndirectDests(self.0))
                .map(|index| Block::new(LLVMGetCallBrIndirectDest(self.0, index)))
                .collect();
            Some((Block::new(LLVMGetCallBrDefaultDest(self.0)), labels))
        }
    }

    /// The type that a call's `elementtype` or `byval` attribute gives for argument `index`.
    pub fn argument_type_attribute(self, index: u32, attribute: &str) -> Option<Type<'c>> {
        let name = c_string(attribute);
        // SAFETY: self is a call; the attribute is a type attribute if it is there.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            let found = LLVMGetCallSiteEnumAttribute(self.0, index + 1, kind);
            (!found.is_null() && LLVMIsTypeAttribute(found) != 0)
                .then(|| Type::new(LLVMGetTypeAttributeValue(found)))
        }
    }

    /// The type that an `alloca` makes room for.
    pub fn allocated_type(self) -> Option<Type<'c>> {
        // SAFETY: checked to be an alloca.
        self.is(LLVMOpcode::LLVMAlloca).then(|| Type::new(unsafe { LLVMGetAllocatedType(self.0) }))
    }

    /// The type that a `getelementptr` steps over.
    pub fn gep_source_type(self) -> Option<Type<'c>> {
        // SAFETY: checked to be a getelementptr.
        (self.opcode() == Some(LLVMOpcode::LLVMGetElementPtr))
            .then(|| Type::new(unsafe { LLVMGetGEPSourceElementType(self.0) }))
    }

    /// Alignment in bytes of a load, store, atomic operation, alloca or global.
    pub fn alignment(self) -> u32 {
        // SAFETY: callers ask it of these only.
        unsafe { LLVMGetAlignment(self.0) }
    }

    /// Sets the alignment of the same.
    pub fn set_alignment(self, bytes: u32) {
        // SAFETY: callers ask it of loads, stores, allocas and globals, with a power of two.
        unsafe { LLVMSetAlignment(self.0, bytes) }
    }

    /// Makes a load, store or atomic operation volatile.
    pub fn set_volatile(self) {
        // SAFETY: callers ask it of loads, stores, `atomicrmw` and `cmpxchg`.
        unsafe { LLVMSetVolatile(self.0, 1) }
    }

    /// Whether a load, store or atomic operation is volatile.
    pub fn is_volatile(self) -> bool {
        // SAFETY: callers ask it of these only.
        unsafe { LLVMGetVolatile(self.0) != 0 }
    }

    /// Ordering of a load or store.
    pub fn ordering(self) -> LLVMAtomicOrdering {
        // SAFETY: callers ask it of loads, stores, fences and `atomicrmw`.
        unsafe { LLVMGetOrdering(self.0) }
    }

    /// Operation of an `atomicrmw`.
    pub fn atomic_operation(self) -> LLVMAtomicRMWBinOp {
        // SAFETY: callers ask it of `atomicrmw`.
        unsafe { LLVMGetAtomicRMWBinOp(self.0) }
    }

    /// Predicate of an integer comparison.
    pub fn predicate(self) -> Option<LLVMIntPredicate> {
        // SAFETY: checked to be a comparison.
        self.is(LLVMOpcode::LLVMICmp).then(|| unsafe { LLVMGetICmpPredicate(self.0) })
    }

    /// Number of incoming edges of a phi.
    pub fn incoming(self) -> Vec<(Self, Block<'c>)> {
        if !self.is_phi() {
            return Vec::new();
        }
        // SAFETY: self is a phi and the indices are in range.
        unsafe {
            (0..LLVMCountIncoming(self.0))
                .map(|index| {
                    (
                        Self::new(LLVMGetIncomingValue(self.0, index)),
                        Block::new(LLVMGetIncomingBlock(self.0, index)),
                    )
                })
                .collect()
        }
    }

    /// Takes over the debug location of another instruction.
    pub fn copy_debug_location(self, from: Self) {
        use inkwell::llvm_sys::debuginfo::{LLVMInstructionGetDebugLoc, LLVMInstructionSetDebugLoc};
        // SAFETY: both are instructions.
        unsafe { LLVMInstructionSetDebugLoc(self.0, LLVMInstructionGetDebugLoc(from.0)) }
    }

    /// Attaches an empty metadata node of a kind (`invariant.load`).
    pub fn set_empty_metadata(self, context: &'c Context, kind: &str) {
        use super::ty::metadata_kind;
        // SAFETY: an empty node of the live context.
        unsafe {
            let node = LLVMMDNodeInContext2(context.raw(), std::ptr::null_mut(), 0);
            LLVMSetMetadata(self.0, metadata_kind(context, kind), LLVMMetadataAsValue(context.raw(), node));
        }
    }
}

/// Globals and functions.
impl<'c> Value<'c> {
    /// Whether a global has no body or initialiser here.
    pub fn is_declaration(self) -> bool {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMIsDeclaration(self.0) != 0 }
    }

    /// Linkage of a global.
    pub fn linkage(self) -> LLVMLinkage {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMGetLinkage(self.0) }
    }

    /// Sets the linkage of a global.
    pub fn set_linkage(self, linkage: LLVMLinkage) {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMSetLinkage(self.0, linkage) }
    }

    /// Gives a global default visibility.
    pub fn set_default_visibility(self) {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMSetVisibility(self.0, LLVMVisibility::LLVMDefaultVisibility) }
    }

    /// The section of a global, which may be empty.
    pub fn section(self) -> String {
        // SAFETY: callers ask it of globals; LLVM returns null or a C string.
        unsafe {
            let section = LLVMGetSection(self.0);
            if section.is_null() {
                return String::new();
            }
            std::ffi::CStr::from_ptr(section).to_string_lossy().into_owned()
        }
    }

    /// Sets the section of a global.
    pub fn set_section(self, section: &str) {
        let section = c_string(section);
        // SAFETY: callers ask it of globals.
        unsafe { LLVMSetSection(self.0, section.as_ptr()) }
    }

    /// The initialiser of a global variable.
    pub fn initializer(self) -> Option<Self> {
        // SAFETY: callers ask it of global variables.
        Self::some(unsafe { LLVMGetInitializer(self.0) })
    }

    /// Sets the initialiser of a global variable.
    pub fn set_initializer(self, value: Self) {
        // SAFETY: callers pass a constant of the variable's type.
        unsafe { LLVMSetInitializer(self.0, value.0) }
    }

    /// The type of a global's value.
    pub fn value_type(self) -> Type<'c> {
        // SAFETY: callers ask it of globals.
        Type::new(unsafe { LLVMGlobalGetValueType(self.0) })
    }

    /// Whether a global variable is constant.
    pub fn is_constant_variable(self) -> bool {
        // SAFETY: callers ask it of global variables.
        unsafe { LLVMIsGlobalConstant(self.0) != 0 }
    }

    /// Marks a global variable as constant.
    pub fn set_constant_variable(self) {
        // SAFETY: callers ask it of global variables.
        unsafe { LLVMSetGlobalConstant(self.0, 1) }
    }

    /// Whether a variable is thread-local.
    pub fn is_thread_local(self) -> bool {
        // SAFETY: callers ask it of global variables.
        unsafe { LLVMIsThreadLocal(self.0) != 0 }
    }

    /// Says that the address of a global does not matter.
    pub fn set_unnamed_address(self) {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMSetUnnamedAddress(self.0, LLVMUnnamedAddr::LLVMGlobalUnnamedAddr) }
    }

    /// The address of element `index` of a global array, as a constant.
    pub fn constant_element(self, index: u64) -> Self {
        let word = self.value_type().element().unwrap_or_else(|| self.value_type());
        // SAFETY: callers ask it of global arrays; the index is a constant of the word's context.
        unsafe {
            let context = LLVMGetTypeContext(word.0);
            let mut indices = [
                LLVMConstInt(LLVMInt64TypeInContext(context), 0, 0),
                LLVMConstInt(LLVMInt64TypeInContext(context), index, 0),
            ];
            Self::new(LLVMConstInBoundsGEP2(self.value_type().0, self.0, indices.as_mut_ptr(), 2))
        }
    }

    /// Removes a global variable that nothing uses.
    pub fn delete_global(self) {
        // SAFETY: callers ask it of unused global variables; self is not used again.
        unsafe { LLVMDeleteGlobal(self.0) }
    }

    /// Removes a function that nothing uses.
    pub fn delete_function(self) {
        // SAFETY: callers ask it of unused functions; self is not used again.
        unsafe { LLVMDeleteFunction(self.0) }
    }

    /// The blocks of a function.
    pub fn blocks(self) -> Vec<Block<'c>> {
        let mut found = Vec::new();
        // SAFETY: self is a function; the list is followed by LLVM's own links.
        unsafe {
            let mut next = LLVMGetFirstBasicBlock(self.0);
            while !next.is_null() {
                found.push(Block::new(next));
                next = LLVMGetNextBasicBlock(next);
            }
        }
        found
    }

    /// All instructions of a function.
    pub fn instructions(self) -> Vec<Self> {
        self.blocks().into_iter().flat_map(Block::instructions).collect()
    }

    /// The parameters of a function.
    pub fn parameters(self) -> Vec<Self> {
        // SAFETY: self is a function and the indices are in range.
        unsafe { (0..LLVMCountParams(self.0)).map(|index| Self::new(LLVMGetParam(self.0, index))).collect() }
    }

    /// Number of LLVM's intrinsic that a function is, or 0.
    pub fn intrinsic_id(self) -> u32 {
        // SAFETY: callers ask it of functions.
        unsafe { LLVMGetIntrinsicID(self.0) }
    }

    /// Calling convention of a function.
    pub fn set_calling_convention(self, convention: u32) {
        // SAFETY: callers ask it of functions.
        unsafe { LLVMSetFunctionCallConv(self.0, convention) }
    }

    /// Adds an attribute without a value (`noreturn`) to a function.
    pub fn add_attribute(self, context: &'c Context, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a function and the kind is LLVM's for the name.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            debug_assert!(kind != 0, "no such attribute");
            let attribute = LLVMCreateEnumAttribute(context.raw(), kind, 0);
            LLVMAddAttributeAtIndex(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, attribute);
        }
    }

    /// Removes an attribute of LLVM's by name.
    pub fn remove_attribute(self, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a function; an attribute that is not there is no error.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            LLVMRemoveEnumAttributeAtIndex(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, kind);
        }
    }

    /// Value of a textual attribute (`"target-cpu"`, `"dontcall-error"`) of a function.
    pub fn text_attribute(self, name: &str) -> Option<String> {
        // SAFETY: self is a function; the pointer and length describe the name.
        unsafe {
            let index = inkwell::llvm_sys::LLVMAttributeFunctionIndex;
            let found = LLVMGetStringAttributeAtIndex(self.0, index, name.as_ptr().cast(), name.len() as u32);
            if found.is_null() {
                return None;
            }
            let mut length = 0;
            let value = LLVMGetStringAttributeValue(found, &mut length);
            Some(copied(value, length as usize))
        }
    }

    /// Removes a textual attribute of a function.
    pub fn remove_text_attribute(self, name: &str) {
        // SAFETY: self is a function; the pointer and length describe the name.
        unsafe {
            let index = inkwell::llvm_sys::LLVMAttributeFunctionIndex;
            LLVMRemoveStringAttributeAtIndex(self.0, index, name.as_ptr().cast(), name.len() as u32);
        }
    }
}
