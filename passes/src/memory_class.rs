// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whose memory an address belongs to, as far as the IR alone says.

use std::collections::HashSet;

use gpufas_abi::symbols;

use crate::llvm::{Module, Opcode, Type, Value};

/// Steps from an address back to its object that are followed.
const MOST_STEPS: usize = 64;

/// A place in or beyond an object of the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPlace<'c> {
    /// The local or global variable.
    pub object: Value<'c>,
    /// Its size in bytes.
    pub room: u64,
    /// How far into it the place is, if that is known.
    pub offset: Option<i64>,
}

impl OwnPlace<'_> {
    /// Whether `size` bytes there are known to be in the object.
    pub fn holds(self, size: u64) -> bool {
        let end = self
            .offset
            .and_then(|offset| u64::try_from(offset).ok())
            .and_then(|start| start.checked_add(size));
        end.is_some_and(|end| end <= self.room)
    }
}

/// The place that `pointer` is known to be, of an object of the program's own. `None` if it may be in kernel memory, or in
/// one of several objects.
///
/// An address that is made from an object's by steps is never an address of anything else.
pub fn own_place<'c>(module: &Module<'c>, pointer: Value<'c>) -> Option<OwnPlace<'c>> {
    let mut offset = Some(0_i64);
    let mut seen = HashSet::new();
    let mut pending = vec![pointer];
    let mut found: Option<OwnPlace<'c>> = None;
    while let Some(address) = pending.pop() {
        if !seen.insert(address) {
            continue;
        }
        if seen.len() > MOST_STEPS {
            return None;
        }
        if let Some(room) = own_object(module, address) {
            if found.is_some_and(|other| other.object != address) {
                return None;
            }
            found = Some(OwnPlace { object: address, room, offset: None });
            continue;
        }
        match address.opcode()? {
            Opcode::LLVMGetElementPtr => {
                let step = constant_offset(module, address);
                offset = offset.zip(step).and_then(|(offset, step)| offset.checked_add(step));
                pending.push(address.operand(0)?);
            }
            Opcode::LLVMBitCast | Opcode::LLVMFreeze => pending.push(address.operand(0)?),
            // A pointer that walks over the object, or one of two into it.
            Opcode::LLVMPHI => {
                offset = None;
                pending.extend(address.incoming().into_iter().map(|(value, _)| value));
            }
            Opcode::LLVMSelect => {
                offset = None;
                pending.extend([address.operand(1)?, address.operand(2)?]);
            }
            _ => return None,
        }
    }
    found.map(|place| OwnPlace { offset, ..place })
}

/// The size in bytes of an object that is the program's own or the compiler's.
fn own_object<'c>(module: &Module<'c>, object: Value<'c>) -> Option<u64> {
    if object.is_global_variable() {
        let name = object.name();
        // What the loader fills; llview itself makes no reference to anything else undefined.
        if object.is_declaration() && name != symbols::CONTEXT && !name.starts_with(symbols::SYMBOL_PREFIX) {
            return None;
        }
        return object.value_type().allocation_size(module);
    }
    let ty = object.allocated_type()?;
    let count = object.operand(0)?.as_unsigned()?;
    ty.allocation_size(module)?.checked_mul(count)
}

/// The offset in bytes of a `getelementptr` whose indices are all constant.
pub fn constant_offset<'c>(module: &Module<'c>, gep: Value<'c>) -> Option<i64> {
    let mut ty: Type<'c> = gep.gep_source_type()?;
    let mut offset = 0_i64;
    for (position, index) in gep.operands().into_iter().skip(1).enumerate() {
        let index = index.as_signed()?;
        let step = if position == 0 {
            i64::try_from(ty.allocation_size(module)?).ok()?.checked_mul(index)?
        } else if ty.is_structure() {
            let field = u32::try_from(index).ok()?;
            let step = i64::try_from(ty.field_offset(module, field)?).ok()?;
            ty = *ty.fields().get(usize::try_from(index).ok()?)?;
            step
        } else {
            ty = ty.element()?;
            i64::try_from(ty.allocation_size(module)?).ok()?.checked_mul(index)?
        };
        offset = offset.checked_add(step)?;
    }
    Some(offset)
}
