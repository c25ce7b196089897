// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest kernel's messages, and which of them tell of trouble.

use gpufas_guest_init::KernelRecord;

/// The kernel's messages, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelLog {
    /// All of them.
    pub records: Vec<KernelRecord>,
}

/// A message that tells of trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The message.
    pub record: KernelRecord,
    /// Why it counts.
    pub reason: &'static str,
}

/// The lowest level that is no warning: `KERN_NOTICE`.
const NOTICE: u8 = 5;

/// Texts that tell of trouble at any level: much of a report comes at level `KERN_DEFAULT` or lower.
const SIGNS: &[(&str, &str)] = &[
    ("WARNING:", "the kernel warns"),
    ("BUG:", "the kernel found a bug"),
    ("kernel BUG at", "the kernel found a bug"),
    ("Oops", "the kernel faulted"),
    ("invalid opcode:", "the kernel faulted"),
    ("divide error:", "the kernel faulted"),
    ("double fault:", "the kernel faulted"),
    ("general protection fault", "the kernel faulted"),
    ("Kernel panic", "the kernel panicked"),
    ("soft lockup", "a processor does not schedule"),
    ("hard LOCKUP", "a processor takes no interrupts"),
    ("detected stall", "a processor holds up RCU"),
    ("self-detected stall", "a processor holds up RCU"),
    ("expedited stalls", "a processor holds up RCU"),
    ("blocked for more than", "a task hangs"),
    ("list_del corruption", "a list is corrupt"),
    ("list_add corruption", "a list is corrupt"),
    ("refcount_t:", "a reference count is wrong"),
    ("Out of memory", "memory ran out"),
];

/// How warnings begin that tell only of a slow machine: guests are emulated, and paused.
const SLOWNESS: &[&str] = &[
    "hrtimer: interrupt took ",
    "perf: interrupt took too long",
    "clocksource: ",
    "tsc: Marking TSC unstable",
    "TSC found unstable",
];

/// How a warning ends that tells only that a module was loaded which did not come with the kernel (kernel/module).
const OTHER_MODULE: &str = ": loading out-of-tree module taints kernel.";

impl Problem {
    /// Whether it is that only by its level, as each line of what the kernel says of its memory when that is short.
    pub fn is_mere_warning(&self) -> bool {
        self.reason == WARNING
    }
}

/// The reason of what counts by its level.
const WARNING: &str = "a warning, or worse";

impl KernelLog {
    /// The last message's sequence number, to compare a later log with.
    pub fn last(&self) -> Option<u64> {
        self.records.last().map(|record| record.sequence)
    }

    /// The messages that tell of trouble: warnings and worse, and whatever looks like a report of a fault. A warning
    /// that the machine is slow, or a module not the kernel's own, is none.
    pub fn problems(&self) -> Vec<Problem> {
        let is_warning = |record: &KernelRecord| {
            let is_slowness = SLOWNESS.iter().any(|start| record.text.starts_with(start));
            record.level < NOTICE && !is_slowness && !record.text.ends_with(OTHER_MODULE)
        };
        let problem = |record: &KernelRecord| {
            let reason = sign(&record.text).or(is_warning(record).then_some(WARNING))?;
            Some(Problem { record: record.clone(), reason })
        };
        self.records.iter().filter_map(problem).collect()
    }
}

fn sign(text: &str) -> Option<&'static str> {
    SIGNS.iter().find(|(sign, _)| text.contains(sign)).map(|(_, reason)| *reason)
}

/// The message of a panic, in a line of the console.
pub(crate) fn panic_in(line: &str) -> Option<&str> {
    let (_, message) = line.split_once("Kernel panic - not syncing: ")?;
    Some(message.trim_end())
}

/// What a line of the console reports, if it is trouble: a warning, a bug, a stall or worse; but nothing that holds one of
/// the `tolerated` texts.
pub(crate) fn trouble_in<'a>(line: &'a str, tolerated: &[String]) -> Option<&'a str> {
    let is_tolerated = || tolerated.iter().any(|text| line.contains(text.as_str()));
    (sign(line).is_some() && !is_tolerated()).then(|| line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(level: u8, text: &str) -> KernelRecord {
        KernelRecord { sequence: 1, level, microseconds: 0, text: text.to_owned() }
    }

    #[test]
    fn warnings_and_reports_are_problems_and_the_rest_is_not() {
        let log = KernelLog {
            records: vec![
                record(6, "smp: Brought up 1 node, 4 CPUs"),
                record(4, "something odd"),
                record(6, "watchdog: BUG: soft lockup - CPU#0 stuck for 26s!"),
                record(5, "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:"),
                record(5, "random: crng init done"),
                record(4, "hrtimer: interrupt took 13278900 ns"),
            ],
        };
        let problems = log.problems();
        let texts: Vec<_> = problems.iter().map(|problem| problem.record.text.as_str()).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert_eq!(problems[1].reason, "the kernel found a bug");
    }

    #[test]
    fn trouble_is_found_in_the_console_unless_it_is_tolerated() {
        let line = "[    9.1] Out of memory: Killed process 77 (hog)\r";
        assert_eq!(trouble_in(line, &[]), Some(line.trim_end()));
        assert_eq!(trouble_in(line, &["Out of memory".to_owned()]), None);
        for trouble in [
            "watchdog: BUG: soft lockup - CPU#0 stuck for 26s!",
            "kernel BUG at mm/slub.c:305!",
            "invalid opcode: 0000 [#1] SMP NOPTI",
            "divide error: 0000 [#1] PREEMPT SMP",
            "double fault: 0000 [#1] SMP NOPTI",
            "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 1-... }",
        ] {
            assert!(trouble_in(&format!("[    1.4] {trouble}"), &[]).is_some(), "{trouble}");
        }
        assert_eq!(trouble_in("[    0.4] rcu: Hierarchical RCU implementation.", &[]), None);
    }

    #[test]
    fn a_panic_is_found_in_the_console() {
        let line = "[    1.4] Kernel panic - not syncing: VFS: Unable to mount root fs\r";
        assert_eq!(panic_in(line), Some("VFS: Unable to mount root fs"));
        assert_eq!(panic_in("[    1.4] panic=-1"), None);
    }
}
