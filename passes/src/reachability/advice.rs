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
            "kasprintf*",
            "kvasprintf*",
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
         static ones for what is large, or --allocation own, with which kmalloc() and its like give memory of the program's own",
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
            "__get_user*",
            "__put_user*",
            "access_process_vm*",
            "access_remote_vm*",
            "get_user_pages*",
            "pin_user_pages*",
            "import_iovec",
            "memdup_user*",
            "strndup_user",
        ],
        "memory of the failing system's processes is not reached by their addresses",
    ),
    (
        &["seq_printf", "seq_vprintf", "seq_bprintf"],
        "gpufas_log() prints with a format to the program's log, and snprintf() to memory",
    ),
    (
        &["put_pid", "fput", "put_device", "__put_*", "__mmdrop", "mmput"],
        "what is freed with the last reference only the \
     running kernel can free; take no reference, and give none back",
    ),
    (
        &[
            "send_sig*",
            "signal_wake_up*",
            "force_sig*",
            "do_send_sig*",
            "group_send_sig*",
            "kill_pid*",
            "kill_pgrp*",
        ],
        "gpufas_send_signal() of \
     <gpufas/signal.h> leaves a process a signal",
    ),
];

/// Files of the kernel's sources that can be compiled along, by the functions in them.
const SOURCES: &[(&[&str], &str)] = &[
    (&["rb_*", "__rb_*"], "lib/rbtree.c"),
    (&["xa_*", "__xa_*", "xas_*", "__xas_*"], "lib/xarray.c"),
    (&["radix_tree_*"], "lib/radix-tree.c"),
    (&["idr_*", "ida_*"], "lib/idr.c"),
    (&["mas_*", "mtree_*", "mt_*"], "lib/maple_tree.c"),
    (&["nla_*", "__nla_*"], "lib/nlattr.c"),
    (&["kstrto*"], "lib/kstrtox.c"),
    (&["string_escape_*", "string_unescape", "string_get_size"], "lib/string_helpers.c"),
    (&["bitmap_*", "__bitmap_*"], "lib/bitmap.c"),
    (&["llist_*"], "lib/llist.c"),
    (&["list_sort"], "lib/list_sort.c"),
    (&["sort", "sort_r"], "lib/sort.c"),
    (&["bsearch"], "lib/bsearch.c"),
    (&["timerqueue_*"], "lib/timerqueue.c"),
    (&["errseq_*"], "lib/errseq.c"),
    (&["lockref_*"], "lib/lockref.c"),
    (&["rhashtable_*", "rht_*", "__rht_*"], "lib/rhashtable.c"),
    (&["siphash_*", "__siphash_*", "hsiphash_*"], "lib/siphash.c"),
    (&["csum_partial"], "arch/x86/lib/csum-partial_64.c"),
    (&["make_vfs*", "from_vfs*"], "fs/mnt_idmapping.c"),
    (&["int_sqrt", "int_sqrt64"], "lib/math/int_sqrt.c"),
    (&["find_vm_area"], "mm/vmalloc.c"),
    (&["__next_zones_zonelist"], "mm/mmzone.c"),
];

/// What to do instead of calling a function, which its source would not help.
pub fn instead_of(function: &str) -> Option<&'static str> {
    find(ADVICE, function)
}

/// The file of the kernel's sources that defines a function, and can be compiled along for it.
pub fn source_of(function: &str) -> Option<&'static str> {
    find(SOURCES, function)
}

fn find(table: &[(&[&str], &'static str)], function: &str) -> Option<&'static str> {
    let fits = |pattern: &&str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(beginning), _) => function.starts_with(beginning),
        (None, Some(end)) => function.ends_with(end),
        (None, None) => function == *pattern,
    };
    table.iter().find(|(patterns, _)| patterns.iter().any(&fits)).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_at_an_end_of_a_pattern() {
        let patterns = ADVICE.iter().chain(SOURCES).flat_map(|(patterns, _)| *patterns);
        for pattern in patterns {
            let inner = pattern.strip_prefix('*').unwrap_or(pattern);
            let inner = inner.strip_suffix('*').unwrap_or(inner);
            assert!(!inner.is_empty() && !inner.contains('*'), "{pattern}");
        }
    }

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
            ("seq_printf", "gpufas_log"),
            ("__put_task_struct", "reference"),
        ] {
            assert!(instead_of(function).is_some_and(|advice| advice.contains(part)), "{function}");
        }
        for function in ["schedule_work_of_mine", "my_kfree", "nla_put"] {
            assert_eq!(instead_of(function), None, "{function}");
        }
        assert_eq!(source_of("rb_insert_color"), Some("lib/rbtree.c"));
        assert_eq!(source_of("__xa_cmpxchg"), Some("lib/xarray.c"));
        assert_eq!(source_of("my_nla_put"), None);
    }
}
