// SPDX-License-Identifier: MIT OR Apache-2.0

//! How far numbers are shifted. C says nothing of a shift by as many bits as a number has, or more; x86-64 takes the count modulo
//! 32 or 64 (Intel SDM, volume 2, "SAL/SAR/SHL/SHR"), a GPU shifts everything out (PTX ISA, "shl"), and LLVM's optimiser
//! takes the result for anything. Kernel code does it (`hash_long(value, 0)`), and the memory of a failing kernel holds any
//! count. So all targets get the meaning that it has in the kernel.

use crate::llvm::{Builder, Module, Opcode, Value};

/// Widths of the numbers that C shifts; narrower ones become `int`.
const WIDTHS: &[u32] = &[32, 64, 128];

/// Takes the counts of all shifts modulo the width of what is shifted.
pub fn run(module: &Module<'_>) {
    for function in module.defined_functions() {
        for shift in function.instructions() {
            if matches!(shift.opcode(), Some(Opcode::LLVMShl | Opcode::LLVMLShr | Opcode::LLVMAShr)) {
                reduce(module, shift);
            }
        }
    }
}

fn reduce<'c>(module: &Module<'c>, shift: Value<'c>) {
    let Some(count) = shift.operand(1) else { return };
    let (ty, mask) = (count.ty(), u64::from(count.ty().bits()).wrapping_sub(1));
    if !ty.is_integer()
        || !WIDTHS.contains(&ty.bits())
        || count.as_unsigned().is_some_and(|count| count <= mask)
    {
        return;
    }
    let builder = Builder::before(module.context(), shift);
    shift.set_operand(1, builder.and(count, ty.constant(mask)));
}
