// SPDX-License-Identifier: MIT OR Apache-2.0

//! Draws what benchmarks have measured: the form of their results ([`results`]), what is to be seen of them ([`recovery`]),
//! pictures ([`figure`]) as SVG and PNG, and the document around them ([`document`]). Fonts are those of a crate, so
//! that the pictures are the same on every machine.

pub mod document;
pub mod error;
pub mod figure;
pub mod files;
pub mod outcome;
pub mod recovery;
pub mod results;
mod scale;

pub use error::{Error, Result};
