// SPDX-License-Identifier: MIT OR Apache-2.0

//! A limit to searches in type information.

use crate::error::{Error, Result};

/// Most steps for one question; guards against types that contain themselves, and many large ones of one name. The largest
/// structures have some hundred members.
pub(crate) const MAX_STEPS: u32 = 1 << 16;
/// The same for each member that is compared.
const STEPS_PER_COMPARED_MEMBER: u32 = 1 << 12;

/// How many steps a search may still take. What is searched may be anything: types that contain themselves, a million
/// structures of one name.
#[derive(Debug)]
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) fn new(steps: u32) -> Self {
        Self(steps)
    }

    /// Adds enough to compare structures with so many members: each is looked for among all of its structure's, and of every
    /// structure of that name.
    pub(crate) fn add_members(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.0 = self.0.saturating_add(count.saturating_mul(STEPS_PER_COMPARED_MEMBER));
    }

    /// Takes some steps.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`] if none are left. No kernel's types are such that it happens.
    pub(crate) fn take(&mut self, steps: u32, offset: u64) -> Result<()> {
        let what = "types contain themselves, or too many have one name";
        self.0 = self.0.checked_sub(steps).ok_or(Error::MalformedTypes { offset, what })?;
        Ok(())
    }
}
