// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names of symbols in compiled programs.
//!
//! A program exports [`CONTEXT`], [`SYMBOL_TABLE`] (if it needs kernel symbols) and one function for each
//! entry point. Everything else is internal to it. A host bundle with variants for several kernels exports
//! these of each variant, with the variant's suffix (see the manifest) behind the names.

/// The [`Context`](crate::Context) of the program; the host writes it before a launch.
pub const CONTEXT: &str = "gpufas_context";

/// An array of `u64`: the run-time address of each kernel symbol that the program needs, in the order of
/// the manifest's list; then, for each function of the manifest's that has a place in the kernel, two: its address there and
/// its number, sorted by address, with the address 0 where this kernel lacks it. The host writes it before a launch.
pub const SYMBOL_TABLE: &str = "gpufas_symbol_table";

/// What precedes the name of a kernel symbol in the name of the `u64` that holds its run-time address, in relocatable code:
/// the order of a table is known only when a program is whole.
pub const SYMBOL_PREFIX: &str = "gpufas_symbol_";

/// What precedes the name of a function `void (*)(void)` that gives variables of relocatable code those initial values that are
/// known only at run time. It is called once, when the symbols' addresses are in their places.
pub const INITIALISE_PREFIX: &str = "gpufas_initialise_";

/// What the address of the program's function number 0 is, where it is the program's alone: no address that a kernel, a
/// process or a GPU has, since it is canonical nowhere.
pub const FUNCTION_BASE: u64 = 0x4750_5546_0000_0000;

/// The address of a symbol that was not found, where that is no error: a distance may be added to it, as to a per-CPU variable's, and
/// what comes of that is no address of anything either.
pub const NOWHERE: u64 = 0x4e6f_7768_0000_0000;

/// Distance of the addresses of two functions of successive numbers.
pub const FUNCTION_STEP: u64 = 16;

/// An array of `u64`: what the relocations of a relocatable program are on the target, in the order of the manifest's list;
/// until the host writes it, what they are on the kernel that the program was compiled for.
pub const RELOCATION_TABLE: &str = "gpufas_relocation_table";

/// The offset of a member that the target does not have. No address of the kernel's, with this added or subtracted, is one of
/// the kernel's or of the program's: so an access to the member is a fault.
pub const MISSING_MEMBER: u64 = 1 << 62;

/// What precedes the name of an entry point in the name of the exported function.
/// On the cuda target this is a kernel without parameters, else a C function `void (*)(void)`.
pub const ENTRY_PREFIX: &str = "gpufas_entry_";

/// The section of a host bundle (an ELF shared object) that holds the manifest as JSON.
pub const MANIFEST_SECTION: &str = ".gpufas.manifest";

/// The last bytes of a fatbinary with a manifest. The file is one of NVIDIA's containers for each of the
/// manifest's variants, in their order, then the manifest as JSON, then its length in bytes as a
/// little-endian `u64`, then this. CUDA takes the container's size from its header and ignores what follows.
pub const MANIFEST_MAGIC: [u8; 16] = *b"gpufas-manifest\n";

