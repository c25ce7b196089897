// SPDX-License-Identifier: MIT OR Apache-2.0

//! What coverage must not fall below: data, so that a better figure raises it without a change of code.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Result;

const FLOORS: &str = include_str!("../floors.json");

/// A kernel's floor.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Floor {
    /// Functions of the headers that compile, in percent.
    pub compiled: f64,
    /// Functions of the headers that compile and reach nothing undefined, with what of the selection is in lib/, in percent.
    pub complete: f64,
    /// Named types of the headers that are compared with the kernel's type information.
    pub types: usize,
}

/// The floors, by the names of kernels.
///
/// # Errors
///
/// [`crate::Error::Floors`] if the list makes no sense.
pub fn floors() -> Result<BTreeMap<String, Floor>> {
    Ok(serde_json::from_str(FLOORS)?)
}
