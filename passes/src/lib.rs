// SPDX-License-Identifier: MIT OR Apache-2.0

//! The passes of GPUfas: IR to IR, nothing else. One module per pass; all of LLVM's C interface is behind
//! [`llvm`].
//!
//! The order in which the compiler runs them, and why, is in the documentation of `gpufas-cc`'s pipeline.

pub mod diagnostic;
pub mod kernel_asm;
pub mod llvm;
pub mod marker;
pub mod program;
