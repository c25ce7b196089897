// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting for a program: its text is handed on, and it is asked to end when its time is over.

use super::buffers::Buffers;
use super::{LogSink, StopReason};
use crate::error::Result;
use crate::interrupt;
use std::time::{Duration, Instant};

/// Time that a program has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// First and longest time between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(5));

/// What waiting came to.
pub(super) struct Watched {
    /// Whether the program ended.
    pub(super) ended: bool,
    /// Why it was asked to end, if it was.
    pub(super) stop_reason: Option<StopReason>,
    /// How long it ran.
    pub(super) duration: Duration,
}

/// Waits until `has_ended`, at most `timeout` and then a grace.
pub(super) fn watch(
    buffers: &Buffers,
    timeout: Duration,
    log: LogSink<'_>,
    mut has_ended: impl FnMut() -> Result<bool>,
) -> Result<Watched> {
    let start = Instant::now();
    let mut shown = 0;
    let mut pause = PAUSES.0;
    let mut asked: Option<(StopReason, Instant)> = None;
    loop {
        let ended = has_ended()?;
        let duration = start.elapsed();
        // After the look at the end, so that nothing printed before it is missed.
        let text = buffers.read_log(shown);
        if !text.is_empty() {
            shown += text.len();
            log(&text);
        }
        let stop_reason = asked.map(|(reason, _)| reason);
        if ended {
            return Ok(Watched { ended, stop_reason, duration });
        }
        match asked {
            Some((_, when)) if when.elapsed() >= GRACE => {
                return Ok(Watched { ended, stop_reason, duration });
            }
            Some(_) => {}
            None => {
                let signal = interrupt::pending().map(StopReason::Signal);
                let reason = signal.or_else(|| (duration >= timeout).then_some(StopReason::Timeout));
                if let Some(reason) = reason {
                    asked = Some((reason, Instant::now()));
                    buffers.request_stop();
                }
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}
