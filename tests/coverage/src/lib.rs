// SPDX-License-Identifier: MIT OR Apache-2.0

//! How much of a kernel's headers and sources gpufas-cc compiles.
//!
//! Of the headers in `headers.c` every function that they define is compiled, called or not, and counts only if neither it nor
//! anything that it calls reaches what is refused; every named type is compared with the kernel's type information; and every
//! template of inline assembly is looked for among those that tests execute. Of the kernel's sources whole files are compiled, to
//! relocatable code for both targets.

pub mod assembly;
mod compiler;
mod configuration;
mod error;
mod floors;
mod functions;
mod kernel;
mod reasons;
mod table;
pub mod templates;

pub use compiler::{Compiled, Compiler, Types};
pub use configuration::Part;
pub use error::{Error, Result};
pub use floors::{Floor, floors};
pub use functions::{Functions, Total};
pub use kernel::{Headers, Measured, SELECTION, Sources, headers, measure, selection, types};
pub use reasons::Reasons;
pub use table::{overview, table};
