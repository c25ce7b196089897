// SPDX-License-Identifier: MIT OR Apache-2.0

//! What to do instead of calling a function that only the running kernel has. docs/meaning.md is the whole table.

/// Functions by their names, or by the beginnings of names (with a `*`), and what to do instead. The first that fits counts.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &[
            "schedule",
            "schedule_timeout*",
            "io_schedule*",
            "yield",
            "msleep*",
            "usleep_range*",
            "ssleep",
            "*delay",
        ],
        "a recovery program is no task of the kernel's that could sleep; return -EAGAIN from the entry point to be run again a \
         moment later",
    ),
    (
        &[
            "prepare_to_wait*",
            "finish_wait",
            "wait_for_completion*",
            "out_of_line_wait_on_bit*",
            "folio_wait_*",
            "__wait_on_*",
            "wait_for_*",
            "do_wait_intr*",
        ],
        "nothing comes to pass while a recovery program waits; look at the condition, and return -EAGAIN from the entry point to \
         be run again a moment later",
    ),
    (
        &[
            "wake_up*",
            "__wake_up*",
            "complete",
            "complete_all",
            "try_to_wake_up",
            "rcuwait_wake_up",
            "swake_up*",
            "kick_process",
        ],
        "a task cannot be woken by writing to memory; gpufas_send_signal() of <gpufas/signal.h> leaves it a signal, which it takes \
         when it next leaves the kernel",
    ),
    (
        &[
            "kmalloc*",
            "__kmalloc*",
            "kzalloc*",
            "kvmalloc*",
            "__kvmalloc*",
            "krealloc*",
            "kmem_cache_*",
            "kmemdup*",
            "vmalloc*",
            "vzalloc*",
            "__vmalloc*",
            "kfree*",
            "kvfree*",
            "vfree*",
            "devm_k*",
            "__alloc_pages*",
            "alloc_pages*",
            "__get_free_pages",
            "get_zeroed_page*",
            "free_pages*",
            "__free_pages*",
            "__alloc_percpu*",
            "free_percpu",
            "pcpu_alloc*",
            "mempool_*",
        ],
        "memory of the running kernel can neither be allocated nor freed from outside; use variables of the program's own, \
         static ones for what is large",
    ),
    (
        &[
            "ktime_get*",
            "getboottime*",
            "sched_clock*",
            "local_clock",
            "get_jiffies_64",
            "read_persistent_clock*",
        ],
        "there is no clock of the failing system's to ask; `jiffies` is a variable and can be read",
    ),
    (
        &["get_random_*", "__get_random_*", "prandom_*", "wait_for_random_bytes"],
        "a recovery program does the same each time; pass what is to differ as an argument",
    ),
    (
        &[
            "queue_work*",
            "queue_delayed_work*",
            "__queue_*",
            "mod_delayed_work*",
            "call_rcu*",
            "kvfree_call_rcu",
            "add_timer*",
            "mod_timer*",
            "hrtimer_start*",
            "irq_work_queue*",
            "smp_call_function*",
            "on_each_cpu*",
            "synchronize_*",
            "kthread_*",
        ],
        "the running kernel cannot be made to call something from outside",
    ),
    (
        &["capable", "ns_capable*", "security_*", "__cgroup_bpf_*", "inode_permission"],
        "a recovery program has no rights of its own in the failing system; leave the question out",
    ),
    (
        &[
            "_copy_from_user",
            "_copy_to_user",
            "copy_*_user*",
            "strncpy_from_user",
            "__get_user*",
            "__put_user*",
            "access_process_vm*",
        ],
        "memory of the failing system's processes is not reached by their addresses",
    ),
];

/// What to do instead of calling a function.
pub fn instead_of(function: &str) -> Option<&'static str> {
    let fits = |pattern: &&str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(beginning), _) => function.starts_with(beginning),
        (None, Some(end)) => function.ends_with(end),
        (None, None) => function == *pattern,
    };
    ADVICE.iter().find(|(patterns, _)| patterns.iter().any(&fits)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_their_names() {
        for (function, part) in [
            ("schedule", "sleep"),
            ("schedule_timeout_idle", "sleep"),
            ("__const_udelay", "sleep"),
            ("wake_up_process", "woken"),
            ("wait_for_completion_timeout", "-EAGAIN"),
            ("kmem_cache_alloc", "variables"),
            ("__kmalloc_noprof", "variables"),
            ("ktime_get_with_offset", "jiffies"),
        ] {
            assert!(instead_of(function).is_some_and(|advice| advice.contains(part)), "{function}");
        }
        for function in ["schedule_work_of_mine", "my_kfree", "nla_put"] {
            assert_eq!(instead_of(function), None, "{function}");
        }
    }
}
