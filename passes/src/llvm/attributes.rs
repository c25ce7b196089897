// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a function or a call is said to be, taken over to another one that takes its place.

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::{LLVMGetSubprogram, LLVMSetSubprogram};
use inkwell::llvm_sys::prelude::LLVMAttributeRef;
use inkwell::llvm_sys::{LLVMAttributeFunctionIndex, LLVMAttributeIndex, LLVMAttributeReturnIndex};

use super::Value;

/// What has attributes, as LLVM numbers it: return value and so many parameters.
fn values(parameters: u32) -> impl Iterator<Item = LLVMAttributeIndex> {
    std::iter::once(LLVMAttributeReturnIndex).chain(1..=parameters)
}

impl Value<'_> {
    /// Attributes of a function, its return value or one of its parameters.
    fn function_attributes(self, place: LLVMAttributeIndex) -> Vec<LLVMAttributeRef> {
        // SAFETY: callers ask it of functions; the buffer has room for all attributes of the place.
        unsafe {
            let count = LLVMGetAttributeCountAtIndex(self.0, place) as usize;
            let mut attributes = vec![std::ptr::null_mut(); count];
            LLVMGetAttributesAtIndex(self.0, place, attributes.as_mut_ptr());
            attributes
        }
    }

    /// Takes over calling convention and attributes of another function, whose parameters are the first of this one's.
    pub fn copy_function_attributes(self, from: Self) {
        // SAFETY: both are functions of one module, and the attributes are of its context.
        unsafe {
            LLVMSetFunctionCallConv(self.0, LLVMGetFunctionCallConv(from.0));
            for place in values(LLVMCountParams(from.0)).chain([LLVMAttributeFunctionIndex]) {
                for attribute in from.function_attributes(place) {
                    LLVMAddAttributeAtIndex(self.0, place, attribute);
                }
            }
        }
    }

    /// Takes over all but type, name and body of another function, whose parameters are the first of this one's.
    pub fn replace_function(self, from: Self) {
        self.copy_function_attributes(from);
        // SAFETY: both are functions of one module. A function has a subprogram of its own.
        unsafe {
            LLVMSetLinkage(self.0, LLVMGetLinkage(from.0));
            LLVMSetVisibility(self.0, LLVMGetVisibility(from.0));
            LLVMSetSection(self.0, LLVMGetSection(from.0));
            LLVMSetUnnamedAddress(self.0, LLVMGetUnnamedAddress(from.0));
            LLVMSetSubprogram(self.0, LLVMGetSubprogram(from.0));
            LLVMSetSubprogram(from.0, std::ptr::null_mut());
        }
    }

    /// Gives a call the calling convention of the function that it calls, and says how its arguments are passed.
    pub fn call_as_declared(self, callee: Self) {
        // SAFETY: self is a call of the function, and the attributes are of its context.
        unsafe {
            LLVMSetInstructionCallConv(self.0, LLVMGetFunctionCallConv(callee.0));
            for place in values(LLVMCountParams(callee.0)) {
                for attribute in callee.function_attributes(place) {
                    LLVMAddCallSiteAttribute(self.0, place, attribute);
                }
            }
        }
    }

    /// Takes over calling convention and attributes of another call, and those of its first `arguments` arguments.
    pub fn replace_call(self, from: Self, arguments: u32) {
        // SAFETY: both are calls with so many arguments; the buffer has room for all attributes of a place.
        unsafe {
            LLVMSetInstructionCallConv(self.0, LLVMGetInstructionCallConv(from.0));
            for place in values(arguments).chain([LLVMAttributeFunctionIndex]) {
                let count = LLVMGetCallSiteAttributeCount(from.0, place) as usize;
                let mut attributes: Vec<LLVMAttributeRef> = vec![std::ptr::null_mut(); count];
                LLVMGetCallSiteAttributes(from.0, place, attributes.as_mut_ptr());
                for attribute in attributes {
                    LLVMAddCallSiteAttribute(self.0, place, attribute);
                }
            }
        }
    }
}
