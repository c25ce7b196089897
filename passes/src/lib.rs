// SPDX-License-Identifier: MIT OR Apache-2.0

//! The passes of GPUfas: IR to IR, nothing else. One module per pass; all of LLVM's C interface is behind
//! [`llvm`].
//!
//! The order in which the compiler runs them, and why, is in the documentation of `gpufas-cc`'s pipeline.

pub mod budget;
pub mod diagnostic;
pub mod effects;
pub mod entry_points;
mod intrinsic;
pub mod kernel_asm;
pub mod kernel_symbols;
pub mod llview;
pub mod llvm;
pub mod marker;
pub mod memory_class;
pub mod program;
pub mod reachability;
pub mod retarget;
#[cfg(test)]
mod testing;
