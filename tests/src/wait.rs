// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting for what a guest tells only when it is asked.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How many times as long as a guest takes for an answer it is left alone afterwards: its first process comes before all others.
const REST: u32 = 2;

/// The least time between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until something is so, looking often.
///
/// # Errors
///
/// Those of `holds`; if it is not so after `limit`.
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    loop {
        let asked = Instant::now();
        if holds()? {
            return Ok(());
        }
        if start.elapsed() > limit {
            bail!("after {limit:?}, it is still not so that {what}");
        }
        thread::sleep(PAUSE.max(asked.elapsed() * REST));
    }
}
