// SPDX-License-Identifier: MIT OR Apache-2.0

//! Loads of a GPU from the memory of a running system.
//!
//! A volatile load is one that is ordered towards the whole system (`ld.volatile`), and a GPU begins none before the one before it has
//! come back; its cache of the first level may answer one that is not ordered at all, for ever. Measured on an H100, PCIe 5, four
//! loads of each of 1,069 nodes of a list: volatile 2.41 us a node, ordered towards the threads of the device (`ld.relaxed.gpu`)
//! 1.46, not ordered 1.36. Of some 3,900 changes that a CPU made to a word, one every 5 us, the first saw 3,446, the second 3,619, the
//! third none.

use crate::llvm::{Module, Opcode, Value};
use crate::marker;

/// Widest load that has such a form, in bits.
const WIDEST: u32 = 64;

/// Relaxes the loads of a function that are known to be of kernel memory. None of this kind is left out or merged with another, and they
/// begin in their order. That is no order of what is seen: PTX gives one to relaxed loads of different places only where a fence
/// stands between them, as it does in kernel code that needs it, whose `READ_ONCE()` promises no more either (memory-barriers.txt).
pub fn relax<'c>(module: &Module<'c>, function: Value<'c>) {
    let context = module.context();
    for load in function.instructions() {
        if !load.is(Opcode::LLVMLoad) || !load.has_metadata(context, marker::OUTSIDE_METADATA) {
            continue;
        }
        let ty = load.ty();
        let bits = if ty.is_pointer() { 64 } else { ty.bits() };
        if (ty.is_pointer() || ty.is_integer())
            && (8..=WIDEST).contains(&bits)
            && load.alignment() >= bits.div_ceil(8)
        {
            load.set_relaxed_in_device(context);
        }
    }
}
