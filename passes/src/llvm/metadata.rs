// SPDX-License-Identifier: MIT OR Apache-2.0

//! Metadata that holds text: named, and attached to functions and variables.

use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::{LLVMMetadataRef, LLVMValueRef};

use super::ty::metadata_kind;
use super::{Context, Module, Value, c_string, copied};

/// A node of strings.
fn text_node(context: &Context, words: &[&str]) -> LLVMMetadataRef {
    // SAFETY: the node is made in the live context, from strings with their lengths.
    unsafe {
        let mut strings: Vec<_> = words
            .iter()
            .map(|word| LLVMMDStringInContext2(context.raw(), word.as_ptr().cast(), word.len()))
            .collect();
        LLVMMDNodeInContext2(context.raw(), strings.as_mut_ptr(), strings.len())
    }
}

/// The operands of a node.
///
/// # Safety
///
/// `node` must be a metadata node as a value.
unsafe fn operands(node: LLVMValueRef) -> Vec<LLVMValueRef> {
    // SAFETY: the buffer has room for what LLVM counts.
    unsafe {
        let mut operands = vec![std::ptr::null_mut(); LLVMGetMDNodeNumOperands(node) as usize];
        LLVMGetMDNodeOperands(node, operands.as_mut_ptr());
        operands.retain(|operand| !operand.is_null());
        operands
    }
}

/// The strings of a node.
///
/// # Safety
///
/// `node` must be a metadata node as a value.
unsafe fn texts(node: LLVMValueRef) -> Vec<String> {
    // SAFETY: the caller's promise; an operand that is no string gives null.
    let words = unsafe { operands(node) }.into_iter().map(|operand| unsafe {
        let mut length = 0;
        let text = LLVMGetMDString(operand, &mut length);
        copied(text, length as usize)
    });
    words.collect()
}

impl<'c> Value<'c> {
    /// Attaches a list of nodes of strings to a function or variable, in the place of what it has of this kind.
    pub fn set_text_attachment(self, context: &'c Context, kind: &str, nodes: &[Vec<String>]) {
        let mut nodes: Vec<_> = nodes
            .iter()
            .map(|words| text_node(context, &words.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        // SAFETY: self is a function or variable; the nodes are of the live context.
        unsafe {
            let list = LLVMMDNodeInContext2(context.raw(), nodes.as_mut_ptr(), nodes.len());
            LLVMGlobalSetMetadata(self.0, metadata_kind(context, kind), list);
        }
    }

    /// The list of nodes of strings that is attached to a function or variable.
    pub fn text_attachment(self, context: &'c Context, kind: &str) -> Option<Vec<Vec<String>>> {
        let list = self.attachment(metadata_kind(context, kind))?;
        // SAFETY: what is attached is a node, and so are its operands, but for what somebody else attached.
        unsafe {
            let nodes = operands(LLVMMetadataAsValue(context.raw(), list));
            let is_node = |node: &LLVMValueRef| {
                LLVMGetMDString(*node, &mut 0).is_null()
                    && LLVMGetValueKind(*node) == super::ValueKind::LLVMMetadataAsValueValueKind
            };
            Some(nodes.into_iter().filter(is_node).map(|node| texts(node)).collect())
        }
    }

    /// Removes what is attached to a function or variable.
    pub fn remove_attachment(self, context: &'c Context, kind: &str) {
        // SAFETY: self is a function or variable; a kind that is not there is no error.
        unsafe { LLVMGlobalEraseMetadata(self.0, metadata_kind(context, kind)) }
    }

    /// What of a kind is attached to a function or variable.
    pub(super) fn attachment(self, kind: u32) -> Option<LLVMMetadataRef> {
        let mut count = 0;
        // SAFETY: self is a function or variable; the entries are read up to their count and freed once.
        unsafe {
            let entries = LLVMGlobalCopyAllMetadata(self.0, &mut count);
            let found = (0..count)
                .filter_map(|index| u32::try_from(index).ok())
                .find(|&index| LLVMValueMetadataEntriesGetKind(entries, index) == kind)
                .map(|index| LLVMValueMetadataEntriesGetMetadata(entries, index));
            LLVMDisposeValueMetadataEntries(entries);
            found
        }
    }
}

impl Module<'_> {
    /// Adds a node of strings to named metadata.
    pub fn add_text_metadata(&self, name: &str, words: &[&str]) {
        let name = c_string(name);
        let node = text_node(self.context(), words);
        // SAFETY: the node is of the module's own context.
        unsafe {
            let node = LLVMMetadataAsValue(self.context().raw(), node);
            LLVMAddNamedMetadataOperand(self.raw(), name.as_ptr(), node);
        }
    }

    /// The nodes of named metadata, each as its strings.
    pub fn text_metadata(&self, name: &str) -> Vec<Vec<String>> {
        let name = c_string(name);
        // SAFETY: the buffer has room for what LLVM counts; operands of named metadata are nodes.
        unsafe {
            let count = LLVMGetNamedMetadataNumOperands(self.raw(), name.as_ptr()) as usize;
            let mut nodes = vec![std::ptr::null_mut(); count];
            LLVMGetNamedMetadataOperands(self.raw(), name.as_ptr(), nodes.as_mut_ptr());
            nodes.into_iter().map(|node| texts(node)).collect()
        }
    }
}
