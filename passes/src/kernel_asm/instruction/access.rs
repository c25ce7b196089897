// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which memory an instruction accesses.

use gpufas_abi::Access as Kind;

use crate::kernel_asm::machine::Machine;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::template::{Instruction, Operand};
use crate::llvm::Value;

use super::{moves, split_suffix, string, width};

/// An access.
pub struct Access<'c> {
    /// The address, an integer or a pointer.
    pub address: Value<'c>,
    /// How many bytes, as an `i64`.
    pub size: Value<'c>,
    /// Load or store; what is both is a store.
    pub kind: Kind,
}

/// Instructions that only read their last operand.
const READING: &[&str] = &["cmp", "test", "bt", "mul", "imul", "div", "idiv", "push"];

/// The accesses of an instruction.
///
/// # Errors
///
/// If it is not clear how wide they are.
pub fn of<'c>(machine: &Machine<'_, 'c>, instruction: &Instruction) -> Result<Vec<Access<'c>>, Refusal> {
    if let Some(operation) = string::operation(instruction) {
        return operation.accesses(machine);
    }
    let operands = instruction.operands.as_slice();
    let (base, _) = split_suffix(&instruction.mnemonic);
    let mut accesses = Vec::new();
    for (position, operand) in operands.iter().enumerate() {
        if matches!(operand, Operand::Segment(..)) || !machine.is_memory(operand) {
            continue;
        }
        let Some(address) = machine.address(operand) else { continue };
        let bits = match base {
            "cmpxchg16b" => 128,
            "cmpxchg8b" => 64,
            _ => match moves::extended(base) {
                Some((from, _)) => from,
                None => width(machine, instruction)?,
            },
        };
        let writes = position + 1 == operands.len() && !READING.contains(&base) || base == "xchg";
        accesses.push(Access {
            address,
            size: machine.builder.u64(u64::from(bits / 8)),
            kind: if writes { Kind::Store } else { Kind::Load },
        });
    }
    Ok(accesses)
}
