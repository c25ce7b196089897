// SPDX-License-Identifier: MIT OR Apache-2.0

//! Made-up kernels, and parts of such, for tests: everything that this crate reads, written as a real kernel
//! does.

pub(crate) mod btf;
pub(crate) mod kallsyms;
pub(crate) mod machine;
pub(crate) mod page_tables;

pub(crate) use btf::BtfBuilder;
pub(crate) use machine::Machine;
pub(crate) use page_tables::PageTables;
