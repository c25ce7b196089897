// SPDX-License-Identifier: MIT OR Apache-2.0

//! Development tasks.

fn main() {}
