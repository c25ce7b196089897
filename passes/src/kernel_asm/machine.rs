// SPDX-License-Identifier: MIT OR Apache-2.0

//! The state of a CPU while it executes one asm statement, as IR values: where each operand is, what each
//! register holds, and the flags.

use crate::llvm::{Builder, Predicate, Type, Value};

use super::constraint::{Constraints, Place, register_family, register_width};
use super::template::Operand;

/// Why a template has no meaning in a recovery program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What an operand is bound to.
#[derive(Clone, Debug)]
pub enum Slot<'c> {
    /// A register: what it holds, if anything yet, and the type of the C operand.
    Register(Option<Value<'c>>, Type<'c>),
    /// Memory at an address, and the type of the C operand there.
    Memory(Value<'c>, Type<'c>),
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
    /// Where instructions are built.
    pub builder: &'a Builder<'c>,
    /// One for each operand.
    pub slots: Vec<Slot<'c>>,
    /// The flags.
    pub flags: Flags<'c>,
    constraints: &'a Constraints,
}

impl<'a, 'c> Machine<'a, 'c> {
    /// A machine whose operands are bound to a call's arguments.
    ///
    /// `outputs` are the types of the direct outputs; `arguments` pairs each argument with its
    /// `elementtype`.
    pub fn new(
        builder: &'a Builder<'c>,
        constraints: &'a Constraints,
        outputs: &[Type<'c>],
        arguments: &[(Value<'c>, Option<Type<'c>>)],
    ) -> Result<Self, Refusal> {
        let mismatch = || Refusal::new("its operands do not fit its constraints");
        let mut outputs = outputs.iter().copied();
        let mut arguments = arguments.iter().copied();
        let mut slots: Vec<Slot<'c>> = Vec::new();
        for operand in &constraints.operands {
            let slot = match (&operand.place, operand.output) {
                (Place::Memory, _) => {
                    let (pointer, ty) = arguments.next().ok_or_else(mismatch)?;
                    Slot::Memory(pointer, ty.ok_or_else(mismatch)?)
                }
                (Place::Flag(name), true) => Slot::Flag(name.clone(), outputs.next().ok_or_else(mismatch)?),
                (Place::Label, _) => Slot::Label,
                (_, true) => Slot::Register(None, outputs.next().ok_or_else(mismatch)?),
                (Place::Tied(index), false) => {
                    let (value, _) = arguments.next().ok_or_else(mismatch)?;
                    let ty = match slots.get(*index) {
                        Some(Slot::Register(_, ty)) => *ty,
                        _ => return Err(mismatch()),
                    };
                    slots[*index] = Slot::Register(Some(value), ty);
                    Slot::Same(*index)
                }
                (_, false) => {
                    let (value, _) = arguments.next().ok_or_else(mismatch)?;
                    Slot::Register(Some(value), value.ty())
                }
            };
            slots.push(slot);
        }
        Ok(Self { builder, slots, flags: Flags::default(), constraints })
    }

    /// The number of the operand that an operand of the text stands for, if it stands for one.
    pub fn index(&self, operand: &Operand) -> Option<usize> {
        let index = match operand {
            Operand::Argument(index, _) => *index,
            Operand::Register(name) => {
                let family = register_family(name);
                self.constraints.operands.iter().position(|constraint| {
                    matches!(&constraint.place, Place::Fixed(fixed) if register_family(fixed) == family)
                })?
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

    /// The width in bits that an operand alone would give an instruction without a suffix.
    pub fn width_of(&self, operand: &Operand) -> Option<u32> {
        match operand {
            Operand::Argument(_, Some('b' | 'h')) => Some(8),
            Operand::Argument(_, Some('w')) => Some(16),
            Operand::Argument(_, Some('k')) => Some(32),
            Operand::Argument(_, Some('q')) => Some(64),
            Operand::Register(name) => Some(register_width(name)),
            Operand::Argument(..) => match self.slot(operand)? {
                Slot::Register(Some(value), _) if value.is_constant() && !value.ty().is_pointer() => None,
                Slot::Register(_, ty) | Slot::Memory(_, ty) => match ty.bits() {
                    bits @ (8 | 16 | 32 | 64) => Some(bits),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// The address of a memory operand.
    pub fn address(&self, operand: &Operand) -> Option<Value<'c>> {
        match operand {
            Operand::Memory(displacement, base) => {
                let base = match self.slot(base)? {
                    Slot::Register(Some(value), _) => *value,
                    _ => return None,
                };
                let base = self.builder.to_pointer(base);
                Some(self.builder.offset(base, self.builder.integer(64).signed_constant(*displacement)))
            }
            _ => match self.slot(operand)? {
                Slot::Memory(pointer, _) => Some(*pointer),
                _ => None,
            },
        }
    }

    /// Reads an operand as an integer of `bits` bits.
    pub fn read(&self, operand: &Operand, bits: u32) -> Result<Value<'c>, Refusal> {
        if let Operand::Immediate(value) = operand {
            return Ok(self.builder.integer(bits).signed_constant(*value));
        }
        if let Some(address) = self.address(operand) {
            let load = self.builder.load(self.builder.integer(bits), address, bits / 8);
            load.set_volatile();
            return Ok(load);
        }
        match self.slot(operand) {
            Some(Slot::Register(Some(value), _)) => {
                // An immediate is sign-extended to the instruction's width.
                Ok(if value.is_constant() {
                    self.builder.to_signed(*value, bits)
                } else {
                    self.builder.to_unsigned(*value, bits)
                })
            }
            Some(Slot::Register(None, _)) => Err(Refusal::new("it reads a register that it has not set")),
            _ => Err(Refusal::new("an operand is neither register, memory nor number")),
        }
    }

    /// Writes an operand of `bits` bits.
    pub fn write(&mut self, operand: &Operand, value: Value<'c>) -> Result<(), Refusal> {
        let bits = value.ty().bits();
        if let Some(address) = self.address(operand) {
            self.builder.store(value, address, bits / 8).set_volatile();
            return Ok(());
        }
        let index = self.index(operand).ok_or_else(|| Refusal::new("it changes a register of the CPU"))?;
        let Some(Slot::Register(old, ty)) = self.slots.get(index).cloned() else {
            return Err(Refusal::new("it writes to an operand that is no output"));
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
        let undefined = || Refusal::new(format!("condition `{code}` is not defined there"));
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

    /// The values of the direct outputs, in order.
    pub fn outputs(&self) -> Result<Vec<Value<'c>>, Refusal> {
        let mut values = Vec::new();
        for (slot, constraint) in self.slots.iter().zip(&self.constraints.operands) {
            if !constraint.output {
                continue;
            }
            match slot {
                Slot::Register(Some(value), ty) => values.push(self.builder.convert(*value, *ty)),
                Slot::Register(None, _) => return Err(Refusal::new("an output is never set")),
                Slot::Flag(code, ty) => {
                    let condition = self.condition(code)?;
                    values.push(self.builder.convert(condition, *ty));
                }
                Slot::Memory(..) | Slot::Label | Slot::Same(_) => {}
            }
        }
        Ok(values)
    }
}
