// SPDX-License-Identifier: MIT OR Apache-2.0

//! The build id in the notes that a kernel image carries.

use crate::error::Result;
use crate::layout::View;
use crate::symbols::Symbols;

/// Most bytes of notes that are looked at; a Debian kernel has about 500.
const MAX_NOTES: u64 = 64 << 10;
/// `NT_GNU_BUILD_ID` of include/uapi/linux/elf.h.
const GNU_BUILD_ID: usize = 3;

/// The build id, in hexadecimal, if the image has one between `__start_notes` and `__stop_notes`
/// (include/asm-generic/vmlinux.lds.h, `NOTES`).
pub(crate) fn build_id(view: View<'_>, symbols: &Symbols) -> Result<Option<String>> {
    let bounds = (symbols.address("__start_notes"), symbols.address("__stop_notes"));
    let (Some(start), Some(stop)) = bounds else { return Ok(None) };
    let size = stop.saturating_sub(start).min(MAX_NOTES);
    Ok(find_build_id(&view.read_image(start, size)?))
}

/// Looks for the GNU build id in a sequence of ELF notes.
fn find_build_id(notes: &[u8]) -> Option<String> {
    let mut rest = notes;
    loop {
        let (name_size, tail) = take_u32(rest)?;
        let (size, tail) = take_u32(tail)?;
        let (kind, tail) = take_u32(tail)?;
        let (name, tail) = take_padded(tail, name_size)?;
        let (content, tail) = take_padded(tail, size)?;
        if kind == GNU_BUILD_ID && name == b"GNU\0" {
            return Some(content.iter().map(|byte| format!("{byte:02x}")).collect());
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
        assert_eq!(find_build_id(&[xen.clone(), linux, id].concat()).as_deref(), Some("eb4fbc0037"));
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
