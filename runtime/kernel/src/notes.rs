// SPDX-License-Identifier: MIT OR Apache-2.0

//! The build id in the notes that a kernel image carries.

use crate::error::Result;
use crate::layout::View;
use crate::symbols::Symbols;
use std::ops::Range;

/// Most bytes of notes that are looked at; a Debian kernel has about 500.
const MAX_NOTES: u64 = 64 << 10;
/// `NT_GNU_BUILD_ID` of include/uapi/linux/elf.h.
const GNU_BUILD_ID: usize = 3;

/// A linker's build id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuildId {
    pub(crate) bytes: Vec<u8>,
    /// Where its bytes are in the image.
    pub(crate) address: u64,
}

impl BuildId {
    /// Most bytes that are taken for one; a SHA-1 has 20.
    pub(crate) const MAX: usize = 64;

    /// It in hexadecimal.
    pub(crate) fn hexadecimal(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The build id, if the image has one between `__start_notes` and `__stop_notes`
/// (include/asm-generic/vmlinux.lds.h, `NOTES`).
pub(crate) fn build_id(view: View<'_>, symbols: &Symbols) -> Result<Option<BuildId>> {
    let bounds = (symbols.address("__start_notes"), symbols.address("__stop_notes"));
    let (Some(start), Some(stop)) = bounds else { return Ok(None) };
    let size = stop.saturating_sub(start).min(MAX_NOTES);
    let notes = view.read_image(start, size)?;
    let found = find_build_id(&notes).filter(|range| range.len() <= BuildId::MAX);
    Ok(found.map(|range| BuildId { address: start + range.start as u64, bytes: notes[range].to_vec() }))
}

/// Looks for the GNU build id in a sequence of ELF notes.
fn find_build_id(notes: &[u8]) -> Option<Range<usize>> {
    let mut rest = notes;
    loop {
        let (name_size, tail) = take_u32(rest)?;
        let (size, tail) = take_u32(tail)?;
        let (kind, tail) = take_u32(tail)?;
        let (name, tail) = take_padded(tail, name_size)?;
        let start = notes.len() - tail.len();
        let (_, tail) = take_padded(tail, size)?;
        if kind == GNU_BUILD_ID && name == b"GNU\0" {
            return Some(start..start + size);
        }
        rest = tail;
    }
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*value) as usize, rest))
}

/// `size` bytes, and what follows them at the next multiple of 4.
fn take_padded(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let content = bytes.get(..size)?;
    Some((content, bytes.get(size.checked_next_multiple_of(4)?..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note(kind: u32, name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut note: Vec<u8> = [name.len() as u32, content.len() as u32, kind]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        for part in [name, content] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_after_other_notes() {
        let xen = note(3, b"Xen\0", &[1, 2, 3]);
        let linux = note(0x101, b"Linux\0", &[0; 4]);
        let id = note(3, b"GNU\0", &[0xeb, 0x4f, 0xbc, 0x00, 0x37]);
        let notes = [xen.clone(), linux, id].concat();
        let bytes = notes[find_build_id(&notes).unwrap()].to_vec();
        assert_eq!(BuildId { bytes, address: 0 }.hexadecimal(), "eb4fbc0037");
        assert_eq!(find_build_id(&xen), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut notes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = find_build_id(&notes);
            for byte in notes.iter_mut().step_by(2) {
                *byte &= 3;
            }
            let _ = find_build_id(&notes);
        }
    }
}
