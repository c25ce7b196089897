// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can be known of one kernel build, and finding all of it in raw memory.
//!
//! From nothing but read access to a machine's physical memory ([`PhysicalMemory`]), [`Kernel::find`] learns
//! which Linux kernel runs there, where it lies ([`Layout`], KASLR applied), and its symbols ([`Symbols`]);
//! [`SymbolCache`] keeps these, and [`Kernel::find_known`] finds such a kernel without a search;
//! [`Kernel::types`] adds its types ([`Types`]), and [`processes::list`] reads its process table. No file of
//! the kernel's and no help from the machine is needed.
//!
//! Everything read is taken for hostile: malformed contents end in an [`Error`], in bounded time and memory.
//!
//! Supported: x86-64 kernels with `CONFIG_KALLSYMS_ALL`, 4 and 5 levels of page tables, without memory
//! encryption. What differs between releases (forms of the symbol table, kinds of BTF, names of members) is
//! told by what is in memory, not by lists of releases; Debian's 5.10, 6.1, 6.12, 7.2 and 7.3 have been read.

mod all_structures;
mod btf;
mod budget;
mod c_header;
pub mod cache;
mod constants;
mod error;
mod find;
mod kallsyms;
mod kallsyms_search;
mod kernel;
mod layout;
mod member_path;
pub mod memory;
mod newest;
mod notes;
pub mod processes;
mod proof;
mod resident;
mod running;
mod static_symbols;
mod structures;
mod symbol_cache;
mod symbols;
#[cfg(test)]
mod synthetic;
mod type_text;
mod types;
mod vmcoreinfo;

pub use constants::{Constant, ConstantComparison, ConstantDifference};
pub use error::{Error, Result};
pub use kernel::Kernel;
pub use layout::Layout;
pub use memory::{MemorySlices, PAGE_SIZE, PhysicalMemory};
pub use running::PageTables;
pub use static_symbols::SourceFile;
pub use structures::{Difference, Member, MemberParts, Structure, StructureComparison, Tag};
pub use symbol_cache::SymbolCache;
pub use symbols::{NotFound, Symbol, Symbols};
pub use types::{Bits, Enumerator, Field, MemberKind, Types};
