// SPDX-License-Identifier: MIT OR Apache-2.0

//! The clock for waiting.

use std::time::Duration;

use crate::clock::gpufas_lib_gpufas_clock;

#[test]
fn it_counts_nanoseconds() {
    let pause = Duration::from_millis(20);
    let start = gpufas_lib_gpufas_clock(1);
    std::thread::sleep(pause);
    let passed = gpufas_lib_gpufas_clock(2) - start;
    assert!(passed >= pause.as_nanos() as u64, "{passed}");
    // Not in another unit: that would be some hours.
    assert!(passed < pause.as_nanos() as u64 * 1_000_000, "{passed}");
}
