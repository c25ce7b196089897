// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the host tells the program.

use gpufas_abi::context::MAX_ARGUMENTS;
use gpufas_abi::{AddressSpace, Buffer, Context, Segment, Window};

const NO_BUFFER: Buffer = Buffer { address: 0, size: 0 };
const NO_WINDOW: Window = Window { start: 0, size: 0, offset: 0 };

/// The context; the host finds it by its name ([`gpufas_abi::symbols::CONTEXT`]) and writes it before a
/// launch. Nothing writes it during one: the program's own translations load their windows as what never changes, on a GPU
/// through a cache that no store reaches (PTX ISA, `ld.global.nc`).
#[unsafe(no_mangle)]
pub static mut gpufas_context: Context = Context {
    version: 0,
    flags: 0,
    space: AddressSpace {
        direct_map_start: 0,
        direct_map_end: 0,
        image_start: 0,
        image_end: 0,
        image_physical: 0,
        page_table_root: 0,
        page_table_levels: 0,
        segment_count: 0,
        segments: [Segment { start: 0, end: 0, base: 0 }; gpufas_abi::context::MAX_SEGMENTS],
    },
    windows: [NO_WINDOW; 2],
    arguments: [0; MAX_ARGUMENTS],
    strings: NO_BUFFER,
    report: NO_BUFFER,
    log: NO_BUFFER,
    journal: NO_BUFFER,
    interrupts: NO_BUFFER,
    budget: 0,
    stack_size: 0,
    cpu: 0,
    tries: 0,
    cpu_offset: 0,
};

/// The context of this launch.
#[inline(always)]
pub fn context() -> &'static Context {
    let context = &raw const gpufas_context;
    // SAFETY: the host writes the context only while no program runs, so that nothing changes it while
    // the reference lives.
    unsafe { &*context }
}
