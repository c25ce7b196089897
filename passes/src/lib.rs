// SPDX-License-Identifier: MIT OR Apache-2.0

//! LLVM passes.

pub mod llvm;
