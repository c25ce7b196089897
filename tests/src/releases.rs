// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernels that a run of the tests uses.

use gpufas_guest::kernels::{KERNELS, KernelSpec};

/// Set where everything is asked for: `cargo xtask test --matrix`.
pub const MATRIX: &str = "GPUFAS_TEST_MATRIX";

/// Whether everything is asked for, not only what suits continuous integration.
pub fn is_matrix() -> bool {
    std::env::var_os(MATRIX).is_some()
}

/// The kernels: all of the list, or those of every run.
pub fn kernels() -> Vec<&'static KernelSpec> {
    KERNELS.iter().filter(|spec| spec.often || is_matrix()).collect()
}
