// SPDX-License-Identifier: MIT OR Apache-2.0

//! The manifest: what a compiled program says of itself, as JSON inside the program's file.

use serde::{Deserialize, Serialize};

use crate::relocation::Relocatable;

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

/// How C names a structure, union or enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keyword {
    /// `struct NAME`.
    Struct,
    /// `union NAME`.
    Union,
    /// A structure or union that has no tag, but a typedef.
    Typedef,
    /// `enum NAME`; no [`Structure`] is one.
    Enum,
}

/// A structure or union of the kernel, as far as a program uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// What its name is.
    pub keyword: Keyword,
    /// Its name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// The members that are used, in the order of their offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

/// A constant of an enumeration. An array in JSON: enumeration, name, value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(String, String, i64)", into = "(String, String, i64)")]
pub struct Enumerator {
    /// The tag of the enumeration; empty if it has none.
    pub enumeration: String,
    /// Its name.
    pub name: String,
    /// Its value; what is larger than an `i64` has the same 64 bits.
    pub value: i64,
}

impl From<(String, String, i64)> for Enumerator {
    fn from((enumeration, name, value): (String, String, i64)) -> Self {
        Self { enumeration, name, value }
    }
}

impl From<Enumerator> for (String, String, i64) {
    fn from(Enumerator { enumeration, name, value }: Enumerator) -> Self {
        (enumeration, name, value)
    }
}

/// A member of a structure or union. There are many, so it is an array in JSON: path, type, offset, size, and if it is a
/// bit-field first bit and number of bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MemberTuple", into = "MemberTuple")]
pub struct Member {
    /// Its name, or a path to a member of a member without a name of its type's, as in `rss_stat.count[0]`.
    pub path: String,
    /// Its type as C writes it, without the parameters of functions.
    pub ty: String,
    /// Bytes from the start of the structure; for a bit-field, of the byte that holds its first bit.
    pub offset: u64,
    /// Size in bytes; for a bit-field, of the bytes that hold any of its bits.
    pub size: u64,
    /// If it is a bit-field, which bits of these bytes, read as a little-endian number.
    pub bits: Option<Bits>,
}

/// Which bits of a number belong to a bit-field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bits {
    /// The lowest bit: 0 to 7.
    pub first: u64,
    /// How many bits.
    pub count: u64,
}

/// The form of a [`Member`] in JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum MemberTuple {
    BitField(String, String, u64, u64, u64, u64),
    Whole(String, String, u64, u64),
}

impl From<Member> for MemberTuple {
    fn from(member: Member) -> Self {
        let Member { path, ty, offset, size, bits } = member;
        match bits {
            Some(Bits { first, count }) => Self::BitField(path, ty, offset, size, first, count),
            None => Self::Whole(path, ty, offset, size),
        }
    }
}

impl From<MemberTuple> for Member {
    fn from(tuple: MemberTuple) -> Self {
        match tuple {
            MemberTuple::BitField(path, ty, offset, size, first, count) => {
                Self { path, ty, offset, size, bits: Some(Bits { first, count }) }
            }
            MemberTuple::Whole(path, ty, offset, size) => Self { path, ty, offset, size, bits: None },
        }
    }
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
