// SPDX-License-Identifier: MIT OR Apache-2.0

//! Named metadata that holds text.

use inkwell::llvm_sys::core::*;

use super::{Module, c_string, copied};

impl Module<'_> {
    /// Adds a node of strings to named metadata.
    pub fn add_text_metadata(&self, name: &str, words: &[&str]) {
        let name = c_string(name);
        // SAFETY: the nodes are made in the module's own context, from strings with their lengths.
        unsafe {
            let context = self.context().raw();
            let mut strings: Vec<_> = words
                .iter()
                .map(|word| LLVMMDStringInContext2(context, word.as_ptr().cast(), word.len()))
                .collect();
            let node = LLVMMDNodeInContext2(context, strings.as_mut_ptr(), strings.len());
            LLVMAddNamedMetadataOperand(self.raw(), name.as_ptr(), LLVMMetadataAsValue(context, node));
        }
    }

    /// The nodes of named metadata, each as its strings.
    pub fn text_metadata(&self, name: &str) -> Vec<Vec<String>> {
        let name = c_string(name);
        // SAFETY: the buffers have room for what LLVM counts; an operand that is no string gives null.
        unsafe {
            let count = LLVMGetNamedMetadataNumOperands(self.raw(), name.as_ptr()) as usize;
            let mut nodes = vec![std::ptr::null_mut(); count];
            LLVMGetNamedMetadataOperands(self.raw(), name.as_ptr(), nodes.as_mut_ptr());
            nodes
                .into_iter()
                .map(|node| {
                    let mut operands = vec![std::ptr::null_mut(); LLVMGetMDNodeNumOperands(node) as usize];
                    LLVMGetMDNodeOperands(node, operands.as_mut_ptr());
                    operands
                        .into_iter()
                        .filter(|operand| !operand.is_null())
                        .map(|operand| {
                            let mut length = 0;
                            let text = LLVMGetMDString(operand, &mut length);
                            copied(text, length as usize)
                        })
                        .collect()
                })
                .collect()
        }
    }
}
