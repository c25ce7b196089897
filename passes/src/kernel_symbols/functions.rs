// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls of kernel functions that have a meaning in a recovery program.

use crate::diagnostic::Diagnostic;
use crate::llvm::{Block, Builder, Linkage, Module, Type, Value, debug};
use crate::marker;
use crate::program::Program;

use super::NAME;

/// Functions of the kernel that mean nothing outside it: nothing preempts a recovery program or moves it to another CPU, its
/// read-side critical sections protect nothing, nobody traces it, and lock debugging would watch locks that it does not take.
const NO_OPERATION: &[&str] = &[
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "rcu_read_unlock_special",
    "rcu_read_unlock_strict",
    "rcu_read_unlock_trace_special",
    "__srcu_read_lock",
    "__srcu_read_unlock",
    "__might_sleep",
    "__might_resched",
    "__cond_resched",
    "_cond_resched",
    "migrate_disable",
    "___migrate_enable",
    "migrate_enable",
    "__mmap_lock_do_trace_acquire_returned",
    "__mmap_lock_do_trace_released",
    "__mmap_lock_do_trace_start_locking",
    "do_trace_netlink_extack",
    "mm_trace_rss_stat",
    "__dynamic_dev_dbg",
    "__dynamic_ibdev_dbg",
    "__dynamic_netdev_dbg",
    "__dynamic_pr_debug",
    "__trace_bprintk",
    "__trace_bputs",
    "__trace_puts",
    "touch_nmi_watchdog",
    "touch_softlockup_watchdog",
    "debug_locks_off",
    "preempt_schedule",
    "preempt_schedule_notrace",
    "__preempt_schedule",
    "__SCT__WARN_trap",
    "__SCT__might_resched",
    "__SCT__cond_resched",
    "__klp_sched_try_switch",
    "rcu_lock_acquire",
    "rcu_lock_release",
    "__local_bh_disable_ip",
    "__local_bh_enable_ip",
    "_local_bh_enable",
];

/// Kernel functions that print; the last one is WARN()'s.
const PRINT: &[&str] = &["_printk", "printk", "_printk_deferred", "printk_deferred", "__warn_printk"];

/// Gives calls of kernel functions their meaning.
pub fn run(module: &Module<'_>, program: &mut Program) {
    for name in PRINT {
        if let Some(function) = module.function(name).filter(|function| function.is_declaration()) {
            rewrite_prints(module, function, program);
        }
    }
    for name in NO_OPERATION {
        if let Some(function) = module.function(name).filter(|function| function.is_declaration()) {
            remove_calls(module, function);
        }
    }
}

/// `printk(format, ...)` becomes a marker with the arguments in an array: the x86 convention for variable arguments
/// means nothing on a GPU.
fn rewrite_prints<'c>(module: &Module<'c>, function: Value<'c>, program: &mut Program) {
    let context = module.context();
    let word = Type::integer(context, 64);
    let pointer = Type::pointer(context);
    let marker_type = Type::integer(context, 32).function(&[pointer, pointer, Type::integer(context, 32)]);
    let marker = module.declare_function(marker::PRINT, marker_type);
    // LLVM lists the latest use first.
    for call in function.users().into_iter().rev() {
        if call.callee() != Some(function) {
            continue;
        }
        let arguments = call.arguments();
        let Some((&format, values)) = arguments.split_first() else { continue };
        let builder = Builder::before(context, call);
        let entry = call.function().and_then(|function| function.blocks().first().copied());
        let Some(start) = entry.and_then(Block::first_instruction) else { continue };
        let array_type = word.array(values.len().max(1) as u64);
        let array = Builder::before(context, start).alloca(array_type);
        array.set_alignment(8);
        for (index, &value) in values.iter().enumerate() {
            if !(1..=64).contains(&value.ty().bits()) {
                let site = debug::site(context, call);
                program.diagnostics.push(Diagnostic::error(
                    NAME,
                    site,
                    "printk() of something that is neither an integer of at most 64 bits nor a pointer",
                ));
                continue;
            }
            // Signed or not is the format's business; it takes no more bits than the argument has.
            let place = builder.offset(array, builder.u64(index as u64 * 8));
            builder.store(builder.to_signed(value, 64), place, 8);
        }
        let count = builder.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let result = builder.call(marker_type, marker, &[format, array, count]);
        if call.is_used() {
            call.replace_all_uses_with(result);
        }
        call.erase();
    }
}

/// Removes the calls of a function. What calls it through a pointer, as static calls do before optimisation, finds a function
/// that does nothing.
fn remove_calls<'c>(module: &Module<'c>, function: Value<'c>) {
    for call in function.users() {
        if call.callee() != Some(function) || call.arguments().contains(&function) {
            continue;
        }
        if call.is_used() {
            call.replace_all_uses_with(call.ty().zero());
        }
        call.erase();
    }
    if function.is_used() {
        let context = module.context();
        let builder = Builder::at_end(context, Block::append(context, function, "entry"));
        match function.value_type().result() {
            Some(ty) if !ty.is_void() => builder.return_value(ty.zero()),
            _ => builder.return_void(),
        };
        function.set_section("");
        function.set_linkage(Linkage::LLVMInternalLinkage);
    }
}
