// SPDX-License-Identifier: MIT OR Apache-2.0

//! Global variables and functions.

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::{LLVMLinkage, LLVMUnnamedAddr, LLVMVisibility};

use super::attributes::text_attribute;
use super::{Block, Context, Type, Value, c_string, copied};

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

    /// Gives a global protected visibility: other modules see it, and cannot put their own in its place, so that this one reaches it
    /// without a detour (LLVM Language Reference, "Visibility Styles").
    pub fn set_protected_visibility(self) {
        // SAFETY: callers ask it of globals.
        unsafe { LLVMSetVisibility(self.0, LLVMVisibility::LLVMProtectedVisibility) }
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

    /// Makes a global variable one that is defined elsewhere.
    pub fn remove_initializer(self) {
        // SAFETY: callers ask it of global variables; null takes the initialiser away.
        unsafe { LLVMSetInitializer(self.0, std::ptr::null_mut()) }
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

    /// Says whether a global variable is constant.
    pub fn set_constant_variable(self, constant: bool) {
        // SAFETY: callers ask it of global variables.
        unsafe { LLVMSetGlobalConstant(self.0, i32::from(constant)) }
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

    /// The address of a global as a constant of another pointer type.
    pub fn constant_cast_address_space(self, ty: Type<'c>) -> Self {
        // SAFETY: callers ask it of globals, and pass a pointer type of another address space.
        Self::new(unsafe { LLVMConstAddrSpaceCast(self.0, ty.0) })
    }

    /// What an alias stands for.
    pub fn aliasee(self) -> Option<Self> {
        // SAFETY: callers ask it of aliases.
        Self::some(unsafe { LLVMAliasGetAliasee(self.0) })
    }

    /// The function that chooses an indirect function's address.
    pub fn resolver(self) -> Option<Self> {
        // SAFETY: callers ask it of indirect functions.
        Self::some(unsafe { LLVMGetGlobalIFuncResolver(self.0) })
    }

    /// Removes an indirect function that nothing uses.
    pub fn delete_ifunc(self) {
        // SAFETY: callers ask it of unused indirect functions; self is not used again.
        unsafe { LLVMEraseGlobalIFunc(self.0) }
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

    /// The calling convention of a function.
    pub fn calling_convention(self) -> u32 {
        // SAFETY: callers ask it of functions.
        unsafe { LLVMGetFunctionCallConv(self.0) }
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

    /// Whether a function has an attribute of LLVM's.
    pub fn has_attribute(self, name: &str) -> bool {
        let name = c_string(name);
        // SAFETY: self is a function; an attribute that is not there gives null.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            let index = inkwell::llvm_sys::LLVMAttributeFunctionIndex;
            !LLVMGetEnumAttributeAtIndex(self.0, index, kind).is_null()
        }
    }

    /// Whether parameter `index` of a function has an attribute of LLVM's.
    pub fn parameter_has_attribute(self, index: u32, name: &str) -> bool {
        let name = c_string(name);
        // SAFETY: self is a function; an attribute that is not there gives null.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            !LLVMGetEnumAttributeAtIndex(self.0, index + 1, kind).is_null()
        }
    }

    /// Removes an attribute of LLVM's from parameter `index` of a function.
    pub fn remove_parameter_attribute(self, index: u32, name: &str) {
        let name = c_string(name);
        // SAFETY: self is a function; an attribute that is not there is no error.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.as_bytes().len());
            LLVMRemoveEnumAttributeAtIndex(self.0, index + 1, kind);
        }
    }

    /// Says that a function neither reads nor writes memory.
    pub fn set_accesses_no_memory(self, context: &'c Context) {
        let name = c"memory";
        // SAFETY: self is a function; the value of this attribute is a set of effects, and 0 is the empty set.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr(), name.to_bytes().len());
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

    /// Gives a function a textual attribute without a value.
    pub fn add_text_attribute(self, context: &'c Context, name: &str) {
        self.add_text_attribute_with_value(context, name, "");
    }

    /// Gives a function a textual attribute.
    pub fn add_text_attribute_with_value(self, context: &'c Context, name: &str, value: &str) {
        let attribute = text_attribute(context, name, value);
        // SAFETY: self is a function, and the attribute is of its context.
        unsafe {
            LLVMAddAttributeAtIndex(self.0, inkwell::llvm_sys::LLVMAttributeFunctionIndex, attribute);
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
