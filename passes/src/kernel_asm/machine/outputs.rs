// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a statement leaves: its outputs.

use crate::kernel_asm::constraint::Place;
use crate::kernel_asm::refusal::Refusal;
use crate::llvm::{Type, Value};

use super::{Machine, Slot};

impl<'c> Machine<'_, 'c> {
    /// Whether a register is one that the statement says it changes.
    pub fn is_written(&self, slot: usize) -> bool {
        self.constraints.operands.get(slot).is_none_or(|constraint| constraint.output)
    }

    /// For each direct output its value, if that is the stack pointer, which nothing here changes.
    pub fn stack_pointers(&self) -> Vec<Option<Value<'c>>> {
        let outputs = self.slots.iter().zip(&self.constraints.operands);
        outputs
            .filter(|(slot, constraint)| {
                constraint.output
                    && !constraint.is_indirect
                    && matches!(slot, Slot::Register(..) | Slot::Flag(..))
            })
            .map(|(slot, constraint)| match slot {
                Slot::Register(value, _) if constraint.is_register("rsp") => *value,
                _ => None,
            })
            .collect()
    }

    /// The types of the direct outputs, in order.
    pub fn output_types(&self) -> Vec<Type<'c>> {
        let outputs = self.slots.iter().zip(&self.constraints.operands);
        outputs
            .filter(|(_, constraint)| constraint.output && !constraint.is_indirect)
            .filter_map(|(slot, _)| match slot {
                Slot::Register(_, ty) | Slot::Flag(_, ty) => Some(*ty),
                _ => None,
            })
            .collect()
    }

    /// Whether the statement changes no register or variable that its operands name.
    pub fn outputs_are_empty(&self) -> bool {
        self.constraints.operands.iter().all(|one| !one.output || one.place == Place::Memory)
    }

    /// Stores to the variables that are outputs by their address.
    ///
    /// # Errors
    ///
    /// If one is never set.
    pub fn store_variables(&self) -> Result<(), Refusal> {
        for (index, pointer) in &self.variables {
            let Some(Slot::Register(Some(value), ty)) = self.slots.get(*index) else {
                return Err(Refusal::unknown("an output is never set"));
            };
            let value = self.builder.convert(*value, *ty);
            self.builder.store(value, *pointer, (ty.bits() / 8).max(1));
        }
        Ok(())
    }

    /// The values of the direct outputs, in order.
    ///
    /// # Errors
    ///
    /// If one is never set.
    pub fn outputs(&self) -> Result<Vec<Value<'c>>, Refusal> {
        let mut values = Vec::new();
        for (slot, constraint) in self.slots.iter().zip(&self.constraints.operands) {
            if !constraint.output || constraint.is_indirect {
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
