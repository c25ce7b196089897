// SPDX-License-Identifier: MIT OR Apache-2.0

//! Masking of interrupts (arch/x86/include/asm/irqflags.h).
//!
//! No interrupt of the failing system reaches a recovery program, so there is nothing to mask: the flags read as with
//! interrupts on, and what is written to them is dropped. `cli` and `sti` do nothing ([`super::instruction`]).

use super::machine::Machine;
use super::refusal::Refusal;
use super::template::{Instruction, Operand};

/// `X86_EFLAGS_IF` and the bit that is always set, `X86_EFLAGS_FIXED` (arch/x86/include/uapi/asm/processor-flags.h).
const INTERRUPTS_ON: i64 = 0x202;

/// Executes instructions that only mask interrupts. Says whether they are such.
///
/// # Errors
///
/// Those of writing the flags to where they are wanted.
pub fn execute(machine: &mut Machine<'_, '_>, instructions: &[&Instruction]) -> Result<bool, Refusal> {
    let words: Vec<_> = instructions
        .iter()
        .map(|instruction| (instruction.mnemonic.as_str(), instruction.operands.as_slice()))
        .collect();
    match words.as_slice() {
        [("push" | "pushq", [_]), ("popf" | "popfq", [])] => {}
        [("pushf" | "pushfq", []), ("pop" | "popq", [to])] => {
            let flags = machine.read(&Operand::Immediate(INTERRUPTS_ON), 64)?;
            machine.write(to, flags)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
