// SPDX-License-Identifier: MIT OR Apache-2.0

//! How much of a kernel's headers and sources gpufas-cc compiles.
//!
//! Two things are measured. Of the headers in `headers.c` every function that they define is compiled, called or not, and counts
//! only if neither it nor anything that it calls reaches what is refused. Of the kernel's sources whole files are compiled, to
//! relocatable code for both targets.

mod compiler;
mod error;
mod floors;
mod functions;
mod kernel;
mod table;

pub use compiler::{Compiled, Compiler};
pub use error::{Error, Result};
pub use floors::{Floor, floors};
pub use functions::{Functions, Total};
pub use kernel::{Headers, Measured, SELECTION, Sources, headers, measure, sources};
pub use table::table;
