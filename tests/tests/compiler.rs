// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the compiler as a command: what it takes, what it makes, what it says, and how it fails.
//!
//! `cargo xtask test` sets what they need; alone: `GPUFAS_CC=target/release/gpufas-cc cargo test -p gpufas-tests --test
//! compiler`.

#[path = "compiler/accepted_but_wrong.rs"]
mod accepted_but_wrong;
#[path = "compiler/btf_header.rs"]
mod btf_header;
#[path = "compiler/damaged.rs"]
mod damaged;
#[path = "compiler/dependencies.rs"]
mod dependencies;
#[path = "compiler/diagnostics.rs"]
mod diagnostics;
#[path = "compiler/failures.rs"]
mod failures;
#[path = "compiler/functions.rs"]
mod functions;
#[path = "compiler/inputs.rs"]
mod inputs;
#[path = "compiler/kernels.rs"]
mod kernels;
#[path = "compiler/layout.rs"]
mod layout;
#[path = "compiler/messages.rs"]
mod messages;
#[path = "compiler/outputs.rs"]
mod outputs;
#[path = "compiler/relocatable.rs"]
mod relocatable;
#[path = "compiler/relocated_layout.rs"]
mod relocated_layout;
#[path = "compiler/scratch.rs"]
mod scratch;
#[path = "compiler/several_kernels.rs"]
mod several_kernels;
#[path = "compiler/sources.rs"]
mod sources;
#[path = "compiler/unusual.rs"]
mod unusual;
