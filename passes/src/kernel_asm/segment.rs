// SPDX-License-Identifier: MIT OR Apache-2.0

//! Per-CPU variables of "this CPU": memory relative to `%gs`.
//!
//! A recovery program runs as one CPU of the failing system, which is chosen when it starts
//! ([`gpufas_abi::Context::cpu`]): what belongs to this CPU is that CPU's. The preemption count is the program's own
//! affair: it reads as enabled, and changes are dropped. `per_cpu(variable, cpu)` needs none of this: it is plain C.

use crate::llvm::{AtomicOp, Builder, Module, Ordering, Type, Value};
use crate::{marker, memory_class};

use super::machine::{Machine, Slot};
use super::refusal::{Class, Refusal};
use super::template::{Instruction, Operand};

/// A preemption count of 0 with no need to reschedule (`PREEMPT_ENABLED`, arch/x86/include/asm/preempt.h).
const PREEMPT_ENABLED: u64 = 0x8000_0000;

/// What an operand relative to `%gs` is.
#[derive(Clone, Copy, Debug)]
pub enum Variable<'c> {
    /// How often preemption was disabled.
    PreemptCount,
    /// The number of this CPU.
    Number,
    /// What leads from a per-CPU variable to this CPU's copy.
    Offset,
    /// This CPU's copy of the variable at this address.
    Copy(Value<'c>),
}

/// The per-CPU variable whose own address is `pointer`.
fn variable_at<'c>(module: &Module<'c>, pointer: Value<'c>) -> Variable<'c> {
    let (global, offset) = global_of(module, pointer);
    let name = global.map(Value::name).unwrap_or_default();
    match (name.as_str(), offset) {
        ("__preempt_count", Some(0)) => Variable::PreemptCount,
        ("cpu_number", Some(0)) => Variable::Number,
        ("this_cpu_off", Some(0)) => Variable::Offset,
        // From 6.2 to 6.14 they are members of struct pcpu_hot (arch/x86/include/asm/current.h): the current task, the
        // preemption count, the number.
        ("pcpu_hot" | "const_pcpu_hot", Some(8)) => Variable::PreemptCount,
        ("pcpu_hot" | "const_pcpu_hot", Some(12)) => Variable::Number,
        _ => Variable::Copy(pointer),
    }
}

/// Refuses what `%gs` and `%fs` cannot be in an instruction.
///
/// # Errors
///
/// Memory relative to `%fs`, `lea`, which takes no account of segments, and what is no memory.
pub fn check(machine: &Machine<'_, '_>, instruction: &Instruction) -> Result<(), Refusal> {
    for operand in &instruction.operands {
        let Operand::Segment(segment, inner) = operand else { continue };
        if segment != "gs" {
            return Err(Refusal::new(Class::CpuState, "memory relative to `%fs` belongs to user programs"));
        }
        if instruction.mnemonic.starts_with("lea") {
            return Err(Refusal::unknown("`lea` takes no account of `%gs`"));
        }
        // x86_this_cpu_variable_test_bit() of older kernels (arch/x86/include/asm/percpu.h).
        if !machine.is_address(inner) {
            return Err(Refusal::new(
                Class::ThisCpu,
                "`%gs` stands before what is no memory, which no assembler takes",
            ));
        }
    }
    Ok(())
}

