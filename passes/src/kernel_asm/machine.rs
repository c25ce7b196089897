// SPDX-License-Identifier: MIT OR Apache-2.0

//! The state of a CPU while it executes one asm statement, as IR values: where each operand is, what each
//! register holds, and the flags.

use crate::llvm::{Builder, Module, Predicate, Type, Value};

use super::address_space;
use super::constraint::{Constraints, Place, register_family, register_width};
use super::instruction::refused;
use super::refusal::Refusal;
use super::segment::Variable;
use super::template::Operand;

/// What an operand is bound to.
#[derive(Clone, Debug)]
pub enum Slot<'c> {
    /// A register: what it holds, if anything yet, and the type of the C operand.
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

/// The condition flags that instructions here define; `None` is undefined.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags<'c> {
    /// Carry.
    pub carry: Option<Value<'c>>,
    /// Zero.
    pub zero: Option<Value<'c>>,
    /// Sign.
    pub sign: Option<Value<'c>>,
    /// Overflow.
    pub overflow: Option<Value<'c>>,
}

/// The machine.
pub struct Machine<'a, 'c> {
    /// The module that the statement is in.
    pub module: &'a Module<'c>,
    /// Where instructions are built.
    pub builder: &'a Builder<'c>,
    /// One for each operand.
    pub slots: Vec<Slot<'c>>,
    /// The flags.
    pub flags: Flags<'c>,
    /// Whether the statement does more than make its outputs, so that it stays where they are not used.
    pub has_side_effects: bool,
    constraints: &'a Constraints,
}

