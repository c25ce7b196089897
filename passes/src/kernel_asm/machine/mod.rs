// SPDX-License-Identifier: MIT OR Apache-2.0

//! The state of a CPU while it executes one asm statement, as IR values: where each operand is, what each
//! register holds, and the flags.

mod binding;
mod outputs;

use crate::llvm::{Builder, Module, Opcode, Predicate, Type, Value};

use crate::kernel_asm::constraint::{Constraints, Place, is_high_byte, register_family, register_width};
use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::instruction::refused;
use crate::kernel_asm::refusal::Refusal;
use crate::kernel_asm::segment::Variable;
use crate::kernel_asm::template::Operand;

pub use binding::Binding;

/// What an operand is bound to.
#[derive(Clone, Debug)]
pub enum Slot<'c> {
    /// A register: what it holds, if anything yet, and the type of the C operand. What it holds has up to 64 bits, whatever the
    /// C operand's type; those above are 0.
    Register(Option<Value<'c>>, Type<'c>),
    /// Memory at an address.
    Memory(Value<'c>),
    /// This CPU's copy of the per-CPU variable at an address.
    ThisCpu(Value<'c>),
    /// A condition flag that is an output.
    Flag(String, Type<'c>),
    /// A label.
    Label,
    /// The same slot as another operand's.
    Same(usize),
}

/// The machine.
pub struct Machine<'a, 'c> {
    /// The module that the statement is in.
    pub module: &'a Module<'c>,
    /// Where instructions are built.
    pub builder: &'a Builder<'c>,
    /// One for each operand, then one for each register that is clobbered.
    pub slots: Vec<Slot<'c>>,
    /// The flags.
    pub flags: Flags<'c>,
    /// Whether the statement does more than make its outputs, so that it stays where they are not used.
    pub has_side_effects: bool,
    /// Variables that are stored to in the end, each with the slot that holds its value.
    pub variables: Vec<(usize, Value<'c>)>,
    /// Whether memory operands may be misaligned.
    pub is_unaligned: bool,
    /// What registers kept beside a part that was written: as such, not yet read by any instruction.
    pub kept: Vec<Value<'c>>,
    constraints: &'a Constraints,
}

impl<'a, 'c> Machine<'a, 'c> {
    /// The same operands at another place, with other values.
    pub fn inside<'b>(
        &self,
        builder: &'b Builder<'c>,
        slots: Vec<Slot<'c>>,
        flags: Flags<'c>,
    ) -> Machine<'b, 'c>
    where
        'a: 'b,
    {
        let variables = self.variables.clone();
        Machine { builder, slots, flags, variables, is_unaligned: false, kept: Vec::new(), ..*self }
    }

    /// The number of the operand that an operand of the text stands for, if it stands for one.
    pub fn index(&self, operand: &Operand) -> Option<usize> {
        let index = match operand {
            Operand::Argument(index, _) => *index,
            Operand::Register(name) => {
                let family = register_family(name);
                let Constraints { operands, clobbers, .. } = self.constraints;
                let operand = operands.iter().position(|constraint| constraint.is_register(&family));
                let clobber = || Some(operands.len() + clobbers.iter().position(|name| *name == family)?);
                operand.or_else(clobber)?
            }
            _ => return None,
        };
        match self.slots.get(index)? {
            Slot::Same(other) => Some(*other),
            _ => Some(index),
        }
    }

    /// The slot of an operand of the text.
    pub fn slot(&self, operand: &Operand) -> Option<&Slot<'c>> {
        self.slots.get(self.index(operand)?)
    }

    /// Whether two operands are the same register, or the second byte of the same.
    pub fn is_same_register(&self, one: &Operand, other: &Operand) -> bool {
        let index = self.index(one);
        index.is_some()
            && index == self.index(other)
            && is_high(one) == is_high(other)
            && matches!(self.slot(one), Some(Slot::Register(..)))
    }

    /// Whether an operand is a number in the text of the instruction.
    pub fn is_immediate(&self, operand: &Operand) -> bool {
        if let Operand::Immediate(_) = operand {
            return true;
        }
        let (Some(index), Some(Slot::Register(Some(value), _))) = (self.index(operand), self.slot(operand))
        else {
            return false;
        };
        let Some(constraint) = self.constraints.operands.get(index) else { return false };
        let is_address = value.ty().is_pointer() && value.is_constant();
        constraint.is_immediate(value.as_signed()) || is_address && constraint.is_immediate_address()
    }

    /// The constant that an operand of a directive stands for.
    pub fn constant(&self, operand: &Operand) -> Option<u64> {
        match (operand, self.slot(operand)) {
            (Operand::Immediate(value), _) => Some(value.cast_unsigned()),
            (_, Some(Slot::Register(Some(value), _))) => value.as_constant(),
            _ => None,
        }
    }

    /// The width in bits that an operand alone would give an instruction without a suffix: that of a register.
    pub fn width_of(&self, operand: &Operand) -> Option<u32> {
        match operand {
            Operand::Register(name) => Some(register_width(name)),
            Operand::Argument(_, modifier) => match self.slot(operand)? {
                Slot::Register(_, ty) if !self.is_immediate(operand) => match modifier {
                    Some('b' | 'h') => Some(8),
                    Some('w') => Some(16),
                    Some('k') => Some(32),
                    Some('q') => Some(64),
                    Some(_) => None,
                    None => Some(ty.bits()).filter(|bits| matches!(bits, 8 | 16 | 32 | 64)),
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// The address of a memory operand.
    pub fn address(&self, operand: &Operand) -> Option<Value<'c>> {
        if self.is_this_cpu(operand) {
            return match self.this_cpu(operand)? {
                Variable::Copy(pointer) => Some(self.copy_address(pointer)),
                _ => None,
            };
        }
        match operand {
            Operand::Memory(displacement, base) => {
                let base = match self.slot(base)? {
                    Slot::Register(Some(value), _) if self.width_of(base) == Some(64) => *value,
                    _ => return None,
                };
                let base = self.builder.to_pointer(base);
                Some(self.builder.offset(base, self.builder.integer(64).signed_constant(*displacement)))
            }
            Operand::Indexed(displacement, base, index, scale) => {
                if self.width_of(base) != Some(64) || self.width_of(index) != Some(64) {
                    return None;
                }
                let (base, index) = (self.read(base, 64).ok()?, self.read(index, 64).ok()?);
                let step = self.builder.u64(scale.cast_unsigned());
                let offset = self.builder.binary(Opcode::LLVMMul, index, step);
                let offset =
                    self.builder.add(offset, self.builder.integer(64).signed_constant(*displacement));
                Some(self.builder.offset(self.builder.to_pointer(base), offset))
            }
            Operand::At(index) => match self.slots.get(*index)? {
                Slot::Register(Some(address), ty) if ty.is_pointer() => {
                    Some(self.builder.to_pointer(*address))
                }
                _ => None,
            },
            // A register's width means nothing for memory.
            Operand::Argument(_, modifier) if !matches!(modifier, None | Some('b' | 'w' | 'k' | 'q')) => None,
            _ => match self.slot(operand)? {
                Slot::Memory(pointer) => Some(*pointer),
                _ => None,
            },
        }
    }

    /// Whether an operand is memory.
    pub fn is_memory(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Memory(..) | Operand::Indexed(..) | Operand::At(_))
            || self.is_this_cpu(operand)
            || matches!(self.slot(operand), Some(Slot::Memory(..)))
    }

    /// Whether an operand is written as an address, so that a segment can stand before it.
    pub fn is_address(&self, operand: &Operand) -> bool {
        let Operand::Argument(index, modifier) = operand else {
            return !matches!(operand, Operand::Register(_));
        };
        match self.slots.get(*index) {
            Some(Slot::Register(..)) => {
                let is_memory =
                    self.constraints.operands.get(*index).map(|one| &one.place) == Some(&Place::Address);
                // A number or name without its dollar sign.
                is_memory || matches!(modifier, Some('P' | 'c')) && self.is_immediate(operand)
            }
            _ => true,
        }
    }

    /// Reads an operand as an integer of `bits` bits.
    pub fn read(&self, operand: &Operand, bits: u32) -> Result<Value<'c>, Refusal> {
        if let Operand::Immediate(value) = operand {
            return Ok(self.builder.integer(bits).signed_constant(*value));
        }
        if self.is_this_cpu(operand) {
            let variable = self.this_cpu(operand).ok_or_else(not_known)?;
            return Ok(self.read_this_cpu(variable, bits));
        }
        if let Some(address) = self.address(operand) {
            let load = self.builder.load(self.builder.integer(bits), address, self.alignment(bits));
            load.set_volatile();
            return Ok(load);
        }
        self.check_register(operand)?;
        match self.slot(operand) {
            Some(Slot::Register(Some(value), _)) if is_high(operand) => {
                let value = self.builder.to_unsigned(*value, 64);
                let high = self.builder.binary(Opcode::LLVMLShr, value, self.builder.u64(8));
                Ok(self.builder.to_unsigned(high, bits))
            }
            Some(Slot::Register(Some(value), _)) => {
                // An immediate is sign-extended to the instruction's width.
                Ok(if self.is_immediate(operand) {
                    self.builder.to_signed(*value, bits)
                } else {
                    self.builder.to_unsigned(*value, bits)
                })
            }
            Some(Slot::Register(None, _)) => Err(Refusal::unknown("it reads a register that it has not set")),
            _ => Err(refused::register(operand)
                .unwrap_or_else(|| Refusal::unknown("an operand is neither register, memory nor number"))),
        }
    }

    /// The alignment in bytes of an access to `bits` bits.
    fn alignment(&self, bits: u32) -> u32 {
        if self.is_unaligned { 1 } else { bits / 8 }
    }

    /// What a modifier other than a register's part makes of an operand (an address, a negated number), and an address,
    /// which is memory in the text, are not known here.
    fn check_register(&self, operand: &Operand) -> Result<(), Refusal> {
        let known = match operand {
            Operand::Argument(index, modifier) => {
                let is_part = matches!(modifier, None | Some('b' | 'h' | 'w' | 'k' | 'q'));
                // Without the dollar sign, as in a displacement.
                let is_number = matches!(modifier, Some('c' | 'P')) && self.is_immediate(operand);
                (is_part || is_number)
                    && self.constraints.operands.get(*index).is_some_and(|one| one.place != Place::Address)
            }
            _ => true,
        };
        if known {
            Ok(())
        } else {
            Err(Refusal::unknown("an operand has a form that is not known to gpufas-cc"))
        }
    }

    /// Writes an operand of `bits` bits.
    pub fn write(&mut self, operand: &Operand, value: Value<'c>) -> Result<(), Refusal> {
        let bits = value.ty().bits();
        if self.is_this_cpu(operand) {
            let variable = self.this_cpu(operand).ok_or_else(not_known)?;
            return self.write_this_cpu(variable, value);
        }
        if let Some(address) = self.address(operand) {
            self.builder.store(value, address, self.alignment(bits)).set_volatile();
            return Ok(());
        }
        self.check_register(operand)?;
        let index = self.index(operand).ok_or_else(|| {
            refused::register(operand)
                .unwrap_or_else(|| Refusal::unknown("it changes a register that it does not say it changes"))
        })?;
        let Some(Slot::Register(old, ty)) = self.slots.get(index).cloned() else {
            return Err(Refusal::unknown("it writes to an operand that is no output"));
        };
        // A write of 32 bits clears the upper half of a register, a narrower one keeps the rest (Intel SDM volume 1, 3.4.1.1).
        // What the C operand's type has no room for is kept, too: a later instruction may name the whole register.
        let whole = match old {
            Some(old) if bits < 32 => {
                let shift = if is_high(operand) { 8 } else { 0 };
                let old = self.builder.to_unsigned(old, 64);
                let rest = self.builder.and(old, self.builder.u64(!(((1 << bits) - 1) << shift)));
                self.kept.push(rest);
                self.builder.or(rest, self.shifted(value, shift))
            }
            None if is_high(operand) => self.shifted(value, 8),
            _ => value,
        };
        self.slots[index] = Slot::Register(Some(whole), ty);
        Ok(())
    }

    /// A value as 64 bits, `shift` bits up.
    fn shifted(&self, value: Value<'c>, shift: u64) -> Value<'c> {
        let wide = self.builder.to_unsigned(value, 64);
        if shift == 0 { wide } else { self.builder.binary(Opcode::LLVMShl, wide, self.builder.u64(shift)) }
    }

    /// How many bits of a register may be other than 0.
    pub fn held_bits(&self, operand: &Operand) -> u32 {
        match self.slot(operand) {
            Some(Slot::Register(Some(value), _)) => value.ty().bits(),
            _ => 0,
        }
    }

    /// Sets zero and sign from a result.
    pub fn set_result_flags(&mut self, result: Value<'c>) {
        let zero = result.ty().zero();
        self.flags.zero = Some(self.builder.compare(Predicate::LLVMIntEQ, result, zero));
        self.flags.sign = Some(self.builder.compare(Predicate::LLVMIntSLT, result, zero));
    }

    /// A condition by its code (`c`, `nz`, `ge`), as an `i1`.
    ///
    /// # Errors
    ///
    /// If a flag that it is made of is undefined.
    pub fn condition(&self, code: &str) -> Result<Value<'c>, Refusal> {
        self.flags.condition(self.builder, code)
    }
}

fn not_known() -> Refusal {
    Refusal::unknown("its per-CPU operand is not known to gpufas-cc")
}

/// Whether an operand is the second byte of a register.
fn is_high(operand: &Operand) -> bool {
    match operand {
        Operand::Argument(_, modifier) => *modifier == Some('h'),
        Operand::Register(name) => is_high_byte(name),
        _ => false,
    }
}
