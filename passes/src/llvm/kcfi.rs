// SPDX-License-Identifier: MIT OR Apache-2.0

//! Types of functions as C has them, which LLVM's do not tell apart: clang says them with `-fsanitize=kcfi` (LLVM Language
//! Reference, "'kcfi_type' Metadata" and "KCFI Operand Bundles").

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{LLVMAttributeFunctionIndex, LLVMOpcode};

use super::attributes::text_attribute;
use super::ty::metadata_kind;
use super::{Builder, Context, Value, copied};

/// The metadata's name.
const TYPE: &str = "kcfi_type";

/// The bundle's tag.
const BUNDLE: &str = "kcfi";

impl<'c> Value<'c> {
    /// The number of a function's C type.
    pub fn function_kcfi_type(self, context: &'c Context) -> Option<u64> {
        let node = self.attachment(metadata_kind(context, TYPE))?;
        // SAFETY: what is attached is a node; its operand is read if it has one.
        let number = unsafe {
            let node = LLVMMetadataAsValue(context.raw(), node);
            let mut operand = std::ptr::null_mut();
            if LLVMGetMDNodeNumOperands(node) == 1 {
                LLVMGetMDNodeOperands(node, &mut operand);
            }
            Self::some(operand)
        };
        number?.as_constant()
    }

    /// Takes the number of its C type from a function.
    pub fn take_function_kcfi_type(self, context: &'c Context) -> Option<u64> {
        let number = self.function_kcfi_type(context)?;
        self.remove_attachment(context, TYPE);
        Some(number)
    }

    /// Takes the number of the C type that it calls from a call: another call takes its place, without the operand bundle. None
    /// for a call without one.
    pub fn take_call_kcfi_type(self, context: &'c Context) -> Option<(Self, u64)> {
        let number = self.kcfi_bundle()?;
        let builder = Builder::before(context, self);
        let arguments = self.arguments();
        let call = builder.call(self.called_type(), self.callee()?, &arguments);
        call.replace_call(self, u32::try_from(arguments.len()).ok()?);
        call.copy_debug_location(self);
        // SAFETY: both are calls; the entries are read up to their count and freed once.
        unsafe {
            LLVMSetTailCallKind(call.0, LLVMGetTailCallKind(self.0));
            let mut count = 0;
            let entries = LLVMInstructionGetAllMetadataOtherThanDebugLoc(self.0, &mut count);
            for index in (0..count).filter_map(|index| u32::try_from(index).ok()) {
                let kind = LLVMValueMetadataEntriesGetKind(entries, index);
                let node = LLVMValueMetadataEntriesGetMetadata(entries, index);
                LLVMSetMetadata(call.0, kind, LLVMMetadataAsValue(context.raw(), node));
            }
            LLVMDisposeValueMetadataEntries(entries);
        }
        if self.is_used() {
            self.replace_all_uses_with(call);
        }
        self.erase();
        Some((call, number))
    }

    /// The number in the operand bundle of a call that has no other.
    fn kcfi_bundle(self) -> Option<u64> {
        if !self.is(LLVMOpcode::LLVMCall) {
            return None;
        }
        // SAFETY: self is a call; the bundle is there, is read before it is freed, and its argument belongs to the call.
        let number = unsafe {
            if LLVMGetNumOperandBundles(self.0) != 1 {
                return None;
            }
            let bundle = LLVMGetOperandBundleAtIndex(self.0, 0);
            let mut length = 0;
            let tag = LLVMGetOperandBundleTag(bundle, &mut length);
            let is_one = copied(tag, length) == BUNDLE && LLVMGetNumOperandBundleArgs(bundle) == 1;
            let number = is_one.then(|| LLVMGetOperandBundleArgAtIndex(bundle, 0));
            LLVMDisposeOperandBundle(bundle);
            number
        };
        Self::some(number?)?.as_constant()
    }

    /// Says something of a call that optimisations keep.
    pub fn add_call_text_attribute(self, context: &'c Context, name: &str, value: &str) {
        let attribute = text_attribute(context, name, value);
        // SAFETY: self is a call, and the attribute is of its context.
        unsafe { LLVMAddCallSiteAttribute(self.0, LLVMAttributeFunctionIndex, attribute) }
    }

    /// What is said of a call under that name.
    pub fn call_text_attribute(self, name: &str) -> Option<String> {
        let length = u32::try_from(name.len()).ok()?;
        // SAFETY: self is a call; the attribute is read if there is one.
        unsafe {
            let attribute = LLVMGetCallSiteStringAttribute(
                self.0,
                LLVMAttributeFunctionIndex,
                name.as_ptr().cast(),
                length,
            );
            if attribute.is_null() {
                return None;
            }
            let mut length = 0;
            let value = LLVMGetStringAttributeValue(attribute, &mut length);
            Some(copied(value, length as usize))
        }
    }
}
