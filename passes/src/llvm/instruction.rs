// SPDX-License-Identifier: MIT OR Apache-2.0

//! Instructions.

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{LLVMAtomicOrdering, LLVMAtomicRMWBinOp, LLVMIntPredicate, LLVMOpcode};

use super::{Block, Context, Type, Value, c_string};

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

    /// Whether it loads or stores through a pointer operand, other than by a call.
    pub fn is_memory_access(self) -> bool {
        self.is_instruction()
            && matches!(
                self.opcode(),
                Some(
                    LLVMOpcode::LLVMLoad
                        | LLVMOpcode::LLVMStore
                        | LLVMOpcode::LLVMAtomicRMW
                        | LLVMOpcode::LLVMAtomicCmpXchg
                )
            )
    }

    /// Whether it ends its block.
    pub fn is_terminator(self) -> bool {
        // SAFETY: self is alive; what is no terminator gives null.
        self.is_instruction() && unsafe { !LLVMIsATerminatorInst(self.0).is_null() }
    }

    /// The instruction before it in its block.
    pub fn previous_instruction(self) -> Option<Self> {
        // SAFETY: self is an instruction.
        Self::some(unsafe { LLVMGetPreviousInstruction(self.0) })
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

    /// The calls of a function.
    pub fn calls(self) -> Vec<Self> {
        self.users().into_iter().filter(|user| user.callee() == Some(self)).collect()
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

    /// The alignment in bytes that a call's `align` attribute gives for argument `index`.
    pub fn argument_alignment(self, index: u32) -> Option<u64> {
        let name = c"align";
        // SAFETY: self is a call; an attribute that is not there gives null, and this kind has a number.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.to_bytes().len());
            let found = LLVMGetCallSiteEnumAttribute(self.0, index + 1, kind);
            (!found.is_null()).then(|| LLVMGetEnumAttributeValue(found))
        }
    }

    /// Whether a division is known to leave no remainder.
    pub fn is_exact(self) -> bool {
        // SAFETY: callers ask it of divisions and shifts.
        unsafe { LLVMGetExact(self.0) != 0 }
    }

    /// The calling convention of a call.
    pub fn call_convention(self) -> u32 {
        // SAFETY: callers ask it of calls.
        unsafe { LLVMGetInstructionCallConv(self.0) }
    }

    /// The field that an `extractvalue` takes out of a structure, not of one in it.
    pub fn extracted_field(self) -> Option<u32> {
        if !self.is(LLVMOpcode::LLVMExtractValue) {
            return None;
        }
        // SAFETY: self is an extractvalue, whose list of indices has this length.
        unsafe { (LLVMGetNumIndices(self.0) == 1).then(|| *LLVMGetIndices(self.0)) }
    }

    /// Whether it is a call that never returns.
    pub fn never_returns(self) -> bool {
        let Some(callee) = self.callee() else { return false };
        let name = c"noreturn";
        // SAFETY: self is a call; an attribute that is not there gives null.
        let here = unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.to_bytes().len());
            !LLVMGetCallSiteEnumAttribute(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, kind)
                .is_null()
        };
        here || callee.is_function() && callee.has_attribute("noreturn")
    }

    /// The value of a constant, or of a local variable that clang stores a constant to once, and nothing else happens to.
    pub fn as_constant(self) -> Option<u64> {
        if !self.is(LLVMOpcode::LLVMLoad) {
            return self.as_unsigned();
        }
        let variable = self.operand(0).filter(|pointer| pointer.allocated_type().is_some())?;
        let mut stored = None;
        for user in variable.users() {
            match user.opcode()? {
                LLVMOpcode::LLVMLoad if user.ty() == self.ty() => {}
                LLVMOpcode::LLVMStore if stored.is_none() && user.operand(1) == Some(variable) => {
                    stored = Some(user.operand(0)?);
                }
                LLVMOpcode::LLVMCall if user.callee()?.name().starts_with("llvm.lifetime.") => {}
                _ => return None,
            }
        }
        stored.filter(|value| value.ty() == self.ty())?.as_unsigned()
    }

    /// Adds an attribute of LLVM's to argument `index` of a call.
    pub fn add_argument_attribute(self, context: &'c Context, index: u32, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a call with such an argument, and the kind is LLVM's for the name.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            let attribute = LLVMCreateEnumAttribute(context.raw(), kind, 0);
            LLVMAddCallSiteAttribute(self.0, index + 1, attribute);
        }
    }

    /// Adds an attribute of LLVM's to a call, for its callee.
    pub fn add_call_attribute(self, context: &'c Context, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a call, and the kind is LLVM's for the name.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            let attribute = LLVMCreateEnumAttribute(context.raw(), kind, 0);
            LLVMAddCallSiteAttribute(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, attribute);
        }
    }

    /// Removes an attribute of LLVM's that a call has for its callee.
    pub fn remove_call_attribute(self, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a call; an attribute that is not there is no error.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            LLVMRemoveCallSiteEnumAttribute(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, kind);
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

    /// Makes a load one that is relaxed towards the other threads of one device, and not volatile any more.
    pub fn set_relaxed_in_device(self, context: &'c Context) {
        let scope = c"device";
        // SAFETY: callers ask it of aligned loads of numbers and pointers; the scope's name is given with its length.
        unsafe {
            LLVMSetVolatile(self.0, 0);
            LLVMSetOrdering(self.0, LLVMAtomicOrdering::LLVMAtomicOrderingMonotonic);
            LLVMSetAtomicSyncScopeID(
                self.0,
                LLVMGetSyncScopeID(context.raw(), scope.as_ptr(), scope.to_bytes().len()),
            );
        }
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

    /// Adds incoming edges to a phi.
    pub fn add_incoming(self, edges: &[(Self, Block<'c>)]) {
        for (value, block) in edges {
            let (mut value, mut block) = (value.0, block.0);
            // SAFETY: callers ask it of phis, with values of their type.
            unsafe { LLVMAddIncoming(self.0, &mut value, &mut block, 1) }
        }
    }

    /// Takes over the debug location of another instruction.
    pub fn copy_debug_location(self, from: Self) {
        use inkwell::llvm_sys::debuginfo::{LLVMInstructionGetDebugLoc, LLVMInstructionSetDebugLoc};
        // SAFETY: both are instructions.
        unsafe { LLVMInstructionSetDebugLoc(self.0, LLVMInstructionGetDebugLoc(from.0)) }
    }

    /// Takes away the debug location.
    pub fn clear_debug_location(self) {
        use inkwell::llvm_sys::debuginfo::LLVMInstructionSetDebugLoc;
        // SAFETY: self is an instruction; null takes the location away.
        unsafe { LLVMInstructionSetDebugLoc(self.0, std::ptr::null_mut()) }
    }

    /// Makes a call one of another function, of the same type.
    pub fn set_callee(self, function: Self) {
        debug_assert!(self.is_call());
        self.set_operand(self.operand_count() - 1, function);
    }

    /// Whether it has metadata of a kind.
    pub fn has_metadata(self, context: &'c Context, kind: &str) -> bool {
        use super::ty::metadata_kind;
        // SAFETY: self is an instruction; what is not there is null.
        unsafe { !LLVMGetMetadata(self.0, metadata_kind(context, kind)).is_null() }
    }

    /// Takes away the metadata of a kind.
    pub fn remove_metadata(self, context: &'c Context, kind: &str) {
        use super::ty::metadata_kind;
        // SAFETY: self is an instruction; null takes the metadata away.
        unsafe { LLVMSetMetadata(self.0, metadata_kind(context, kind), std::ptr::null_mut()) }
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
