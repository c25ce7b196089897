// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's scheduler, compiled along with programs that put tasks on run queues (`gpufas/run_queue.h`).

use super::Kernel;
use crate::error::{Error, Result};

/// What every release has: the account of a control group's time on processors, trees, lists and sets.
const COMMON: &[&str] =
    &["kernel/cgroup/rstat.c", "lib/cpumask.c", "lib/plist.c", "lib/rbtree.c", "lib/timerqueue.c"];

/// The first series in which most of the scheduler's files are compiled as two.
const FIRST_JOINED: [u32; 2] = [5, 18];

/// The scheduler's files before that.
const SINGLE: &[&str] = &[
    "kernel/sched/autogroup.c",
    "kernel/sched/clock.c",
    "kernel/sched/core.c",
    "kernel/sched/cpuacct.c",
    "kernel/sched/cpudeadline.c",
    "kernel/sched/cpupri.c",
    "kernel/sched/deadline.c",
    "kernel/sched/fair.c",
    "kernel/sched/idle.c",
    "kernel/sched/pelt.c",
    "kernel/sched/psi.c",
    "kernel/sched/rt.c",
    "kernel/sched/stop_task.c",
];

/// And from then on.
const JOINED: &[&str] = &[
    "kernel/sched/build_policy.c",
    "kernel/sched/build_utility.c",
    "kernel/sched/core.c",
    "kernel/sched/fair.c",
];

/// The first of the supported series whose scheduler asks for the speeds of processors, and what answers.
const FIRST_WITH_SPEEDS: [u32; 2] = [6, 12];
const SPEEDS: &[&str] = &["arch/x86/kernel/cpu/aperfmperf.c"];

/// Patterns of `--kernel-symbol`: what is not beside other symbols of its file in the running kernel, and a function of
/// `gpufas/scheduler_timers.h` to which a pointer of the kernel's leads (`get_time` of `struct hrtimer_clock_base`).
pub const KERNEL_SYMBOLS: &[&str] = &["kernel/sched/*.c:sched_clock_data", "ktime_get"];

/// The files of a series.
fn files(series: [u32; 2]) -> Vec<&'static str> {
    let scheduler = if series < FIRST_JOINED { SINGLE } else { JOINED };
    let speeds = if series < FIRST_WITH_SPEEDS { &[] } else { SPEEDS };
    [scheduler, speeds, COMMON].concat()
}

impl Kernel {
    /// The files of the kernel's scheduler.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the kernel's sources are not named.
    pub fn scheduler_sources(&self) -> Result<Vec<String>> {
        let Some(sources) = &self.sources else {
            return Err(Error::Usage(format!(
                "--schedule run-queue compiles the scheduler of kernel {} along; name the sources that it was built from with \
                 --kernel-source DIR",
                self.identity.release
            )));
        };
        Ok(files(sources.series()).into_iter().map(|file| sources.file(file)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_files_of_their_own() {
        let has = |series, file| files(series).contains(&file);
        assert!(has([5, 10], "kernel/sched/cpuacct.c") && !has([5, 10], JOINED[0]));
        assert!(has([6, 1], JOINED[0]) && !has([6, 1], "kernel/sched/rt.c") && !has([6, 1], SPEEDS[0]));
        assert!(has([6, 12], SPEEDS[0]) && has([7, 2], SPEEDS[0]));
        for series in [[5, 10], [6, 1], [7, 2]] {
            assert!(has(series, "kernel/sched/core.c") && has(series, "kernel/sched/fair.c"), "{series:?}");
            assert!(has(series, "lib/rbtree.c"), "{series:?}");
        }
    }
}
