// SPDX-License-Identifier: MIT OR Apache-2.0

//! The documented table of reasons for which functions are refused.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Where it is.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compiler.md");

/// It is in the table, and says that nobody knows why.
const UNKNOWN: &str = "unknown-assembly";

/// The document.
#[derive(Clone, Debug)]
pub struct Reasons(String);

impl Reasons {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn read() -> Result<Self> {
        let path = Path::new(DOCUMENT);
        Ok(Self(fs::read_to_string(path).map_err(Error::file("read", path))?))
    }

    /// Whether a class of reasons is in the table.
    pub fn has(&self, class: &str) -> bool {
        class != UNKNOWN && self.0.contains(&format!("| `{class}` |"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_documented_or_not() {
        let reasons = Reasons::read().unwrap();
        assert!(reasons.has("privileged-instruction"));
        assert!(!reasons.has("unknown-assembly") && !reasons.has("no-such-class"));
    }
}