/// Functions of the device runtime that the passes insert calls of. Each is `extern "C"`.
pub mod runtime {
    /// `fn(stack: *mut u8)`: begins a launch. `stack` is the address of a local variable of the entry.
    pub const START: &str = "gpufas_start";
    /// `fn(result: i64)`: ends a launch regularly.
    pub const FINISH: &str = "gpufas_finish";
    /// `fn(va: u64, size: u64, site: u32) -> *mut u8`: the address of `size` bytes to load at once, a power of two of at most 16:
    /// those at `va`, or a copy of them if `va` is no multiple of `size`.
    pub const TRANSLATE_LOAD: &str = "gpufas_translate_load";
    /// `fn(va: u64, extent: u64) -> u64`: what is to be added to an address, modulo 2^64, to find all of the `extent` bytes there, or
    /// [`NOT_IN_ONE_PIECE`]. Never a fault.
    pub const OBJECT: &str = "gpufas_object";
    /// The same for a store, which is recorded in the journal. [`STORED`] must follow the store.
    pub const TRANSLATE_STORE: &str = "gpufas_translate_store";
    /// `fn(site: u32)`: a store through [`TRANSLATE_STORE`] was made.
    pub const STORED: &str = "gpufas_stored";
    /// `fn(new: u64)`: this was stored.
    pub const STORED_VALUE: &str = "gpufas_stored_value";
    /// `fn(old: u64, new: u64)`: the first was exchanged for the second in one step.
    pub const EXCHANGED: &str = "gpufas_exchanged";
    /// As [`TRANSLATE_STORE`] for what is loaded and stored in one step; `va` must be a multiple of `size`.
    pub const TRANSLATE_ATOMIC: &str = "gpufas_translate_atomic";
    /// `fn(to: *mut u8, va: u64, size: u64, site: u32)`: loads any number of bytes from any address, which
    /// may be misaligned and cross pages, into the program's own memory.
    pub const LOAD_BYTES: &str = "gpufas_load_bytes";
    /// `fn(va: u64, from: *const u8, size: u64, site: u32)`: stores any number of bytes.
    pub const STORE_BYTES: &str = "gpufas_store_bytes";
    /// `fn(to: u64, from: u64, size: u64, site: u32)`: `memmove`, each side kernel or own memory.
    pub const COPY: &str = "gpufas_copy";
    /// `fn(to: u64, byte: u8, size: u64, site: u32)`: `memset`.
    pub const FILL: &str = "gpufas_fill";
    /// `fn(va: u64, size: u64, access: u32, site: u32) -> u32`: 1 if any number of bytes at any address can be accessed, else 0.
    /// `access` is a number of [`Access`](crate::Access). What others unmap between the question and the access is a fault
    /// all the same.
    pub const ACCESSIBLE: &str = "gpufas_accessible";
    /// `fn(site: u32)`: counts a backward branch.
    pub const COUNT: &str = "gpufas_count";
    /// `fn(site: u32)`: checks the stack at the start of a function that may be recursive.
    pub const CHECK_STACK: &str = "gpufas_check_stack";
    /// `fn(kind: u32, access: u32, address: u64, size: u64, site: u32) -> !`: ends the program.
    pub const FAULT: &str = "gpufas_fault";
    /// `fn(address: u64, site: u32) -> *const u8`: in relocatable code, the function to call for the address of a function, which
    /// may be the kernel's. Only who links it to a whole knows which functions there are, so the device runtime has none.
    pub const CALLEE: &str = "gpufas_callee";
    /// `fn(text: *const u8, site: u32) -> !`: prints a NUL-terminated text of the program's own, and ends the program with
    /// [`FaultKind::Unsupported`](crate::FaultKind::Unsupported).
    pub const UNSUPPORTED: &str = "gpufas_unsupported";
    /// `fn(table: *const [u64; 2], kernels: u64, all: u64, target: u64, site: u32) -> u32`: the number of the function that a
    /// pointer leads to. `table` has the address and the number of `kernels` functions, by address; the program
    /// has `all` functions.
    pub const FUNCTION: &str = "gpufas_function";
    /// `fn(format: u64, arguments: *const u64, count: u32, site: u32) -> i32`: `printk`; each argument is
    /// sign- or zero-extended to 64 bits.
    pub const PRINT: &str = "gpufas_print";
    /// `fn(text: *const u8, length: u64, done: *mut u8, site: u32)`: puts the text of a `WARN()` into the log. `done`, unless
    /// it is null, is a byte that is 0 the first time, and only then it does.
    pub const WARN: &str = "gpufas_warn";
    /// The program's own variables whose address may meet kernel addresses: an array of
    /// [`OwnVariable`] of [`OWN_VARIABLE_COUNT`] entries, both defined by the compiler.
    pub const OWN_VARIABLES: &str = "gpufas_own_variables";
    /// A `u32`.
    pub const OWN_VARIABLE_COUNT: &str = "gpufas_own_variable_count";