impl<'a, 'c> Machine<'a, 'c> {
    /// A machine whose operands are bound to a call's arguments.
    ///
    /// `outputs` are the types of the direct outputs.
    pub fn new(
        module: &'a Module<'c>,
        builder: &'a Builder<'c>,
        constraints: &'a Constraints,
        outputs: &[Type<'c>],
        arguments: &[Value<'c>],
    ) -> Result<Self, Refusal> {
        let mismatch = || Refusal::unknown("its operands do not fit its constraints");
        let mut outputs = outputs.iter().copied();
        let mut arguments = arguments.iter().copied();
        let mut slots: Vec<Slot<'c>> = Vec::new();
        for operand in &constraints.operands {
            let slot = match (&operand.place, operand.output) {
                (Place::Unknown, _) => {
                    return Err(Refusal::unknown("it uses registers other than the general-purpose ones"));
                }
                (Place::Memory, _) => {
                    let pointer = arguments.next().ok_or_else(mismatch)?;
                    match pointer.ty().address_space() {
                        0 => Slot::Memory(pointer),
                        address_space::GS => Slot::ThisCpu(address_space::flatten(builder, pointer)),
                        _ => {
                            return Err(Refusal::unknown(
                                "it accesses an address space that is not the kernel's",
                            ));
                        }
                    }
                }
                (Place::Flag(name), true) => Slot::Flag(name.clone(), outputs.next().ok_or_else(mismatch)?),
                (Place::Label, _) => Slot::Label,
                (_, true) => Slot::Register(None, outputs.next().ok_or_else(mismatch)?),
                (place, false) => {
                    let value = arguments.next().ok_or_else(mismatch)?;
                    let shared = match place {
                        Place::Tied(index) => Some(*index),
                        Place::Fixed(register) => constraints.operands[..slots.len()]
                            .iter()
                            .position(|other| other.output && other.is_register(register)),
                        _ => None,
                    };
                    match shared {
                        Some(index) => {
                            let Some(Slot::Register(held, _)) = slots.get_mut(index) else {
                                return Err(mismatch());
                            };
                            *held = Some(value);
                            Slot::Same(index)
                        }
                        None => Slot::Register(Some(value), value.ty()),
                    }
                }
            };
            if let Slot::Register(_, ty) | Slot::Flag(_, ty) = &slot
                && (!(1..=64).contains(&ty.bits()) || ty.address_space() != 0)
            {
                return Err(Refusal::unknown(
                    "an operand in a register is no integer or pointer of at most 64 bits",
                ));
            }
            slots.push(slot);
        }
        Ok(Self { module, builder, slots, flags: Flags::default(), has_side_effects: true, constraints })
    }

    /// The number of the operand that an operand of the text stands for, if it stands for one.
    pub fn index(&self, operand: &Operand) -> Option<usize> {
        let index = match operand {
            Operand::Argument(index, _) => *index,
            Operand::Register(name) => {
                let family = register_family(name);
                self.constraints.operands.iter().position(|constraint| constraint.is_register(&family))?
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

    /// Whether two operands are the same register.
    pub fn is_same_register(&self, one: &Operand, other: &Operand) -> bool {
        let index = self.index(one);
        index.is_some() && index == self.index(other) && matches!(self.slot(one), Some(Slot::Register(..)))
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
        let constraint = &self.constraints.operands[index];
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
                    Some('b') => Some(8),
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
            Operand::At(index) => match self.slots.get(*index)? {
                Slot::Register(Some(address), ty) if ty.is_pointer() => Some(*address),
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
        matches!(operand, Operand::Memory(..) | Operand::At(_))
            || self.is_this_cpu(operand)
            || matches!(self.slot(operand), Some(Slot::Memory(..)))
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
            let load = self.builder.load(self.builder.integer(bits), address, bits / 8);
            load.set_volatile();
            return Ok(load);
        }
        self.check_register(operand)?;
        match self.slot(operand) {
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

    /// What a modifier other than a register's width makes of an operand (its high byte, an address, a negated number),
    /// and an address, which is memory in the text, are not known here.
    fn check_register(&self, operand: &Operand) -> Result<(), Refusal> {
        let known = match operand {
            Operand::Argument(index, modifier) => {
                matches!(modifier, None | Some('b' | 'w' | 'k' | 'q'))
                    && self.constraints.operands.get(*index).is_some_and(|one| one.place != Place::Address)
            }
            Operand::Register(name) => !matches!(name.as_str(), "ah" | "bh" | "ch" | "dh"),
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
            self.builder.store(value, address, bits / 8).set_volatile();
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
        let room = ty.bits().max(8);
        // A write of 32 bits clears the upper half of a register, a narrower one keeps the rest (Intel SDM
        // volume 1, 3.4.1.1).
        let whole = if bits >= room || bits == 32 {
            value
        } else {
            let old = match old {
                Some(old) => self.builder.to_unsigned(old, room),
                None => self.builder.integer(room).zero(),
            };
            let mask = self.builder.integer(room).constant(u64::MAX << bits);
            self.builder.or(self.builder.and(old, mask), self.builder.to_unsigned(value, room))
        };
        self.slots[index] = Slot::Register(Some(self.builder.convert(whole, ty)), ty);
        Ok(())
    }

    /// Sets zero and sign from a result.
    pub fn set_result_flags(&mut self, result: Value<'c>) {
        let zero = result.ty().zero();
        self.flags.zero = Some(self.builder.compare(Predicate::LLVMIntEQ, result, zero));
        self.flags.sign = Some(self.builder.compare(Predicate::LLVMIntSLT, result, zero));
    }

    /// A condition by its code (`c`, `nz`, `ge`), as an `i1`.
    pub fn condition(&self, code: &str) -> Result<Value<'c>, Refusal> {
        let undefined = || Refusal::unknown(format!("condition `{code}` is not defined there"));
        let Flags { carry, zero, sign, overflow } = self.flags;
        let builder = self.builder;
        let (base, negated) = match code {
            "c" | "b" | "nae" => (carry, false),
            "nc" | "ae" | "nb" => (carry, true),
            "z" | "e" => (zero, false),
            "nz" | "ne" => (zero, true),
            "s" => (sign, false),
            "ns" => (sign, true),
            "o" => (overflow, false),
            "no" => (overflow, true),
            "be" | "na" => (carry.zip(zero).map(|(carry, zero)| builder.or(carry, zero)), false),
            "a" | "nbe" => (carry.zip(zero).map(|(carry, zero)| builder.or(carry, zero)), true),
            "l" | "nge" => (sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow)), false),
            "ge" | "nl" => (sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow)), true),
            "le" | "ng" | "g" | "nle" => {
                let less = sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow));
                (less.zip(zero).map(|(less, zero)| builder.or(less, zero)), matches!(code, "g" | "nle"))
            }
            _ => (None, false),
        };
        let base = base.ok_or_else(undefined)?;
        Ok(if negated { builder.not(base) } else { base })
    }

    /// Whether the statement changes nothing that its operands name.
    pub fn outputs_are_empty(&self) -> bool {
        self.constraints.operands.iter().all(|constraint| !constraint.output)
    }

    /// The values of the direct outputs, in order.
    pub fn outputs(&self) -> Result<Vec<Value<'c>>, Refusal> {
        let mut values = Vec::new();
        for (slot, constraint) in self.slots.iter().zip(&self.constraints.operands) {
            if !constraint.output {
                continue;
            }
            match slot {
                Slot::Register(Some(value), ty) => values.push(self.builder.convert(*value, *ty)),
                Slot::Register(None, _) => return Err(Refusal::unknown("an output is never set")),
                Slot::Flag(code, ty) => {
                    let condition = self.condition(code)?;
                    values.push(self.builder.convert(condition, *ty));
                }
                Slot::Memory(..) | Slot::ThisCpu(..) | Slot::Label | Slot::Same(_) => {}
            }
        }
        Ok(values)
    }
}

fn not_known() -> Refusal {
    Refusal::unknown("its per-CPU operand is not known to gpufas-cc")
}
