// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whose memory an address belongs to, as far as the IR alone says.

use gpufas_abi::symbols;

use crate::llvm::{Module, Opcode, Type, Value};

/// Steps from an address back to its object that are followed.
const MOST_STEPS: usize = 64;

/// What is known of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryClass<'c> {
    /// The program's own memory, wholly inside the object: needs nothing.
    Own,
    /// In or beyond this object of the program's own: the offset must be checked against its size in bytes.
    OwnUnchecked(Value<'c>, u64),
    /// The kernel's, or either: the address must be translated.
    Translated,
}

/// Classifies an access of `size` bytes at `pointer`.
pub fn classify<'c>(module: &Module<'c>, pointer: Value<'c>, size: u64) -> MemoryClass<'c> {
    let mut address = pointer;
    let mut offset = Some(0_i64);
    for _ in 0..MOST_STEPS {
        if let Some(room) = own_object(module, address) {
            return match offset {
                Some(offset)
                    if u64::try_from(offset)
                        .is_ok_and(|offset| offset.checked_add(size).is_some_and(|end| end <= room)) =>
                {
                    MemoryClass::Own
                }
                _ => MemoryClass::OwnUnchecked(address, room),
            };
        }
        match address.opcode() {
            Some(Opcode::LLVMGetElementPtr) => {
                offset = offset
                    .zip(constant_offset(module, address))
                    .and_then(|(offset, step)| offset.checked_add(step));
            }
            Some(Opcode::LLVMBitCast | Opcode::LLVMFreeze) => {}
            _ => return MemoryClass::Translated,
        }
        let Some(base) = address.operand(0) else { return MemoryClass::Translated };
        address = base;
    }
    MemoryClass::Translated
}

/// The size in bytes of an object that is the program's own or the compiler's.
fn own_object<'c>(module: &Module<'c>, object: Value<'c>) -> Option<u64> {
    if object.is_global_variable() {
        let name = object.name();
        // What the loader fills; llview itself makes no reference to anything else undefined.
        if object.is_declaration() && name != symbols::CONTEXT {
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
