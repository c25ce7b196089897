// SPDX-License-Identifier: MIT OR Apache-2.0

//! The passes of GPUfas: IR to IR, nothing else. One module per pass; all of LLVM's C interface is behind
//! [`llvm`].
//!
//! The order in which they run, and why, is in [`pipeline`].

pub mod aliases;
mod atomic;
pub mod budget;
pub mod chain;
pub mod diagnostic;
pub mod effects;
pub mod entry_points;
pub mod flow_graph;
pub mod function_pointers;
pub mod initial_values;
mod intrinsic;
pub mod kernel_asm;
pub mod kernel_symbols;
pub mod labels;
pub mod layout;
pub mod llview;
pub mod llvm;
mod log_format;
pub mod marker;
pub mod memory_class;
pub mod pipeline;
pub mod program;
pub mod reachability;
pub mod relocate;
pub mod retarget;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod translate_once;
pub mod variadic;
pub mod warning;
