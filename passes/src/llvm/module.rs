// SPDX-License-Identifier: MIT OR Apache-2.0

//! Modules.

use std::ffi::CStr;
use std::mem::ManuallyDrop;

use inkwell::llvm_sys::LLVMLinkage;
use inkwell::llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::linker::LLVMLinkModules2;
use inkwell::llvm_sys::prelude::{LLVMModuleRef, LLVMValueRef};
use inkwell::memory_buffer::MemoryBuffer;

use super::{Context, Type, Value, c_string, owned_message};

/// A module; inkwell owns it.
pub struct Module<'c> {
    inner: inkwell::module::Module<'c>,
    context: &'c Context,
}

impl<'c> Module<'c> {
    /// Takes over a module of `context`.
    pub fn new(context: &'c Context, inner: inkwell::module::Module<'c>) -> Self {
        Self { inner, context }
    }

    /// Reads LLVM IR in text. None if it is not valid.
    pub fn read_text(context: &'c Context, name: &str, text: &str) -> Option<Self> {
        let buffer = MemoryBuffer::create_from_memory_range_copy(text.as_bytes(), name);
        // clang has its context drop the names of values, and then LLVM reads no text.
        // SAFETY: a flag of a context that is alive.
        let drops_names = unsafe { LLVMContextShouldDiscardValueNames(context.raw()) };
        // SAFETY: as above.
        unsafe { LLVMContextSetDiscardValueNames(context.raw(), 0) };
        let read = context.create_module_from_ir(buffer);
        // SAFETY: as above.
        unsafe { LLVMContextSetDiscardValueNames(context.raw(), drops_names) };
        Some(Self::new(context, read.ok()?))
    }

