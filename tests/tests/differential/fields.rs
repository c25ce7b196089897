// SPDX-License-Identifier: MIT OR Apache-2.0

//! The layout of a scene as the C compiler sees it.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};

/// Offsets of fields, sizes of structures, limits; by name.
#[derive(Debug)]
pub struct Fields(HashMap<String, u64>);

/// `struct scene_field` of tests/differential/native/fields.c.
#[repr(C)]
struct RawField {
    name: *const c_char,
    value: u64,
}

impl Fields {
    /// Reads the table.
    ///
    /// # Safety
    ///
    /// `table` must be the address of `scene_fields` in a library that stays loaded.
    pub unsafe fn read(table: *const u8) -> Self {
        let mut fields = HashMap::new();
        let mut at = table.cast::<RawField>();
        loop {
            // SAFETY: the caller's promise; the table ends with a field without a name.
            let field = unsafe { at.read() };
            if field.name.is_null() {
                return Self(fields);
            }
            // SAFETY: a name is a constant of the library.
            let name = unsafe { CStr::from_ptr(field.name) };
            fields.insert(name.to_string_lossy().into_owned(), field.value);
            // SAFETY: this was not the last field.
            at = unsafe { at.add(1) };
        }
    }

    /// The value of a name.
    ///
    /// # Panics
    ///
    /// If fields.c does not list it.
    pub fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("native/fields.c lists no {name}"))
    }

    /// The field of `structure` that holds the byte at `offset`, for messages.
    pub fn name(&self, structure: &str, offset: u64) -> String {
        let prefix = format!("{structure}.");
        let field = self.0.iter().filter(|(name, start)| name.starts_with(&prefix) && **start <= offset);
        field
            .max_by_key(|(_, start)| **start)
            .map_or_else(String::new, |(name, start)| format!("{name}+{:#x}", offset - start))
    }
}
