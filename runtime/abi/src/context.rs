// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the host tells a recovery program before it starts.

/// Most segments of physical memory that a target may have.
///
/// A QEMU machine has two (below and above the hole under 4 GiB); a NUMA server has a few per node.
pub const MAX_SEGMENTS: usize = 16;

/// Most arguments of an entry point.
pub const MAX_ARGUMENTS: usize = 8;

/// Set in [`Context::flags`] when the target's memory must not be written (a memory dump): every store
/// ends in a [`FaultKind::ReadOnly`](crate::FaultKind::ReadOnly) fault.
pub const FLAG_READ_ONLY: u32 = 1 << 0;

/// Set in [`Context::flags`] when a store that no longer fits into the journal must end the program,
/// because the host writes the program's stores back from the journal, or takes all of them back if the program does not
/// end regularly.
pub const FLAG_JOURNAL_COMPLETE: u32 = 1 << 1;

/// Set in [`Context::flags`] when the host sends the interrupts that the program asks for
/// ([`InterruptRequest`](crate::InterruptRequest)). Without it a request is refused.
pub const FLAG_INTERRUPTS: u32 = 1 << 2;

/// Set in [`Context::flags`] when the program has a copy of the target's memory, so that locks in it are nobody else's affair.
pub const FLAG_COPY: u32 = 1 << 3;

/// A contiguous range of the target's physical memory and where the program finds it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// First physical address.
    pub start: u64,
    /// Physical address after the last byte.
    pub end: u64,
    /// Address, for the program, of the byte at `start`.
    pub base: u64,
}

/// How kernel virtual addresses of the target become physical ones.
///
/// Source of the regions: Documentation/arch/x86/x86_64/mm.rst and `__phys_addr()` in
/// arch/x86/mm/physaddr.c of the kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressSpace {
    /// Virtual address of physical address 0 in the direct map (`page_offset_base`).
    pub direct_map_start: u64,
    /// Virtual address after the last byte of physical memory in the direct map.
    pub direct_map_end: u64,
    /// `_text` of the running kernel.
    pub image_start: u64,
    /// `_end` of the running kernel, rounded up to a page.
    pub image_end: u64,
    /// Physical address of `image_start`.
    pub image_physical: u64,
    /// Physical address of the kernel's top-level page table (`swapper_pg_dir`).
    pub page_table_root: u64,
    /// Levels of page tables: 4 or 5.
    pub page_table_levels: u32,
    /// How many of `segments` are in use; they are sorted by `start` and do not overlap.
    pub segment_count: u32,
    /// Physical memory.
    pub segments: [Segment; MAX_SEGMENTS],
}

/// A part of a linear region that lies in memory in one piece: what translations that are part of the program serve.
///
/// Start and size are multiples of a page and the offset one of 16, so that an aligned access of at most 16 bytes whose first byte lies
/// inside lies inside wholly, and is aligned where it is found.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First virtual address.
    pub start: u64,
    /// Length in bytes; 0 if there is no such part.
    pub size: u64,
    /// What is added to a virtual address, modulo 2^64, to find it.
    pub offset: u64,
}

/// A range of memory for the program's own use.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffer {
    /// Address of the first byte.
    pub address: u64,
    /// Length in bytes.
    pub size: u64,
}

/// All that a program knows at its start. The host writes it into the symbol
/// [`symbols::CONTEXT`](crate::symbols::CONTEXT) of the loaded program.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// [`ABI_VERSION`](crate::ABI_VERSION) of the host.
    pub version: u32,
    /// `FLAG_*` bits.
    pub flags: u32,
    /// Address translation.
    pub space: AddressSpace,
    /// Of the direct map and of the kernel's image as much as lies in the largest segment.
    pub windows: [Window; 2],
    /// Arguments of the entry point: an integer, sign- or zero-extended, or the address of a
    /// NUL-terminated string inside `strings`.
    pub arguments: [u64; MAX_ARGUMENTS],
    /// Memory that holds the string arguments; the program may read and write all of it.
    pub strings: Buffer,
    /// Memory that holds one [`Report`](crate::Report).
    pub report: Buffer,
    /// Memory for the text that the program prints.
    pub log: Buffer,
    /// Memory for an array of [`JournalEntry`](crate::JournalEntry).
    pub journal: Buffer,
    /// Memory for an array of [`InterruptRequest`](crate::InterruptRequest).
    pub interrupts: Buffer,
    /// How often the program may take a backward branch before it ends with
    /// [`FaultKind::BudgetSpent`](crate::FaultKind::BudgetSpent).
    pub budget: u64,
    /// Bytes of stack that the program may use.
    pub stack_size: u64,
    /// Number of the target's CPU whose per-CPU variables are those of "this CPU" (`smp_processor_id()`); one of its
    /// possible CPUs if the manifest says that the program uses any.
    pub cpu: u32,
    /// How often the program was run before, each time asking to be run again.
    pub tries: u32,
    /// `__per_cpu_offset[cpu]` of the target: what is added to the address of a per-CPU variable, modulo 2^64, to get that
    /// of the CPU's copy.
    pub cpu_offset: u64,
}

const _: () = assert!(size_of::<AddressSpace>() == 56 + 24 * MAX_SEGMENTS);
const _: () = assert!(size_of::<Context>() == 8 + 440 + 2 * 24 + 8 * MAX_ARGUMENTS + 5 * 16 + 32);
