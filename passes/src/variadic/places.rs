// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where arguments are passed, as the System V ABI for AMD64 has it (3.2.3), of the types that clang gives them in IR: it has
//! taken structures apart that go into registers, and says `byval` of those that go into memory.

use crate::llvm::{Module, Type};

/// Bytes of the area in which a function with variable arguments saves registers: 6 general ones of 8 bytes, 8 vector ones of 16
/// (the same, figure 3.33).
pub const SAVE_AREA: u64 = 176;

/// Where the vector registers begin in it, and the bytes of a register of either kind.
const VECTOR_REGISTERS: u64 = 48;
const GENERAL_SIZE: u64 = 8;
const VECTOR_SIZE: u64 = 16;

/// Bytes of a slot of the overflow area.
const SLOT: u64 = 8;

/// How an argument is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// In so many general registers, if there are as many left.
    General(u64),
    /// In a vector register.
    Vector,
    /// In memory.
    Memory,
}

/// A structure that is passed in memory, whatever registers are left.
#[derive(Clone, Copy, Debug)]
pub struct ByValue<'c> {
    /// Its type.
    pub ty: Type<'c>,
    /// Its alignment in bytes, if it is said.
    pub alignment: Option<u64>,
}

/// The place of a variable argument in what a caller hands over: the area of saved registers, and the overflow area behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning of the area of saved registers.
    pub offset: u64,
    /// Bytes that the argument takes.
    pub size: u64,
}

/// The places of the arguments so far.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    general: u64,
    vector: u64,
    end: u64,
    alignment: u64,
}

impl Default for Places {
    fn default() -> Self {
        Self { general: 0, vector: VECTOR_REGISTERS, end: SAVE_AREA, alignment: VECTOR_SIZE }
    }
}

impl Places {
    /// `gp_offset` and `fp_offset` of a list that begins behind the arguments so far.
    pub fn offsets(&self) -> (u64, u64) {
        (self.general, self.vector)
    }

    /// Bytes of both areas together.
    pub fn size(&self) -> u64 {
        self.end
    }

    /// The alignment of both areas in bytes.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Passes over an argument that is none of the variable ones. `None` if it is not known how it is passed.
    pub fn skip<'c>(&mut self, module: &Module<'c>, ty: Type<'c>, by_value: bool) -> Option<()> {
        if !by_value {
            // Those in memory lie before the overflow area, on the stack.
            _ = self.register(class(module, ty)?);
        }
        Some(())
    }

    /// The place of the next variable argument. `None` if it is not known how it is passed.
    pub fn next<'c>(
        &mut self,
        module: &Module<'c>,
        ty: Type<'c>,
        by_value: Option<ByValue<'c>>,
    ) -> Option<Place> {
        let (class, held, alignment) = match by_value {
            Some(ByValue { ty, alignment }) => (Class::Memory, ty, alignment),
            None => (class(module, ty)?, ty, None),
        };
        let size = held.allocation_size(module)?;
        if let Some(offset) = self.register(class) {
            return Some(Place { offset, size });
        }
        let alignment = alignment.unwrap_or_else(|| held.abi_alignment(module)).max(SLOT);
        let offset = self.end.next_multiple_of(alignment);
        self.end = (offset + size).next_multiple_of(SLOT);
        self.alignment = self.alignment.max(alignment);
        Some(Place { offset, size })
    }

    /// The place of the registers that an argument goes into; an argument for which there are not enough takes none.
    fn register(&mut self, class: Class) -> Option<u64> {
        let (next, size, end) = match class {
            Class::General(count) => (&mut self.general, count * GENERAL_SIZE, VECTOR_REGISTERS),
            Class::Vector => (&mut self.vector, VECTOR_SIZE, SAVE_AREA),
            Class::Memory => return None,
        };
        let start = *next;
        if start + size > end {
            return None;
        }
        *next += size;
        Some(start)
    }
}

fn class<'c>(module: &Module<'c>, ty: Type<'c>) -> Option<Class> {
    if ty.is_integer() || ty.is_pointer() {
        return match ty.bits() {
            1..=64 => Some(Class::General(1)),
            128 => Some(Class::General(2)),
            _ => None,
        };
    }
    if ty.is_x87() {
        return Some(Class::Memory);
    }
    let is_vector = ty.is_floating_point() || ty.is_vector();
    // Wider ones depend on what the CPU has.
    (is_vector && ty.store_size(module)? <= VECTOR_SIZE).then_some(Class::Vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_register_takes_none() {
        let mut places = Places::default();
        for expected in [0, 8, 16, 24, 32] {
            assert_eq!(places.register(Class::General(1)), Some(expected));
        }
        assert_eq!(places.register(Class::General(2)), None);
        assert_eq!(places.register(Class::General(1)), Some(40));
        assert_eq!(places.register(Class::General(1)), None);
        assert_eq!(places.register(Class::Memory), None);
        assert_eq!(places.register(Class::Vector), Some(48));
        assert_eq!(places.offsets(), (48, 64));
        for _ in 0..7 {
            assert!(places.register(Class::Vector).is_some());
        }
        assert_eq!(places.register(Class::Vector), None);
        assert_eq!(places.offsets(), (48, SAVE_AREA));
    }
}
