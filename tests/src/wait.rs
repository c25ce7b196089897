// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting for what a guest tells only when it is asked.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Waits until something is so, looking often.
///
/// # Errors
///
/// Those of `holds`; if it is not so after `limit`.
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > limit {
            bail!("after {limit:?}, it is still not so that {what}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