    /// Calls `work` with a module that somebody else owns, in a context that somebody else owns. Neither is disposed of, even
    /// if `work` panics.
    ///
    /// # Safety
    ///
    /// The module must be alive, and used by nobody else during the call.
    pub unsafe fn with_borrowed<R>(raw: LLVMModuleRef, work: impl for<'m> FnOnce(&Module<'m>) -> R) -> R {
        // SAFETY: a module that is alive has a context that is.
        let context = ManuallyDrop::new(unsafe { Context::new(LLVMGetModuleContext(raw)) });
        // SAFETY: the caller's promise.
        let inner = unsafe { inkwell::module::Module::new(raw) };
        work(&ManuallyDrop::new(Module { inner, context: &context }))
    }

    pub(super) fn raw(&self) -> LLVMModuleRef {
        self.inner.as_mut_ptr()
    }

    /// inkwell's view of it.
    pub fn inner(&self) -> &inkwell::module::Module<'c> {
        &self.inner
    }

    /// The context.
    pub fn context(&self) -> &'c Context {
        self.context
    }

    fn list(
        &self,
        first: unsafe extern "C" fn(LLVMModuleRef) -> LLVMValueRef,
        next: unsafe extern "C" fn(LLVMValueRef) -> LLVMValueRef,
    ) -> Vec<Value<'c>> {
        let mut found = Vec::new();
        // SAFETY: the module is alive; the list is followed by LLVM's own links.
        unsafe {
            let mut value = first(self.raw());
            while !value.is_null() {
                found.push(Value::new(value));
                value = next(value);
            }
        }
        found
    }

    /// All functions, declarations included.
    pub fn functions(&self) -> Vec<Value<'c>> {
        self.list(LLVMGetFirstFunction, LLVMGetNextFunction)
    }

    /// All functions with a body.
    pub fn defined_functions(&self) -> Vec<Value<'c>> {
        self.functions().into_iter().filter(|function| !function.is_declaration()).collect()
    }

    /// All global variables.
    pub fn globals(&self) -> Vec<Value<'c>> {
        self.list(LLVMGetFirstGlobal, LLVMGetNextGlobal)
    }

    /// All aliases.
    pub fn aliases(&self) -> Vec<Value<'c>> {
        self.list(LLVMGetFirstGlobalAlias, LLVMGetNextGlobalAlias)
    }

    /// All indirect functions.
    pub fn ifuncs(&self) -> Vec<Value<'c>> {
        self.list(LLVMGetFirstGlobalIFunc, LLVMGetNextGlobalIFunc)
    }

    /// A function by name.
    pub fn function(&self, name: &str) -> Option<Value<'c>> {
        let name = c_string(name);
        // SAFETY: the module is alive.
        Value::some(unsafe { LLVMGetNamedFunction(self.raw(), name.as_ptr()) })
    }

    /// A global variable by name.
    pub fn global(&self, name: &str) -> Option<Value<'c>> {
        let name = c_string(name);
        // SAFETY: the module is alive.
        Value::some(unsafe { LLVMGetNamedGlobal(self.raw(), name.as_ptr()) })
    }

    /// The function of this name, declared if it is not there.
    pub fn declare_function(&self, name: &str, ty: Type<'c>) -> Value<'c> {
        self.function(name).unwrap_or_else(|| {
            let name = c_string(name);
            // SAFETY: the type is a function type of the module's context.
            Value::new(unsafe { LLVMAddFunction(self.raw(), name.as_ptr(), ty.0) })
        })
    }

    /// A new function; LLVM changes its name if it is taken.
    pub fn add_function(&self, name: &str, ty: Type<'c>) -> Value<'c> {
        let name = c_string(name);
        // SAFETY: the type is a function type of the module's context.
        Value::new(unsafe { LLVMAddFunction(self.raw(), name.as_ptr(), ty.0) })
    }

    /// The global variable of this name, declared if it is not there.
    pub fn declare_global(&self, name: &str, ty: Type<'c>) -> Value<'c> {
        self.global(name).unwrap_or_else(|| self.add_global(name, ty))
    }

    /// A new global variable; LLVM changes its name if it is taken.
    pub fn add_global(&self, name: &str, ty: Type<'c>) -> Value<'c> {
        let name = c_string(name);
        // SAFETY: the type is a sized type of the module's context.
        Value::new(unsafe { LLVMAddGlobal(self.raw(), ty.0, name.as_ptr()) })
    }

    /// Removes assembly at the level of the module.
    pub fn clear_inline_asm(&self) {
        // SAFETY: an empty text.
        unsafe { LLVMSetModuleInlineAsm2(self.raw(), c"".as_ptr(), 0) }
    }

    /// A name for the source file that no other file's has, made of letters, digits and underscores.
    pub fn unit(&self) -> String {
        let mut length = 0;
        // SAFETY: LLVM returns a pointer and its length.
        let source = unsafe {
            let name = LLVMGetSourceFileName(self.raw(), &mut length);
            super::copied(name, length)
        };
        let stem = source.rsplit('/').next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let stem = stem.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        // FNV-1a, 32 bits: the same for the same path, wherever and whenever it is compiled.
        let hash = source
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{stem}_{hash:08x}")
    }

    /// Sets the target triple.
    pub fn set_triple(&self, triple: &str) {
        let triple = c_string(triple);
        // SAFETY: a NUL-terminated string.
        unsafe { LLVMSetTarget(self.raw(), triple.as_ptr()) }
    }

    /// The target triple.
    pub fn triple(&self) -> String {
        self.inner.get_triple().as_str().to_string_lossy().into_owned()
    }

    /// Sets the data layout.
    pub fn set_data_layout(&self, layout: &str) {
        let layout = c_string(layout);
        // SAFETY: a NUL-terminated string.
        unsafe { LLVMSetDataLayout(self.raw(), layout.as_ptr()) }
    }

    /// The data layout.
    pub fn data_layout(&self) -> String {
        // SAFETY: LLVM returns a C string of the module's; inkwell would keep a pointer to one that was replaced.
        unsafe { CStr::from_ptr(LLVMGetDataLayoutStr(self.raw())).to_string_lossy().into_owned() }
    }

    /// Links another module of the same context into this one.
    ///
    /// LLVM reports what is wrong to the context's diagnostic handler.
    pub fn link(&self, other: Module<'c>) -> bool {
        let raw = other.raw();
        // The linker destroys the other module.
        std::mem::forget(other.inner);
        // SAFETY: both modules are of one context; the other is not used again.
        unsafe { LLVMLinkModules2(self.raw(), raw) == 0 }
    }

    /// Makes everything internal that `keep` does not name.
    pub fn internalise(&self, keep: impl Fn(&str) -> bool) {
        let functions = self.defined_functions();
        let globals = self.globals().into_iter().filter(|global| !global.is_declaration());
        for global in functions.into_iter().chain(globals) {
            if keep(&global.name()) {
                global.set_default_visibility();
            } else if global.linkage() != LLVMLinkage::LLVMPrivateLinkage
                && !global.name().starts_with("llvm.")
            {
                global.set_default_visibility();
                global.set_linkage(LLVMLinkage::LLVMInternalLinkage);
            }
        }
    }

    /// Removes all debug information.
    pub fn strip_debug(&self) {
        // SAFETY: the module is alive.
        unsafe { inkwell::llvm_sys::debuginfo::LLVMStripModuleDebugInfo(self.raw()) };
    }

    /// Adds bytes in a section of their own, which the linker keeps.
    pub fn add_bytes_in_section(&self, name: &str, section: &str, bytes: &[u8]) {
        let value = super::ty::constant_bytes(self.context, bytes, false);
        let global = self.add_global(name, value.ty());
        global.set_initializer(value);
        global.set_constant_variable(true);
        global.set_section(section);
        global.set_alignment(1);
    }

    /// Checks the module.
    ///
    /// # Errors
    ///
    /// What LLVM's verifier says.
    pub fn verify(&self) -> Result<(), String> {
        let mut message = std::ptr::null_mut();
        let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
        // SAFETY: the module is alive; the message is taken over.
        unsafe {
            let broken = LLVMVerifyModule(self.raw(), action, &mut message) != 0;
            let message = owned_message(message);
            if broken { Err(message) } else { Ok(()) }
        }
    }
}
