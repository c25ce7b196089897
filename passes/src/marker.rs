// SPDX-License-Identifier: MIT OR Apache-2.0

//! What early passes leave for later ones: calls, and attributes and names of functions.
//!
//! What kernel code means in a recovery program is decided on unoptimised IR, but a source site with its
//! inlining chain is known only after optimisation. So the early passes insert calls of functions with
//! these names, which no C program can define, and llview or the reachability check replace them.

/// `fn(ptr reason) noreturn`: something that has no meaning outside the CPU; `reason` is a constant string.
/// An error where it is still reachable after optimisation. With a dot and a type appended (`gpufas.refused.i64`) it
/// returns a value of that type and has no effect, so that it goes where the value is not used.
pub const REFUSED: &str = "gpufas.refused";

/// `fn() noreturn`: `BUG()`.
pub const BUG: &str = "gpufas.bug";

/// `fn(i64 address, i64 size, i32 access) -> i32`: whether an access would be possible, 1 or 0; `access` is a number of
/// [`gpufas_abi::Access`].
pub const ACCESSIBLE: &str = "gpufas.accessible";

/// `fn(ptr done)`: `WARN()` and its like. `done` is null, or a byte of the program's that is 0 the first time at its place,
/// and it is only said then.
pub const WARN: &str = "gpufas.warn";

/// `fn(ptr format, ptr arguments, i32 count) -> i32`: `printk`.
pub const PRINT: &str = "gpufas.print";

/// `fn()`: the program goes on because a lock of the kernel's is free, or not, and does not take it. The C functions in
/// runtime/include/gpufas/functions/locks.h call it by this name.
pub const LOCK_CHECKED: &str = "gpufas.lock_checked";

/// `fn()`: what the program writes is of use as a whole only, so that it is taken back if the program does not come to its end.
/// runtime/include/gpufas/gpufas.h declares it.
pub const ALL_OR_NOTHING: &str = "gpufas.all_or_nothing";

/// Metadata of a load of kernel memory that the source asks no order of: it is neither volatile there nor atomic.
pub const PLAIN_METADATA: &str = "gpufas.plain";

/// Metadata of a load that is known to be of memory outside of the program, and is not atomic in the source.
pub const OUTSIDE_METADATA: &str = "gpufas.outside";

/// A variable of 32 bits: the number of "this CPU" ([`gpufas_abi::Context::cpu`]).
pub const CPU: &str = "gpufas.cpu";

/// A variable of 64 bits: what leads from a per-CPU variable to this CPU's copy ([`gpufas_abi::Context::cpu_offset`]).
pub const CPU_OFFSET: &str = "gpufas.cpu_offset";

/// The table of the functions that have a place in the kernel, two words for each: what follows the symbols in the table that the
/// loader fills.
pub const FUNCTIONS: &str = "gpufas.functions";

/// What precedes a relocation in the name of the variable that stands for its entry in the relocation table.
pub const RELOCATION_PREFIX: &str = "gpufas.relocation.";

/// What precedes a kernel symbol's name in the name of the variable that stands for its entry in the symbol table.
pub const SYMBOL_PREFIX: &str = "gpufas.symbol.";

/// Attribute of a function that has a place in the running kernel, whose value is the symbol of that.
pub const KERNEL_SYMBOL_ATTRIBUTE: &str = "gpufas-kernel-symbol";

/// Attribute of a function to which the initial value of a variable of the kernel's points.
pub const POINTER_ATTRIBUTE: &str = "gpufas-pointer";

/// The attribute of a function, and of a call through a pointer, with the number of its C type.
pub const C_TYPE_ATTRIBUTE: &str = "gpufas-c-type";

/// Attribute of a function of a kernel source that only pointers in the kernel's memory may lead to, if anything does.
pub const SPECULATIVE_ATTRIBUTE: &str = "gpufas-speculative";

/// What precedes a number in the name of a function that calls through a pointer to functions of one type.
pub const DISPATCHER_PREFIX: &str = "gpufas.call.";

/// Named metadata: the kernel symbols that are weak, whose address is 0 in a kernel that does not have them.
pub const WEAK_METADATA: &str = "gpufas.weak";

/// Named metadata that says in which folders headers of the kernel's and ours were; each ends with a slash.
pub const HEADERS_METADATA: &str = "gpufas.headers";
