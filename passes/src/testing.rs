// SPDX-License-Identifier: MIT OR Apache-2.0

//! Modules for tests.

use inkwell::memory_buffer::MemoryBuffer;

use crate::llvm::{Context, Module};

/// Reads a module from IR in the layout of x86-64.
pub fn module<'c>(context: &'c Context, text: &str) -> Module<'c> {
    let layout = "target datalayout = \"e-m:e-i64:64-i128:128-f80:128-n8:16:32:64-S128\"\n";
    let buffer = MemoryBuffer::create_from_memory_range_copy(format!("{layout}{text}").as_bytes(), "test.ll");
    let module = context.create_module_from_ir(buffer).unwrap_or_else(|error| panic!("{error}"));
    Module::new(context, module)
}
