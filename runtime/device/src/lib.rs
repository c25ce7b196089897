// SPDX-License-Identifier: MIT OR Apache-2.0

//! The runtime of GPUfas recovery programs: translation of kernel addresses, faults, stores with a
//! journal, copies, strings, `printk`, the loop budget.
//!
//! The crate is compiled to LLVM bitcode for two targets, `nvptx64-nvidia-cuda` and the x86-64 host, from
//! the same source; `gpufas-cc` links the bitcode into each translated program. What a program calls
//! stands in [`gpufas_abi::symbols::runtime`]; everything else is internal. The bitcode refers to nothing
//! outside itself but the program's own list of variables, so code here must not panic (no indexing that
//! the compiler cannot prove, no arithmetic that is checked by panicking) and must not copy or clear
//! memory in ways that become calls of `memcpy` or `memset` (memory is accessed volatile).
//!
//! The target's memory may be corrupt, hostile and in motion. Each access is checked, each loop is bounded
//! by a constant, by the budget or by a buffer of the program.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "nvptx64", feature(asm_experimental_arch))]

pub mod access;
pub mod allocation;
pub mod budget;
pub mod clock;
pub mod context;
pub mod copy;
pub mod fault;
pub mod function;
pub mod interrupt;
pub mod journal;
pub mod lifecycle;
pub mod lock;
pub mod log;
pub mod number;
pub mod own;
pub mod page_table;
pub mod physical;
pub mod print;
pub mod reader;
pub mod report;
pub mod section;
pub mod state;
pub mod string;
pub mod target;
pub mod text;
pub mod tlb;
pub mod translate;
pub mod tries;
pub mod unaligned;
pub mod warn;

#[cfg(test)]
mod tests;
