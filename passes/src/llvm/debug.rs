// SPDX-License-Identifier: MIT OR Apache-2.0

//! Debug locations, read as source positions.

use std::ffi::CStr;

use gpufas_abi::manifest::{Frame, Site};
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::debuginfo::*;
use inkwell::llvm_sys::prelude::{LLVMContextRef, LLVMMetadataRef};

use super::{Context, Module, Value, copied};

/// Longest chain of scopes or inlining steps that is followed.
const LONGEST_CHAIN: usize = 256;

/// Where `instruction` comes from, with the chain of calls through which it was inlined.
pub fn site(context: &Context, instruction: Value<'_>) -> Site {
    // A constant or a parameter has none, and LLVM does not ask what it is given.
    if !instruction.is_instruction() {
        return Site::default();
    }
    // SAFETY: the instruction is alive; a null location is handled.
    let location = unsafe { LLVMInstructionGetDebugLoc(instruction.0) };
    if location.is_null() {
        let function = instruction.function().map(|function| function.name()).unwrap_or_default();
        return Site { function, ..Site::default() };
    }
    let mut frames = vec![frame(context.raw(), location)];
    let mut next = location;
    while frames.len() <= LONGEST_CHAIN {
        // SAFETY: next is a location.
        next = unsafe { LLVMDILocationGetInlinedAt(next) };
        if next.is_null() {
            break;
        }
        frames.push(frame(context.raw(), next));
    }
    // What was merged of two places has line 0 in the scope that both lie in (LLVM's HowToUpdateDebugInfo): where that was inlined
    // is the nearest place that is known.
    let known = frames.iter().position(|frame| frame.line > 0).unwrap_or(0);
    let mut frames = frames.into_iter().skip(known);
    let innermost = frames.next().unwrap_or_default();
    Site {
        file: innermost.file,
        line: innermost.line,
        column: innermost.column,
        function: innermost.function,
        inlined_at: frames.collect(),
        what: String::new(),
    }
}

/// Where a function is defined; only its name is known of one without debug information.
pub fn function_site(function: Value<'_>) -> Site {
    let mut site = Site { function: function.name(), ..Site::default() };
    if function.is_function() {
        // SAFETY: self is a function; one without debug information gives null, and a subprogram is a scope with a line.
        unsafe {
            let subprogram = LLVMGetSubprogram(function.0);
            if !subprogram.is_null() {
                site.file = file_of(subprogram);
                site.line = LLVMDISubprogramGetLine(subprogram);
                site.column = u32::from(site.line > 0);
            }
        }
    }
    site
}

/// The source files that a module was compiled from, without headers.
pub fn source_files(module: &Module<'_>) -> Vec<String> {
    const UNITS: &CStr = c"llvm.dbg.cu";
    // SAFETY: the buffer has room for what LLVM counts; the operands of this list are compile units, which are scopes.
    unsafe {
        let count = LLVMGetNamedMetadataNumOperands(module.raw(), UNITS.as_ptr()) as usize;
        let mut units = vec![std::ptr::null_mut(); count];
        LLVMGetNamedMetadataOperands(module.raw(), UNITS.as_ptr(), units.as_mut_ptr());
        units.into_iter().map(|unit| file_of(LLVMValueAsMetadata(unit))).collect()
    }
}

/// Name of the file of a scope.
///
/// # Safety
///
/// `scope` must be metadata of a scope.
unsafe fn file_of(scope: LLVMMetadataRef) -> String {
    let mut length = 0;
    // SAFETY: the caller's promise; a file's name has the length that LLVM says.
    unsafe {
        let file = LLVMDIScopeGetFile(scope);
        if file.is_null() {
            return String::new();
        }
        let name = LLVMDIFileGetFilename(file, &mut length);
        copied(name, length as usize)
    }
}

/// The position that one location names, without its inlining chain.
fn frame(context: LLVMContextRef, location: LLVMMetadataRef) -> Frame {
    // SAFETY: location is a location, so it has a scope.
    unsafe {
        let scope = LLVMDILocationGetScope(location);
        Frame {
            file: file_of(scope),
            line: LLVMDILocationGetLine(location),
            column: LLVMDILocationGetColumn(location),
            function: function_of(context, scope),
        }
    }
}

/// Name of the function that a scope lies in.
///
/// The C interface reads no names of scopes, but the operands of metadata nodes: a `DISubprogram` has its name as
/// operand 2, a lexical block its enclosing scope as operand 1 (LLVM, IR/DebugInfoMetadata.h).
fn function_of(context: LLVMContextRef, scope: LLVMMetadataRef) -> String {
    let mut scope = scope;
    for _ in 0..LONGEST_CHAIN {
        // SAFETY: scope is metadata of the live context; operand counts are checked before indexing.
        unsafe {
            let kind = LLVMGetMetadataKind(scope);
            let node = LLVMMetadataAsValue(context, scope);
            let mut operands = vec![std::ptr::null_mut(); LLVMGetMDNodeNumOperands(node) as usize];
            LLVMGetMDNodeOperands(node, operands.as_mut_ptr());
            let is_subprogram = matches!(kind, LLVMMetadataKind::LLVMDISubprogramMetadataKind);
            let Some(operand) = operands.get(if is_subprogram { 2 } else { 1 }) else { break };
            if operand.is_null() {
                break;
            }
            if is_subprogram {
                let mut length = 0;
                let name = LLVMGetMDString(*operand, &mut length);
                return copied(name, length as usize);
            }
            scope = LLVMValueAsMetadata(*operand);
        }
    }
    String::new()
}
