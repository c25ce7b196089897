// SPDX-License-Identifier: MIT OR Apache-2.0

//! The `gpufas` command.

fn main() {}
