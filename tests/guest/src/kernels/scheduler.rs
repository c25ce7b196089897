// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's sources that programs with `gpufas/run_queue.h` need compiled along, as docs/scheduling.md lists them.

/// Of every release: the account of a control group's time on processors, trees, lists and sets.
const COMMON: [&str; 5] =
    ["kernel/cgroup/rstat.c", "lib/cpumask.c", "lib/plist.c", "lib/rbtree.c", "lib/timerqueue.c"];

/// Since 5.18 most of the scheduler's files are compiled as two.
const JOINED: [&str; 4] = [
    "kernel/sched/build_policy.c",
    "kernel/sched/build_utility.c",
    "kernel/sched/core.c",
    "kernel/sched/fair.c",
];

/// What those of 6.12 and later ask for the speeds of CPUs.
const SPEEDS: &str = "arch/x86/kernel/cpu/aperfmperf.c";

/// Before 5.18.
const SINGLE: [&str; 13] = [
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

/// The files for a kernel, by its name in the list of kernels (`6.1`, `6.12-rt`).
pub fn sources(kernel: &str) -> Vec<&'static str> {
    let (series, _) = kernel.split_once('-').unwrap_or((kernel, ""));
    let scheduler: &[&[&str]] = match series {
        "5.10" => &[&SINGLE],
        "6.1" => &[&JOINED],
        _ => &[&[SPEEDS], &JOINED],
    };
    [&scheduler.concat(), &COMMON[..]].concat()
}

/// Options of the compiler's: what is not beside other symbols of its file in the running kernel, and a function of
/// `gpufas/scheduler_timers.h` to which a pointer of the kernel's leads (`get_time` of `struct hrtimer_clock_base`).
pub const OPTIONS: [&str; 4] =
    ["--kernel-symbol", "kernel/sched/*.c:sched_clock_data", "--kernel-symbol", "ktime_get"];
