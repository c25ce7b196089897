// SPDX-License-Identifier: MIT OR Apache-2.0

//! LLVM's intrinsics that a recovery program may have: those that every target has, and whose accesses to memory llview knows;
//! and the functions that clang and LLVM take for some of them.

/// C library functions that llview turns into the runtime's copies and fills.
pub const MEMORY_FUNCTIONS: &[&str] = &["memcpy", "memmove", "memset", "__memcpy", "__memmove", "__memset"];

/// What computes, as beginnings of names after `llvm.`.
const NUMBERS: &[&str] = &[
    "abs.",
    "bitreverse.",
    "bswap.",
    "ctlz.",
    "ctpop.",
    "cttz.",
    "fshl.",
    "fshr.",
    "sadd.",
    "scmp.",
    "smax.",
    "smin.",
    "smul.",
    "sshl.",
    "ssub.",
    "uadd.",
    "ucmp.",
    "umax.",
    "umin.",
    "umul.",
    "ushl.",
    "usub.",
    "vector.reduce.",
];

/// What accesses memory.
const MEMORY: &[&str] = &["memcpy.", "memmove.", "memset.", "load.relative.", "prefetch"];

/// What is said about the program rather than done by it.
const SAID: &[&str] = &[
    "annotation.",
    "assume",
    "dbg.",
    "donothing",
    "expect.",
    "experimental.noalias.scope.decl",
    "invariant.",
    "is.constant.",
    "launder.invariant.group",
    "lifetime.",
    "objectsize.",
    "ptr.annotation.",
    "ptrmask.",
    "sideeffect",
    "strip.invariant.group",
    "var.annotation",
];

/// The end.
const END: &[&str] = &["debugtrap", "trap", "ubsantrap"];

/// Whether an intrinsic is one of these, by its name.
fn is_one_of(name: &str, kinds: &[&[&str]]) -> bool {
    let known = |rest: &str| kinds.iter().copied().flatten().any(|known| rest.starts_with(known));
    name.strip_prefix("llvm.").is_some_and(known)
}

/// Whether an intrinsic is known, by its name.
pub fn is_known(name: &str) -> bool {
    is_one_of(name, &[NUMBERS, MEMORY, SAID, END])
}

/// Whether an intrinsic is known to access no memory and to go on, by its name.
pub fn accesses_nothing(name: &str) -> bool {
    is_one_of(name, &[NUMBERS, SAID])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_some_targets_have_or_accesses_memory_in_its_own_way_is_not_known() {
        for name in
            ["llvm.ctpop.i64", "llvm.memcpy.inline.p0.p0.i64", "llvm.smul.with.overflow.i32", "llvm.assume"]
        {
            assert!(is_known(name), "{name}");
        }
        for name in [
            "llvm.x86.rdtsc",
            "llvm.masked.load.v4i32.p0",
            "llvm.va_start.p0",
            "llvm.stacksave.p0",
            "memcpy.",
        ] {
            assert!(!is_known(name), "{name}");
        }
    }
}
