// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a function or a call is said to be, taken over to another one that takes its place.

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::{LLVMGetSubprogram, LLVMSetSubprogram};
use inkwell::llvm_sys::prelude::LLVMAttributeRef;
use inkwell::llvm_sys::{
    LLVMAttributeFunctionIndex, LLVMAttributeIndex, LLVMAttributeReturnIndex, LLVMTailCallKind,
};

use super::{Context, Value, c_string};

/// What has attributes, as LLVM numbers it: return value and so many parameters.
fn values(parameters: u32) -> impl Iterator<Item = LLVMAttributeIndex> {
    std::iter::once(LLVMAttributeReturnIndex).chain(1..=parameters)
}

/// An attribute that is a name and a text.
pub(super) fn text_attribute(context: &Context, name: &str, value: &str) -> LLVMAttributeRef {
    // SAFETY: the attribute is made in the live context, from texts with their lengths.
    unsafe {
        LLVMCreateStringAttribute(
            context.raw(),
            name.as_ptr().cast(),
            name.len() as u32,
            value.as_ptr().cast(),
            value.len() as u32,
        )
    }
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

    /// Removes all that a call says beside its operands: attributes, and that nothing of its caller's is needed any more.
    pub fn forget_call_attributes(self) {
        // SAFETY: self is a call; the buffer has room for all attributes of a place.
        unsafe {
            LLVMSetTailCallKind(self.0, LLVMTailCallKind::LLVMTailCallKindNone);
            for place in values(LLVMGetNumArgOperands(self.0)).chain([LLVMAttributeFunctionIndex]) {
                let count = LLVMGetCallSiteAttributeCount(self.0, place) as usize;
                let mut attributes: Vec<LLVMAttributeRef> = vec![std::ptr::null_mut(); count];
                LLVMGetCallSiteAttributes(self.0, place, attributes.as_mut_ptr());
                for attribute in attributes {
                    if LLVMIsStringAttribute(attribute) != 0 {
                        let mut length = 0;
                        let name = LLVMGetStringAttributeKind(attribute, &mut length);
                        LLVMRemoveCallSiteStringAttribute(self.0, place, name, length);
                    } else {
                        // Attributes that name a type (`byval`) are found by their kind as well.
                        let kind = LLVMGetEnumAttributeKind(attribute);
                        LLVMRemoveCallSiteEnumAttribute(self.0, place, kind);
                    }
                }
            }
        }
    }

    /// Gives a call the calling convention of a function, and of its attributes those by which values are passed.
    pub fn pass_as_declared(self, callee: Self) {
        // How the System V ABI for AMD64 passes values, as clang says it to LLVM.
        const PASSING: &[&str] = &["byval", "sret", "signext", "zeroext", "inreg"];
        // SAFETY: self is a call of the function, and the attributes are of its context.
        unsafe {
            LLVMSetInstructionCallConv(self.0, LLVMGetFunctionCallConv(callee.0));
            for place in values(LLVMCountParams(callee.0)) {
                for name in PASSING {
                    let name = c_string(name);
                    let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
                    let attribute = LLVMGetEnumAttributeAtIndex(callee.0, place, kind);
                    if !attribute.is_null() {
                        LLVMAddCallSiteAttribute(self.0, place, attribute);
                    }
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
