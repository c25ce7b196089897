// SPDX-License-Identifier: MIT OR Apache-2.0

//! The `gpufas-cc` compiler driver.

fn main() {}
