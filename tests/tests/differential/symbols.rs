// SPDX-License-Identifier: MIT OR Apache-2.0

//! The variables that the functions under test take for the kernel's (tests/differential/symbols.c).

use std::hash::{DefaultHasher, Hash, Hasher};

use gpufas_kernel::Layout;

use crate::zone::NATIVE_IMAGE;

/// Where a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At this offset in the kernel's image.
    Image(u64),
    /// At this offset in each CPU's own area; that is also the symbol's value, as in kernels before 6.15.
    PerCpu(u64),
    /// A function, which has this number. In a native run it is where it was linked.
    Function(u64),
}

/// Each variable. Two of them lie across the edges of pages.
const VARIABLES: &[(&str, Place)] = &[
    ("scene_pointer", Place::Image(0x10)),
    ("scene_counter", Place::Image(0x18)),
    ("overflowuid", Place::Image(0x20)),
    ("overflowgid", Place::Image(0x24)),
    ("nr_cpu_ids", Place::Image(0x28)),
    ("scene_list", Place::Image(0x30)),
    ("scene_table", Place::Image(0xf80)),
    ("__cpu_possible_mask", Place::Image(0x1100)),
    ("vm_zone_stat", Place::Image(0x1600)),
    ("vm_node_stat", Place::Image(0x1800)),
    ("__per_cpu_offset", Place::Image(0x1ff0)),
    ("scene_current", Place::PerCpu(0x40)),
    ("scene_ticks", Place::PerCpu(0x48)),
    ("cpu_number", Place::PerCpu(0x50)),
    ("this_cpu_off", Place::PerCpu(0x58)),
    ("current_task", Place::PerCpu(0x60)),
    ("scene_word", Place::PerCpu(0x68)),
    ("scene_half", Place::PerCpu(0x6c)),
    ("scene_byte", Place::PerCpu(0x6f)),
    // Of lib/radix-tree.c: nodes for those who must not sleep. There are none.
    ("radix_tree_preloads", Place::PerCpu(0x70)),
    ("__preempt_count", Place::PerCpu(0x80)),
    // Of lib/random32.c in 5.10.
    ("net_rand_noise", Place::PerCpu(0x88)),
    ("radix_tree_node_rcu_free", Place::Function(0)),
];

/// Bytes at the image's start that hold variables.
pub const IMAGE_BYTES: u64 = 0x2100;

/// Bytes of a CPU's own area.
pub const PER_CPU_BYTES: u64 = 0x90;

/// Bytes of `struct cpumask`, which has a bit for each of `CONFIG_NR_CPUS`.
pub const CPU_MASK_BYTES: usize = 1024;

/// How many CPUs there are.
pub const CPUS: u64 = 4;

/// The CPU as which functions run.
pub const THIS_CPU: u64 = 2;

fn place(name: &str) -> Option<Place> {
    VARIABLES.iter().find(|(variable, _)| *variable == name).map(|(_, place)| *place)
}

/// A variable's offset in the image or in a CPU's area.
///
/// # Panics
///
/// If there is no such variable.
pub fn offset(name: &str) -> u64 {
    match place(name) {
        Some(Place::Image(offset) | Place::PerCpu(offset)) => offset,
        Some(Place::Function(_)) | None => panic!("there is no variable {name}"),
    }
}

/// A symbol's value in the kernel.
pub fn address(name: &str, layout: &Layout) -> Option<u64> {
    Some(match place(name)? {
        Place::Image(offset) => layout.image_start + offset,
        Place::PerCpu(offset) => offset,
        // Nothing is there to be read.
        Place::Function(number) => layout.image_end + number * 16,
    })
}

/// The same where a name is one that a program has, but never comes to.
pub fn address_of_any(name: &str, layout: &Layout) -> u64 {
    address(name, layout).unwrap_or_else(|| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        layout.image_end + (1 << 20) + hasher.finish() % (1 << 20) * 16
    })
}

/// Names and values for the linker of the native run.
pub fn native() -> impl Iterator<Item = (&'static str, u64)> {
    VARIABLES.iter().filter_map(|(name, place)| match place {
        Place::Image(offset) => Some((*name, NATIVE_IMAGE + offset)),
        Place::PerCpu(offset) => Some((*name, *offset)),
        Place::Function(_) => None,
    })
}
