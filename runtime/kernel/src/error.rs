// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong between raw memory and a known kernel.

use thiserror::Error;

/// Why something could not be known of the target.
///
/// Addresses are of the target: `va` means a kernel virtual address, `address` alone a physical one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The range is not (wholly) part of the target's physical memory.
    #[error("physical address {address:#x} ({size} bytes) is not in the target's memory")]
    NotMemory {
        /// First physical address of the range.
        address: u64,
        /// Bytes asked for.
        size: u64,
    },
    /// The target's memory is there but could not be read: the source has vanished or refuses.
    #[error("cannot read the target's memory at physical address {address:#x}")]
    Unreadable {
        /// First physical address of the range.
        address: u64,
        /// What the implementation of [`PhysicalMemory`](crate::PhysicalMemory) met.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No page of the target's memory holds a VMCOREINFO text.
    #[error(
        "no Linux kernel found in the target's memory: it runs none, has not started it yet (wait until it \
         has), encrypts its memory, or its kernel is built without CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE)"
    )]
    NoKernel,
    /// VMCOREINFO texts were found, but none describes the kernel that is in memory.
    #[error(
        "no usable Linux kernel in the target's memory: VMCOREINFO found {candidates} time(s), none usable; \
         the most likely one is of release {release}"
    )]
    NoUsableKernel {
        /// How many texts were looked at.
        candidates: usize,
        /// Release that the candidate that came furthest names.
        release: String,
        /// Why the candidate that came furthest was rejected.
        source: Box<Error>,
    },
    /// More than one kernel is in memory and it cannot be told which of them runs.
    #[error(
        "{count} different Linux kernels are in the target's memory (left from an earlier boot?) and nothing \
         tells which of them runs; power the machine off and on instead of resetting it"
    )]
    SeveralKernels {
        /// How many of them validate.
        count: usize,
    },
    /// The VMCOREINFO text lacks an entry.
    #[error("the kernel's VMCOREINFO has no entry {entry}")]
    VmcoreinfoEntry {
        /// The entry as it would be written, as in `SYMBOL(swapper_pg_dir)`.
        entry: String,
    },
    /// An entry of the VMCOREINFO text has a value that cannot be.
    #[error("the kernel's VMCOREINFO has an impossible entry {entry}={value}")]
    VmcoreinfoValue {
        /// The entry's name.
        entry: String,
        /// Its value, as text.
        value: String,
    },
    /// What VMCOREINFO says and what is in memory do not agree: a stale copy, or a corrupt kernel.
    #[error("VMCOREINFO and memory do not agree: {what}")]
    Disagreement {
        /// What does not agree with what.
        what: String,
    },
    /// The kernel is real, but of a kind that this version of GPUfas cannot handle.
    #[error("kernel {release} is not supported: {what}")]
    Unsupported {
        /// The kernel's release.
        release: String,
        /// What is not supported.
        what: String,
    },
    /// The address does not belong to the kernel: a user address, null, or not canonical.
    #[error("{va:#x} is not a kernel address")]
    NotKernel {
        /// The virtual address.
        va: u64,
    },
    /// The kernel's page tables have no entry for the address.
    #[error("kernel address {va:#x} is not mapped")]
    Unmapped {
        /// The virtual address.
        va: u64,
    },
    /// The address is mapped to something that is not memory: a device, a hole, or a corrupt table.
    #[error(
        "kernel address {va:#x} leads to physical address {address:#x}, which is not in the target's memory"
    )]
    MappedOutside {
        /// The virtual address.
        va: u64,
        /// The physical address of the page, or of the page table, that is not memory.
        address: u64,
    },
    /// The kernel's symbol table cannot be read.
    #[error("the kernel's symbol table (kallsyms) is not usable: {what}")]
    Kallsyms {
        /// What is wrong with it.
        what: String,
    },
    /// The kernel has no such symbol.
    #[error("kernel {release} has no symbol {name}")]
    NoSymbol {
        /// The kernel's release.
        release: String,
        /// The symbol.
        name: String,
    },
    /// The kernel carries no type information.
    #[error("kernel {release} has no type information in memory: it is built without CONFIG_DEBUG_INFO_BTF")]
    NoTypes {
        /// The kernel's release.
        release: String,
    },
    /// The type information is malformed.
    #[error("the kernel's type information (BTF) is malformed at offset {offset:#x}: {what}")]
    MalformedTypes {
        /// Offset into the BTF data, in bytes.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The type information uses a kind that is newer than this version of GPUfas, without saying its size.
    #[error(
        "the kernel's type information (BTF) uses kind {kind}, which this version of GPUfas does not know"
    )]
    UnknownKind {
        /// Number of the kind.
        kind: u32,
    },
    /// There is no such type.
    #[error("the kernel has no type {name}")]
    NoType {
        /// The name that was asked for.
        name: String,
    },
    /// The type is there but not of the needed kind.
    #[error("type {name} {what}")]
    WrongType {
        /// The name that was asked for.
        name: String,
        /// What it is or is not, as in "is a pointer".
        what: &'static str,
    },
    /// The type has no such member.
    #[error("type {name} has no member {member}")]
    NoMember {
        /// The type, or as much of the path as was found.
        name: String,
        /// The member.
        member: String,
    },
    /// Several types of the same name exist and they give different answers.
    #[error("the kernel has several types {name} that differ in what was asked of them")]
    AmbiguousType {
        /// The name that was asked for.
        name: String,
    },
    /// No enumeration has such a constant.
    #[error("the kernel has no enumeration constant {name}")]
    NoEnumerator {
        /// The constant.
        name: String,
    },
    /// A structure of the running kernel holds something that cannot be.
    #[error("the kernel's {object} at {va:#x} is corrupt: {what}")]
    Corrupt {
        /// What kind of object, as in "task".
        object: &'static str,
        /// Its virtual address.
        va: u64,
        /// What is wrong with it.
        what: &'static str,
        /// The error met on the way, if there was one.
        source: Option<Box<Error>>,
    },
}

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
