// SPDX-License-Identifier: MIT OR Apache-2.0

//! The structures and constants that a program uses, compared with the kernel's type information.

use gpufas_abi::manifest::{Enumerator, Structure};
use gpufas_kernel::{ConstantComparison, StructureComparison, Types};

use crate::error::{Error, Result};

/// Compares structures with the kernel's.
///
/// # Errors
///
/// [`Error::Usage`] if the type information is corrupt.
pub fn compare(structures: &[Structure], types: &Types) -> Result<StructureComparison> {
    let comparison = types.compare_structures(structures.iter().map(Structure::parts));
    comparison.map_err(|error| Error::Usage(error.to_string()))
}

/// Compares constants of enumerations with the kernel's.
///
/// # Errors
///
/// [`Error::Usage`] if the type information is corrupt.
pub fn compare_constants(enumerators: &[Enumerator], types: &Types) -> Result<ConstantComparison> {
    let comparison = types.compare_constants(enumerators.iter().map(Enumerator::parts));
    comparison.map_err(|error| Error::Usage(error.to_string()))
}

/// The error for constants that differ, if any do.
///
/// # Errors
///
/// [`Error::Constants`] with both values of each.
pub fn refuse_constants(comparison: &ConstantComparison, release: &str) -> Result<()> {
    if comparison.different.is_empty() {
        return Ok(());
    }
    Err(Error::Constants {
        release: release.to_owned(),
        names: comparison.names(),
        table: comparison.table(),
    })
}

/// The error for structures that differ, if any do.
///
/// # Errors
///
/// [`Error::Layout`] with both layouts of each structure.
pub fn refuse(comparison: &StructureComparison, release: &str) -> Result<()> {
    if comparison.different.is_empty() {
        return Ok(());
    }
    Err(Error::Layout { release: release.to_owned(), names: comparison.names(), tables: comparison.tables() })
}
