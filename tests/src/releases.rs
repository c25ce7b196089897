// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernels that a run of the tests uses.

use gpufas_guest::kernels::{KERNELS, KernelSpec};

use crate::bundle;

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

/// The kernels of the list on which techniques are tried: those of a bundle where there is one, else all, or those that are `often`
/// part of a run.
pub fn of_techniques(often: impl Fn(&KernelSpec) -> bool) -> Vec<&'static KernelSpec> {
    let is_run = |spec: &&KernelSpec| bundle::has_kernel(spec.name).unwrap_or(is_matrix() || often(spec));
    KERNELS.iter().filter(is_run).collect()
}