    /// A `u8`, defined by the compiler: 1 if every access walks the page tables, as the papers describe it, else 0.
    pub const TRANSLATE_EVERY: &str = "gpufas_translate_every";
    /// What [`OBJECT`] returns for bytes that do not lie in one piece; what is to be added is a multiple of 16.
    pub const NOT_IN_ONE_PIECE: u64 = 1;

    /// All of the functions above.
    pub const FUNCTIONS: &[&str] = &[
        START,
        FINISH,
        TRANSLATE_LOAD,
        OBJECT,
        TRANSLATE_STORE,
        STORED,
        STORED_VALUE,
        EXCHANGED,
        TRANSLATE_ATOMIC,
        LOAD_BYTES,
        STORE_BYTES,
        COPY,
        FILL,
        ACCESSIBLE,
        COUNT,
        CHECK_STACK,
        FAULT,
        UNSUPPORTED,
        FUNCTION,
        PRINT,
        WARN,
    ];

    /// What precedes the name of a kernel or C library function that the runtime implements
    /// ([`LIBRARY`]). Its version takes the arguments of the original and then `site: u32`.
    pub const LIBRARY_PREFIX: &str = "gpufas_lib_";

    /// One of the program's own variables.
    #[repr(C)]
    #[derive(Clone, Copy, Debug)]
    pub struct OwnVariable {
        /// Its address.
        pub address: u64,
        /// Its size in bytes; the top bit ([`OWN_VARIABLE_CONSTANT`]) is set if it is a constant.
        pub size: u64,
    }

    /// Bit of [`OwnVariable::size`].
    pub const OWN_VARIABLE_CONSTANT: u64 = 1 << 63;

    /// `fn(site: u32) -> i32`: 1 if the host sends interrupts, else 0; a function of [`LIBRARY`].
    pub const INTERRUPTS_AVAILABLE: &str = "gpufas_interrupts_available";
    /// `fn(cpu: u32, apic_id: u32, vector: u32, address: u64, value: u64, size: u32, site: u32) -> i32`: asks for an interrupt; a
    /// function of [`LIBRARY`]. A program that calls it is one that asks for interrupts
    /// ([`Variant::interrupts`](crate::manifest::Variant::interrupts)).
    pub const REQUEST_INTERRUPT: &str = "gpufas_request_interrupt";

    /// `fn(site: u32) -> u64`: nanoseconds from some moment on, of the machine that the program runs on; a function of [`LIBRARY`].
    pub const CLOCK: &str = "gpufas_clock";

    /// `fn(site: u32) -> u32`: how often the program was run before ([`Context::tries`](crate::Context::tries)); a function of
    /// [`LIBRARY`].
    pub const TRIES: &str = "gpufas_tries";

    /// `fn(word: *const u8, size: u32, site: u32)`: a lock of the kernel's is about to be taken; a function of [`LIBRARY`]. In a
    /// program that calls it, [`STORED_VALUE`] or [`EXCHANGED`] follows each store of at most 8 bytes.
    pub const LOCK_TAKING: &str = "gpufas_lock_taking";

    /// Functions of the kernel and of C that the device runtime implements under
    /// [`LIBRARY_PREFIX`] and the same name. Pointers may be kernel or own addresses.
    pub const LIBRARY: &[&str] = &[
        "memcmp",
        "bcmp",
        "memchr",
        "strlen",
        "strnlen",
        "strcmp",
        "strncmp",
        "strcpy",
        "strncpy",
        "strscpy",
        "strchr",
        "strrchr",
        "vsnprintf",
        "gpufas_lock_held",
        LOCK_TAKING,
        "gpufas_lock_taken",
        "gpufas_lock_released",
        "gpufas_pause_begun",
        "gpufas_pause_ended",
        "gpufas_stores_are_kept",
        "gpufas_not_allocated",
        CLOCK,
        TRIES,
        INTERRUPTS_AVAILABLE,
        REQUEST_INTERRUPT,
    ];
}
