// SPDX-License-Identifier: MIT OR Apache-2.0

//! The memory of a native run and of a translated one, pointers apart the same.

use crate::fields::Fields;
use crate::machine::Machine;
use crate::memory::{Memory, PAGE_SIZE};
use crate::native::to_kernel;
use crate::scene::Scene;

/// The first byte in which two memories, both by kernel address, differ; pointers in `native` are addresses of the
/// native run's process.
pub fn difference(machine: &Machine, native: &Memory, translated: &Memory) -> Option<u64> {
    native.pages().find_map(|(address, page)| {
        let other = translated.page(address)?;
        (page != other).then(|| difference_in_page(machine, native, translated, address)).flatten()
    })
}

fn difference_in_page(machine: &Machine, native: &Memory, translated: &Memory, page: u64) -> Option<u64> {
    let mut at = page;
    while at < page + PAGE_SIZE {
        let (one, other) = (native.word(at), translated.word(at));
        // Most pointers are at multiples of 8.
        if one == other
            || one.and_then(|word| to_kernel(machine, word)).is_some_and(|word| Some(word) == other)
        {
            at += 8;
            continue;
        }
        for byte in at..at + 8 {
            if native.byte(byte) != translated.byte(byte) && !is_in_pointer(machine, native, translated, byte)
            {
                return Some(byte);
            }
        }
        at += 8;
    }
    None
}

/// Whether a byte is part of a pointer at any address whose values correspond.
fn is_in_pointer(machine: &Machine, native: &Memory, translated: &Memory, byte: u64) -> bool {
    (byte.wrapping_sub(7)..=byte).any(|start| {
        let pointer = native.word(start).and_then(|word| to_kernel(machine, word));
        pointer.is_some() && pointer == translated.word(start)
    })
}

/// What is at an address, for messages.
pub fn describe(scene: &Scene, fields: &Fields, address: u64) -> String {
    let Some((start, size)) =
        scene.objects.iter().find(|(start, size)| (*start..start + size).contains(&address))
    else {
        return format!("{address:#x}, in no object of the scene");
    };
    let offset = address - start;
    let field = ["scene", "item", "large"]
        .iter()
        .find(|structure| fields.get(structure) == *size)
        .map_or_else(String::new, |structure| fields.name(structure, offset));
    format!("{address:#x}, byte {offset:#x} of an object of {size:#x} bytes {field}")
}
