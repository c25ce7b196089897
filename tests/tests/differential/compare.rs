// SPDX-License-Identifier: MIT OR Apache-2.0

//! The memory of a native run and of a translated one, pointers apart the same.

use crate::fields::Fields;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::native::to_kernel;
use crate::scene::Scene;

/// The first byte in which two memories, both by kernel address, differ; pointers in `native` are addresses of the
/// native run's process.
pub fn difference(machine: &Machine, native: &Memory, translated: &Memory) -> Option<u64> {
    native.pages().find_map(|(address, page)| {
        let words = page.as_chunks::<8>().0.iter().zip(translated.page(address)?.as_chunks::<8>().0);
        let differing = (0..).step_by(8).zip(words).filter(|(_, (one, other))| one != other);
        let mut unlike = differing.filter(|(_, (one, other))| {
            // Most pointers are at multiples of 8.
            to_kernel(machine, u64::from_le_bytes(**one)) != Some(u64::from_le_bytes(**other))
        });
        unlike.find_map(|(offset, _)| difference_in_word(machine, native, translated, address + offset))
    })
}

fn difference_in_word(machine: &Machine, native: &Memory, translated: &Memory, at: u64) -> Option<u64> {
    (at..at + 8).find(|byte| {
        native.byte(*byte) != translated.byte(*byte) && !is_in_pointer(machine, native, translated, *byte)
    })
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