impl<'c> Machine<'_, 'c> {
    /// The variable of this CPU's that an operand is, if it is one.
    pub fn this_cpu(&self, operand: &Operand) -> Option<Variable<'c>> {
        let pointer = match operand {
            Operand::Segment(_, inner) => match &**inner {
                // `%gs:${1:a}` and `%gs:${1:P}` are an address in the text, `%gs:$1` is memory.
                Operand::Argument(index, _) | Operand::At(index) => match self.slots.get(*index)? {
                    Slot::Memory(pointer) | Slot::ThisCpu(pointer) | Slot::Register(Some(pointer), _) => {
                        *pointer
                    }
                    _ => return None,
                },
                Operand::Immediate(offset) => {
                    self.builder.to_pointer(self.builder.integer(64).signed_constant(*offset))
                }
                memory => self.address(memory)?,
            },
            operand => match self.slot(operand)? {
                Slot::ThisCpu(pointer) => *pointer,
                _ => return None,
            },
        };
        Some(variable_at(self.module, pointer))
    }

    /// Whether an operand is written as one of this CPU's, whether or not it is known which.
    pub fn is_this_cpu(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Segment(..)) || matches!(self.slot(operand), Some(Slot::ThisCpu(_)))
    }

    /// What a variable of this CPU's holds, as an integer of `bits` bits.
    pub fn read_this_cpu(&self, variable: Variable<'c>, bits: u32) -> Value<'c> {
        let builder = self.builder;
        match variable {
            Variable::PreemptCount => {
                builder.to_unsigned(builder.integer(32).constant(PREEMPT_ENABLED), bits)
            }
            Variable::Number => {
                let number = launch_constant(self.module, builder, marker::CPU, 32);
                builder.to_unsigned(number, bits)
            }
            Variable::Offset => {
                let offset = launch_constant(self.module, builder, marker::CPU_OFFSET, 64);
                builder.to_unsigned(offset, bits)
            }
            Variable::Copy(pointer) => {
                let load = builder.load(builder.integer(bits), self.copy_address(pointer), bits / 8);
                // `current` is asked for in places that never use it.
                if self.has_side_effects {
                    load.set_volatile();
                }
                load
            }
        }
    }

    /// Changes a variable of this CPU's.
    ///
    /// # Errors
    ///
    /// The program stays on its CPU.
    pub fn write_this_cpu(&self, variable: Variable<'c>, value: Value<'c>) -> Result<(), Refusal> {
        match variable {
            Variable::PreemptCount => {}
            Variable::Number | Variable::Offset => {
                return Err(Refusal::new(
                    Class::ThisCpu,
                    "it changes which CPU this is; gpufas run --cpu chooses it",
                ));
            }
            Variable::Copy(pointer) => {
                let store = self.builder.store(value, self.copy_address(pointer), value.ty().bits() / 8);
                store.set_volatile();
            }
        }
        Ok(())
    }

    /// The address of this CPU's copy of a variable: `per_cpu_ptr(pointer, cpu)`.
    pub fn copy_address(&self, pointer: Value<'c>) -> Value<'c> {
        copy_address(self.module, self.builder, pointer)
    }

    /// The memory that an instruction changes in one step, and how that is ordered: with a lock before all CPUs, on this
    /// CPU's variables without one before this CPU alone, which nothing interrupts in the middle of an instruction.
    pub fn one_step(&self, operand: &Operand, lock: bool) -> Option<(Value<'c>, Ordering)> {
        let ordering = if lock {
            Ordering::LLVMAtomicOrderingSequentiallyConsistent
        } else if matches!(self.this_cpu(operand), Some(Variable::Copy(_))) {
            Ordering::LLVMAtomicOrderingMonotonic
        } else {
            return None;
        };
        Some((self.address(operand)?, ordering))
    }
}

/// The address of this CPU's copy of a variable: `per_cpu_ptr(pointer, cpu)`.
pub fn copy_address<'c>(module: &Module<'c>, builder: &Builder<'c>, pointer: Value<'c>) -> Value<'c> {
    let offset = launch_constant(module, builder, marker::CPU_OFFSET, 64);
    builder.to_pointer(builder.add(builder.to_unsigned(pointer, 64), offset))
}

/// Loads what stays the same during a launch.
fn launch_constant<'c>(module: &Module<'c>, builder: &Builder<'c>, name: &str, bits: u32) -> Value<'c> {
    let variable = module.declare_global(name, Type::integer(builder.context(), bits));
    let load = builder.load(builder.integer(bits), variable, bits / 8);
    load.set_empty_metadata(builder.context(), "invariant.load");
    load
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

/// Exchange by a loop, as `this_cpu_xchg()` is before 6.9 (arch/x86/include/asm/percpu.h): `xchg` with memory would lock.
/// Says whether the instructions are one.
///
/// # Errors
///
/// Those of reading and writing the operands.
pub fn exchange_loop(machine: &mut Machine<'_, '_>, instructions: &[&Instruction]) -> Result<bool, Refusal> {
    let [load, exchange, jump] = instructions else { return Ok(false) };
    let ([from, to], [new, place]) = (load.operands.as_slice(), exchange.operands.as_slice()) else {
        return Ok(false);
    };
    let is_loop = matches!(load.mnemonic.as_str(), "movb" | "movw" | "movl" | "movq")
        && exchange.mnemonic.strip_prefix("cmpxchg") == load.mnemonic.strip_prefix("mov")
        && from == place
        && jump.mnemonic == "jnz"
        && matches!(jump.operands.as_slice(), [Operand::Text(label)] if label.ends_with('b'));
    let Some(Variable::Copy(pointer)) = machine.this_cpu(from).filter(|_| is_loop) else { return Ok(false) };
    let bits = match load.mnemonic.as_str() {
        "movb" => 8,
        "movw" => 16,
        "movl" => 32,
        _ => 64,
    };
    let (value, address) = (machine.read(new, bits)?, machine.copy_address(pointer));
    let old = machine.builder.atomic_ordered(
        AtomicOp::LLVMAtomicRMWBinOpXchg,
        address,
        value,
        Ordering::LLVMAtomicOrderingMonotonic,
    );
    machine.write(to, old)?;
    Ok(true)
}
