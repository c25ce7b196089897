// SPDX-License-Identifier: MIT OR Apache-2.0

//! Operands of a statement, bound to the arguments of the call that clang made of it.

use crate::kernel_asm::address_space;
use crate::kernel_asm::constraint::{Constraints, Place};
use crate::kernel_asm::flags::Flags;
use crate::kernel_asm::refusal::Refusal;
use crate::llvm::{Builder, Module, Type, Value};

use super::{Machine, Slot};

/// What a call hands to a machine.
pub struct Binding<'b, 'c> {
    /// The types of the direct outputs.
    pub outputs: &'b [Type<'c>],
    /// The arguments.
    pub arguments: &'b [Value<'c>],
    /// For each argument that is an address, the type of what is there.
    pub elements: &'b [Option<Type<'c>>],
}

impl<'a, 'c> Machine<'a, 'c> {
    /// A machine whose operands are bound to a call's.
    ///
    /// # Errors
    ///
    /// If the constraints do not fit the call, or ask for what is not known here.
    pub fn new(
        module: &'a Module<'c>,
        builder: &'a Builder<'c>,
        constraints: &'a Constraints,
        binding: &Binding<'_, 'c>,
    ) -> Result<Self, Refusal> {
        let mismatch = || Refusal::unknown("its operands do not fit its constraints");
        let mut outputs = binding.outputs.iter().copied();
        let mut arguments = binding.arguments.iter().copied().zip(binding.elements.iter().copied());
        let mut slots: Vec<Slot<'c>> = Vec::new();
        let mut variables = Vec::new();
        for operand in &constraints.operands {
            let slot = match (&operand.place, operand.output) {
                (Place::Unknown, _) => {
                    return Err(Refusal::unknown("it uses registers other than the general-purpose ones"));
                }
                (Place::Memory, _) => {
                    let (pointer, _) = arguments.next().ok_or_else(mismatch)?;
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
                (_, output) if operand.is_indirect => {
                    let (pointer, element) = arguments.next().ok_or_else(mismatch)?;
                    let element = element.ok_or_else(mismatch)?;
                    if output {
                        variables.push((slots.len(), pointer));
                        Slot::Register(None, element)
                    } else {
                        // Variables that clang passes by address are aligned as their type.
                        let value = builder.load(element, pointer, (element.bits() / 8).max(1));
                        Slot::Register(Some(value), element)
                    }
                }
                (_, true) => Slot::Register(None, outputs.next().ok_or_else(mismatch)?),
                (place, false) => {
                    let (value, _) = arguments.next().ok_or_else(mismatch)?;
                    // `%gs:${1:a}` of a variable that is declared relative to `%gs`.
                    let is_relative = value.ty().address_space() == address_space::GS;
                    let value = if is_relative { address_space::flatten(builder, value) } else { value };
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
        let word = builder.integer(64);
        slots.extend(constraints.clobbers.iter().map(|_| Slot::Register(None, word)));
        Ok(Self {
            module,
            builder,
            slots,
            flags: Flags::default(),
            has_side_effects: true,
            variables,
            is_unaligned: false,
            kept: Vec::new(),
            constraints,
        })
    }
}
