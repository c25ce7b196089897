// SPDX-License-Identifier: MIT OR Apache-2.0

//! The manifest: what a compiled program says of itself, as JSON inside the program's file.

use serde::{Deserialize, Serialize};

use crate::relocation::Relocatable;
pub use crate::types::{Bits, Enumerator, Keyword, Member, Structure};

/// What a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A CUDA fatbinary.
    Cuda,
    /// A shared object for the host of a virtual machine.
    Host,
}

/// The manifest of a compiled program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`ABI_VERSION`](crate::ABI_VERSION) of the compiler.
    pub abi: u32,
    /// What the program is made for.
    pub target: Target,
    /// GPU architectures with machine code, then those with PTX (`sm_90`, `compute_90`); empty for the host.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// Entry points in the order of the source; every variant has them.
    pub entries: Vec<Entry>,
    /// The program as compiled for each kernel, in the order of the code in the file; at least one.
    pub variants: Vec<Variant>,
    /// Tools that made the program: name and version.
    pub toolchain: Vec<Tool>,
}

/// The program as compiled for one kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The kernel.
    pub kernel: Kernel,
    /// What follows the names of all symbols that the variant exports in a host bundle; empty in a program for one kernel,
    /// and on the cuda target, where each variant has a container of its own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// Kernel symbols whose addresses the program needs, in the order of the symbol table; `FILE:NAME` is what is static in
    /// a source file of the kernel, `*:NAME` the only symbol of that name, wherever it is.
    pub symbols: Vec<String>,
    /// Symbols among these that are weak: their address is 0 in a kernel that does not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weak: Vec<String>,
    /// Symbols among these that only functions mention to which pointers in the kernel's memory may lead, if any does: one that
    /// is not found has an address of nothing ([`NOWHERE`](crate::symbols::NOWHERE)).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speculative: Vec<String>,
    /// Functions that pointers may lead to, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// What the files define that symbols are static in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Contents>,
    /// Structures and unions of the kernel that the program touches, as it was compiled; sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structures: Vec<Structure>,
    /// Constants of enumerations of the kernel that the program has in it as numbers; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enumerators: Vec<Enumerator>,
    /// What the host works out for other kernels than this one, if the variant is relocatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relocatable: Option<Relocatable>,
    /// Whether the program stores to kernel memory at all.
    pub writes: bool,
    /// Whether the program looks whether locks of the kernel's are free, without taking them: then nobody else may take them
    /// while it runs.
    #[serde(default)]
    pub checks_locks: bool,
    /// Whether what the program writes is of use as a whole only: if it does not come to its end, the host takes all of it back, as
    /// long as the target is paused.
    #[serde(default)]
    pub all_or_nothing: bool,
    /// Whether the program may ask for interrupts of the target's CPUs.
    #[serde(default)]
    pub interrupts: bool,
    /// Whether anything in the program belongs to "this CPU" (`current`, `smp_processor_id()`, `this_cpu_read()`), so that
    /// it runs as one of the target's CPUs.
    #[serde(default)]
    pub this_cpu: bool,
    /// Source sites; records name them by index. Site 0 is "unknown".
    pub sites: Vec<Site>,
}

/// A function that a pointer may lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name in the program.
    pub name: String,
    /// Its symbol in the kernel, as in [`Variant::symbols`], if it is the program's version of a function of the kernel's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// What a source file of the kernel defines: that tells which static symbols are its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The file, from the top of the kernel's source tree on.
    pub file: String,
    /// Its functions and variables; a static variable of a function is `function.variable`.
    pub names: Vec<String>,
    /// Inline functions of headers, of which other files may have copies, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlines: Vec<String>,
}

/// The kernel that a variant was compiled for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// `uname -v`, where the headers say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// GNU build id as lower-case hexadecimal, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
}

/// An entry point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name; the exported function has [`ENTRY_PREFIX`](crate::symbols::ENTRY_PREFIX) before it.
    pub name: String,
    /// One line of help.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// An argument of an entry point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name in the source.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ArgumentType,
}

/// The type of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArgumentType {
    /// `bool`.
    Bool,
    /// 32-bit signed integer.
    I32,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit signed integer.
    I64,
    /// 64-bit unsigned integer.
    U64,
    /// NUL-terminated string.
    String,
}

/// A place in the source that may fault or store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    /// Source file as the compiler was given it; empty if unknown.
    pub file: String,
    /// Line, from 1; 0 if unknown.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
    /// The function that holds the place.
    pub function: String,
    /// Where that function was inlined, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined_at: Vec<Frame>,
    /// What is there, where that is not plain from the source (the text of an unsupported operation).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// One step of an inlining chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// Source file of the call.
    pub file: String,
    /// Line of the call.
    pub line: u32,
    /// Column of the call.
    pub column: u32,
    /// The function that holds the call.
    pub function: String,
}

/// A tool that took part in making a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name (`clang`, `ptxas`).
    pub name: String,
    /// Its version as it says it.
    pub version: String,
}
