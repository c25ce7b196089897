// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests: what the runtime does, against models that do the same in the plainest way.

mod budget;
mod clock;
mod copy;
mod function;
mod interrupt;
mod journal;
mod machine;
mod meaning;
mod memory;
mod page_table;
mod print;
mod program;
mod string;
mod text;
mod translate;
mod unaligned;
