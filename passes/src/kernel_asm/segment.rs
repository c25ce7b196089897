// SPDX-License-Identifier: MIT OR Apache-2.0

//! Per-CPU variables of "this CPU": memory relative to `%gs`.
//!
//! A recovery program runs on no CPU of the failing system. What tells CPUs apart is refused; the preemption count
//! is the program's own affair and stays still; other variables may be read, and are the boot CPU's.
//! `per_cpu(variable, cpu)` needs none of this: it is plain C.

use crate::llvm::{Builder, Module, Type, Value};

use super::machine::{Flags, Machine, Refusal, Slot};
use super::template::{Instruction, Operand};

/// A preemption count of 0 with no need to reschedule (`PREEMPT_ENABLED`, arch/x86/include/asm/preempt.h).
const PREEMPT_ENABLED: u64 = 0x8000_0000;

/// Executes `instruction` if it uses `%gs`.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    instruction: &Instruction,
) -> Result<bool, Refusal> {
    let Some(position) =
        instruction.operands.iter().position(|operand| matches!(operand, Operand::Segment(..)))
    else {
        return Ok(false);
    };
    let Operand::Segment(segment, inner) = &instruction.operands[position] else { return Ok(false) };
    let not_known = || Refusal::new("its per-CPU operand is not known to gpufas-cc");
    if segment != "gs" {
        return Err(Refusal::new("memory relative to `%fs` belongs to user programs"));
    }
    let (pointer, ty) = match machine.slot(inner) {
        Some(Slot::Memory(pointer, ty)) => (*pointer, *ty),
        Some(Slot::Register(Some(pointer), ty)) => (*pointer, *ty),
        _ => return Err(not_known()),
    };
    let variable = global_of(pointer).map(|global| global.name()).unwrap_or_default();
    match variable.as_str() {
        "current_task" | "pcpu_hot" | "const_pcpu_hot" | "const_current_task" => {
            return Err(Refusal::new(
                "`current` is the task that runs on this CPU, and a recovery program runs on none of the failing \
                 system; take a task from for_each_process(), or cpu_curr() of a run queue",
            ));
        }
        "cpu_number" | "this_cpu_off" => {
            return Err(Refusal::new(
                "a recovery program runs on no CPU of the failing system, so there is no \"this CPU\"; name one: \
                 per_cpu(variable, cpu), for_each_possible_cpu(cpu)",
            ));
        }
        "__preempt_count" => return preempt_count(machine, instruction, position).map(|()| true),
        _ => {}
    }
    let is_load = position == 0 && instruction.operands.len() == 2 && instruction.mnemonic.starts_with("mov");
    if !is_load {
        return Err(Refusal::new(format!(
            "it changes this CPU's copy of `{variable}`, and a recovery program runs on no CPU of the failing system; \
             use per_cpu(variable, cpu)"
        )));
    }
    let to = &instruction.operands[1];
    let bits = match instruction.mnemonic.chars().last() {
        Some('b') => 8,
        Some('w') => 16,
        Some('l') => 32,
        Some('q') => 64,
        _ => machine.width_of(to).or_else(|| Some(ty.bits())).ok_or_else(not_known)?,
    };
    let address = boot_cpu_address(machine.builder, module, pointer);
    let load = machine.builder.load(machine.builder.integer(bits), address, bits / 8);
    load.set_volatile();
    machine.write(to, load)?;
    Ok(true)
}

/// Reads and changes of the preemption count: it reads as enabled, and changes are dropped.
fn preempt_count(
    machine: &mut Machine<'_, '_>,
    instruction: &Instruction,
    position: usize,
) -> Result<(), Refusal> {
    let mnemonic = instruction.mnemonic.as_str();
    let builder = machine.builder;
    let enabled = builder.integer(32).constant(PREEMPT_ENABLED);
    if position == 0 && mnemonic.starts_with("mov") {
        return machine.write(&instruction.operands[1], enabled);
    }
    let no = builder.integer(1).zero();
    if mnemonic.starts_with("dec")
        || mnemonic.starts_with("inc")
        || mnemonic.starts_with("add")
        || mnemonic.starts_with("sub")
        || mnemonic.starts_with("and")
        || mnemonic.starts_with("or")
        || mnemonic.starts_with("cmp")
    {
        // "Not zero" is what keeps preempt_enable() from calling the scheduler.
        machine.flags = Flags { zero: Some(no), sign: Some(no), carry: Some(no), overflow: Some(no) };
        return Ok(());
    }
    Err(Refusal::new(format!("instruction `{mnemonic}` on the preemption count is not known to gpufas-cc")))
}

/// The global variable that an address is made from by constant steps.
fn global_of(pointer: Value<'_>) -> Option<Value<'_>> {
    let mut pointer = pointer;
    for _ in 0..16 {
        if pointer.is_global_variable() {
            return Some(pointer);
        }
        if !pointer.is_constant_expression() {
            return None;
        }
        pointer = pointer.operand(0)?;
    }
    None
}

/// `per_cpu_ptr(pointer, 0)`: `__per_cpu_offset[0]` added to the address.
fn boot_cpu_address<'c>(builder: &Builder<'c>, module: &Module<'c>, pointer: Value<'c>) -> Value<'c> {
    let offsets = module.declare_global("__per_cpu_offset", Type::integer(builder.context(), 64).array(1));
    let offset = builder.load(builder.integer(64), offsets, 8);
    let address = builder.add(builder.to_unsigned(pointer, 64), offset);
    builder.to_pointer(address)
}
