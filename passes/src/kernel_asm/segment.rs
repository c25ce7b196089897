// SPDX-License-Identifier: MIT OR Apache-2.0

//! Per-CPU variables of "this CPU": memory relative to `%gs`.
//!
//! A recovery program runs on no CPU of the failing system. What tells CPUs apart is refused; the preemption count
//! is the program's own affair and stays still; other variables may be read, and are the boot CPU's.
//! `per_cpu(variable, cpu)` needs none of this: it is plain C.

use crate::llvm::{Builder, Module, Type, Value};
use crate::memory_class;

use super::machine::{Flags, Machine, Slot};
use super::refusal::{Class, Refusal};
use super::template::{Instruction, Operand};

/// A preemption count of 0 with no need to reschedule (`PREEMPT_ENABLED`, arch/x86/include/asm/preempt.h).
const PREEMPT_ENABLED: u64 = 0x8000_0000;

const CURRENT: &str = "`current` is the task that runs on this CPU, and a recovery program runs on none of the failing \
                       system; take a task from for_each_process(), or cpu_curr() of a run queue";

const THIS_CPU: &str = "a recovery program runs on no CPU of the failing system, so there is no \"this CPU\"; name one: \
                        per_cpu(variable, cpu), for_each_possible_cpu(cpu)";

/// What a per-CPU variable means to a recovery program.
enum Meaning {
    /// The task on this CPU.
    Current,
    /// Which CPU this is.
    ThisCpu,
    /// How often preemption was disabled.
    PreemptCount,
    /// Anything else.
    Other,
}

/// The meaning of the variable at `offset` in a global variable.
fn meaning(name: &str, offset: Option<i64>) -> Meaning {
    match (name, offset) {
        ("current_task" | "const_current_task", _) => Meaning::Current,
        ("cpu_number" | "this_cpu_off", _) => Meaning::ThisCpu,
        ("__preempt_count", _) => Meaning::PreemptCount,
        // From 6.2 to 6.14 they are members of struct pcpu_hot (arch/x86/include/asm/current.h).
        ("pcpu_hot" | "const_pcpu_hot", Some(0)) => Meaning::Current,
        ("pcpu_hot" | "const_pcpu_hot", Some(8)) => Meaning::PreemptCount,
        ("pcpu_hot" | "const_pcpu_hot", _) => Meaning::ThisCpu,
        _ => Meaning::Other,
    }
}

/// Executes `instruction` if it uses `%gs`.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    instruction: &Instruction,
) -> Result<bool, Refusal> {
    let operands = instruction.operands.as_slice();
    let Some((position, segment, inner)) =
        operands.iter().enumerate().find_map(|(position, operand)| match operand {
            Operand::Segment(segment, inner) => Some((position, segment, inner)),
            _ => None,
        })
    else {
        return Ok(false);
    };
    if segment != "gs" {
        return Err(Refusal::new(Class::CpuState, "memory relative to `%fs` belongs to user programs"));
    }
    // `%gs:${1:a}` and `%gs:${1:P}` are an address in the text, `%gs:$1` is memory.
    let inner = match &**inner {
        Operand::At(index) => &Operand::Argument(*index, None),
        inner => inner,
    };
    let pointer = match machine.slot(inner) {
        Some(Slot::Memory(pointer) | Slot::Register(Some(pointer), _)) => *pointer,
        _ => return Err(Refusal::unknown("its per-CPU operand is not known to gpufas-cc")),
    };
    let (global, offset) = global_of(module, pointer);
    let variable = global.map(Value::name).unwrap_or_default();
    // Where the instruction would write: its last operand, unless it only compares.
    let is_destination = position + 1 == operands.len();
    let moved = matches!(instruction.mnemonic.as_str(), "mov" | "movb" | "movw" | "movl" | "movq");
    match (meaning(&variable, offset), operands) {
        (Meaning::Current, _) => return Err(Refusal::new(Class::ThisCpu, CURRENT)),
        (Meaning::ThisCpu, _) => return Err(Refusal::new(Class::ThisCpu, THIS_CPU)),
        (Meaning::PreemptCount, [_, to]) if moved && !is_destination => {
            let count = machine.builder.integer(32).constant(PREEMPT_ENABLED);
            machine.write(to, count)?;
        }
        (Meaning::PreemptCount, _) if is_destination => change_preempt_count(machine, instruction)?,
        (Meaning::Other, [_, to]) if moved && !is_destination => {
            let bits = match instruction.mnemonic.strip_prefix("mov") {
                Some("b") => 8,
                Some("w") => 16,
                Some("l") => 32,
                Some("q") => 64,
                _ => machine
                    .width_of(to)
                    .ok_or_else(|| Refusal::unknown("the width of a per-CPU variable is not clear"))?,
            };
            let address = boot_cpu_address(machine.builder, module, pointer);
            let load = machine.builder.load(machine.builder.integer(bits), address, bits / 8);
            load.set_volatile();
            machine.write(to, load)?;
        }
        (Meaning::Other, _) if is_destination => {
            return Err(Refusal::new(
                Class::ThisCpu,
                format!(
                    "it changes this CPU's copy of `{variable}`, and a recovery program runs on no CPU of the failing \
                 system; use per_cpu(variable, cpu)"
                ),
            ));
        }
        _ => {
            return Err(Refusal::new(
                Class::ThisCpu,
                format!(
                    "instruction `{}` on this CPU's copy of `{variable}` is not known to gpufas-cc; use \
                 per_cpu(variable, cpu)",
                    instruction.mnemonic
                ),
            ));
        }
    }
    Ok(true)
}

/// Changes of the preemption count are dropped: it stays as it reads.
fn change_preempt_count(machine: &mut Machine<'_, '_>, instruction: &Instruction) -> Result<(), Refusal> {
    let mnemonic = instruction.mnemonic.as_str();
    let base = mnemonic.strip_suffix('l').unwrap_or(mnemonic);
    if !matches!(base, "add" | "sub" | "inc" | "dec" | "and" | "or") {
        return Err(Refusal::new(
            Class::ThisCpu,
            format!("instruction `{mnemonic}` on the preemption count is not known to gpufas-cc"),
        ));
    }
    // "Not zero" is what keeps preempt_enable() from calling the scheduler.
    machine.flags = Flags { zero: Some(machine.builder.integer(1).zero()), ..Flags::default() };
    Ok(())
}

/// The global variable that an address is made from by constant steps, and how far into it they lead.
fn global_of<'c>(module: &Module<'c>, pointer: Value<'c>) -> (Option<Value<'c>>, Option<i64>) {
    let mut pointer = pointer;
    let mut offset = Some(0_i64);
    for _ in 0..16 {
        if pointer.is_global_variable() {
            return (Some(pointer), offset);
        }
        if pointer.gep_source_type().is_some() {
            let step = memory_class::constant_offset(module, pointer);
            offset = offset.zip(step).and_then(|(offset, step)| offset.checked_add(step));
        } else if !pointer.is_constant_expression() {
            break;
        }
        let Some(base) = pointer.operand(0) else { break };
        pointer = base;
    }
    (None, None)
}

/// `per_cpu_ptr(pointer, 0)`: `__per_cpu_offset[0]` added to the address.
fn boot_cpu_address<'c>(builder: &Builder<'c>, module: &Module<'c>, pointer: Value<'c>) -> Value<'c> {
    let offsets = module.declare_global("__per_cpu_offset", Type::integer(builder.context(), 64).array(1));
    let offset = builder.load(builder.integer(64), offsets, 8);
    let address = builder.add(builder.to_unsigned(pointer, 64), offset);
    builder.to_pointer(address)
}
