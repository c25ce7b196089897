// SPDX-License-Identifier: MIT OR Apache-2.0

//! All use of LLVM's C interface, behind small wrappers: one file per LLVM class.
//!
//! inkwell owns contexts, modules and buffers. Its typed values leave out what these passes are about
//! (inline assembly, `callbr`, debug locations, constant expressions), so values, types and the builder
//! have wrappers here: `Copy` handles that borrow the context. A handle of an erased value must not be
//! used again, as in LLVM itself.

mod attributes;
pub mod block;
pub mod builder;
pub mod debug;
pub mod debug_info;
pub mod diagnostics;
mod global;
pub mod inline_asm;
mod instruction;
mod kcfi;
pub mod machine;
mod metadata;
pub mod module;
pub mod pipeline;
pub mod ty;
pub mod value;

pub use block::Block;
pub use builder::Builder;
pub use inkwell::context::Context;
pub use inkwell::llvm_sys::prelude::LLVMModuleRef;
pub use inkwell::llvm_sys::{
    LLVMAtomicOrdering as Ordering, LLVMAtomicRMWBinOp as AtomicOp, LLVMIntPredicate as Predicate,
    LLVMLinkage as Linkage, LLVMOpcode as Opcode, LLVMValueKind as ValueKind,
};
pub use inline_asm::InlineAsm;
pub use module::Module;
pub use ty::Type;
pub use value::Value;

use std::ffi::{CStr, CString, c_char};

/// A C string of `text` up to its first NUL.
fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Copies `length` bytes of text that LLVM owns.
///
/// # Safety
///
/// `text` must be null or point to `length` bytes.
unsafe fn copied(text: *const c_char, length: usize) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes over a message that LLVM allocated.
///
/// # Safety
///
/// `message` must be null or a message that LLVM expects to be disposed of.
unsafe fn owned_message(message: *mut c_char) -> String {
    if message.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a NUL-terminated string of LLVM's, which is freed once.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        inkwell::llvm_sys::core::LLVMDisposeMessage(message);
        text
    }
}

/// Has LLVM read modules without a look at their debug information. Else it ends the process where a module is not valid, of
/// which [`Module::verify`] only says so. For the whole process; only a call before any module is read has an effect.
pub fn leave_debug_information() {
    let words = [c"gpufas", c"-disable-auto-upgrade-debug-info"].map(CStr::as_ptr);
    // SAFETY: two strings that live as long as the process; LLVM knows the option, else it would end the process.
    unsafe { inkwell::llvm_sys::support::LLVMParseCommandLineOptions(2, words.as_ptr(), std::ptr::null()) };
}

/// LLVM's version.
pub fn version() -> (u32, u32, u32) {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: three places for three numbers.
    unsafe { inkwell::llvm_sys::core::LLVMGetVersion(&mut major, &mut minor, &mut patch) };
    (major, minor, patch)
}
