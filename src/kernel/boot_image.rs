// SPDX-License-Identifier: MIT OR Apache-2.0

//! The build id inside a bootable image (`vmlinuz`), in the form of Documentation/arch/x86/boot.rst.
//!
//! The payload is unpacked by the machine's own tools, as the kernel's scripts/extract-vmlinux does: the kernel knows seven
//! forms of compression, and one of them would do for the most part.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use gpufas_abi::manifest::Kernel as ManifestKernel;

use super::build_id;

/// Largest image that is read; Debian's are about 10 MiB.
const LARGEST_IMAGE: u64 = 256 << 20;

/// Most of an unpacked kernel that is read; Debian's have about 60 MiB.
const LARGEST_KERNEL: u64 = 1 << 30;

/// How far into the unpacked kernel its notes may lie; Debian's are at 40 MiB.
const FARTHEST_NOTES: u64 = 512 << 20;

/// Most bytes of notes that are looked at; Debian's are about 500.
const MOST_NOTES: u64 = 64 << 10;

/// How a payload of each compression begins, and what unpacks it from standard input to standard output.
const COMPRESSIONS: &[(&[u8], &[&str])] = &[
    (b"\x1f\x8b", &["gzip", "-dc"]),
    (b"\xfd7zXZ\0", &["xz", "-dc", "--single-stream"]),
    (b"\x28\xb5\x2f\xfd", &["zstd", "-dcq"]),
    (b"BZh", &["bzip2", "-dc"]),
    (b"\x5d\0\0", &["xz", "-dc", "--format=lzma"]),
    (b"\x02\x21\x4c\x18", &["lz4", "-dc"]),
    (b"\x89LZO", &["lzop", "-dc"]),
];

/// The build id, if the image is of this kernel and can be unpacked here.
pub fn build_id(image: &Path, kernel: &ManifestKernel, version: &str) -> Option<String> {
    let image = read(image)?;
    if !names_itself(&image, kernel, version)? {
        return None;
    }
    unpack(&image, |output| notes(output).and_then(|notes| build_id::in_notes(&notes)))
}

/// The whole kernel in the image, an ELF file, if it is of this kernel and can be unpacked here.
pub fn kernel(image: &Path, kernel: &ManifestKernel, version: &str) -> Option<Vec<u8>> {
    let image = read(image)?;
    if !names_itself(&image, kernel, version)? {
        return None;
    }
    whole(&image)
}

/// The whole kernel in an image, whichever it is.
pub fn whole(image: &[u8]) -> Option<Vec<u8>> {
    unpack(image, |output| {
        let mut kernel = Vec::new();
        output.take(LARGEST_KERNEL).read_to_end(&mut kernel).ok()?;
        Some(kernel)
    })
}

/// Whether a file is a bootable image.
pub fn is_one(file: &[u8]) -> bool {
    file.get(0x202..0x206) == Some(b"HdrS")
}

fn read(image: &Path) -> Option<Vec<u8>> {
    if image.metadata().ok()?.len() > LARGEST_IMAGE {
        return None;
    }
    std::fs::read(image).ok()
}

/// Unpacks the payload, as far as `find` reads it.
fn unpack<T>(image: &[u8], find: impl FnOnce(ChildStdout) -> Option<T>) -> Option<T> {
    let payload = payload(image)?;
    let (_, tool) = COMPRESSIONS.iter().find(|(magic, _)| payload.starts_with(magic))?;
    let mut unpacking = Command::new(tool[0])
        .args(&tool[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let (input, output) = (unpacking.stdin.take(), unpacking.stdout.take());
    std::thread::scope(|scope| {
        // It ends when the tool is gone.
        scope.spawn(move || input.map(|mut input| input.write_all(payload)));
        let found = output.and_then(find);
        // The rest of the kernel need not be unpacked. There is nothing to do if the tool has ended by itself.
        let _ = unpacking.kill();
        let _ = unpacking.wait();
        found
    })
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
}

/// Whether the set-up header says `RELEASE (BUILDER) VERSION`; none if there is no such header.
fn names_itself(image: &[u8], kernel: &ManifestKernel, version: &str) -> Option<bool> {
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let text = image.get(number(image, 0x20e, 2)?.checked_add(0x200)?..)?;
    let text = text.split(|&byte| byte == 0).next()?;
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let start = format!("{} (", kernel.release);
    Some(text.starts_with(&start) && text.ends_with(&format!(") {version}")))
}

/// The compressed kernel (`payload_offset` and `payload_length`, protocol 2.08).
fn payload(image: &[u8]) -> Option<&[u8]> {
    let sectors = match number(image, 0x1f1, 1)? {
        0 => 4,
        sectors => sectors,
    };
    let start = ((sectors + 1) * 512).checked_add(number(image, 0x248, 4)?)?;
    image.get(start..start.checked_add(number(image, 0x24c, 4)?)?)
}

/// The first notes of an ELF file of 64 bits that comes from a pipe (`PT_NOTE` is 4).
fn notes(mut file: impl Read) -> Option<Vec<u8>> {
    let mut header = [0; 64];
    file.read_exact(&mut header).ok()?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) =
        (number(&header, 0x20, 8)?, number(&header, 0x36, 2)?, number(&header, 0x38, 2)?);
    let mut at = 64_u64;
    let mut read = |file: &mut dyn Read, start: u64, length: u64| {
        std::io::copy(&mut file.take(start.checked_sub(at)?), &mut std::io::sink()).ok()?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).ok()?;
        at = start.checked_add(length)?;
        Some(bytes)
    };
    let table = u64::try_from(table).ok().filter(|&table| table <= MOST_NOTES)?;
    let segments = read(&mut file, table, (size * count).min(1 << 16) as u64)?;
    let note = segments.chunks_exact(size.max(56)).find(|segment| number(segment, 0, 4) == Some(4))?;
    let (start, length) = (number(note, 0x08, 8)? as u64, number(note, 0x20, 8)? as u64);
    if start > FARTHEST_NOTES {
        return None;
    }
    read(&mut file, start, length.min(MOST_NOTES))
}

#[cfg(test)]
mod tests {
    use super::super::build_id::tests::{kernel, note};
    use super::*;

    /// A kernel with one note, compressed by a tool, in a bootable image.
    fn image(tool: &[&str], text: &str) -> Vec<u8> {
        let mut elf = vec![0; 4096];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[0x20] = 64;
        elf[0x36] = 56;
        elf[0x38] = 2;
        let notes = note(3, b"GNU\0", &[0xc0, 0xff, 0xee]);
        let segment = &mut elf[64 + 56..64 + 112];
        segment[0] = 4;
        segment[9] = 8;
        segment[0x20] = notes.len() as u8;
        elf[0x800..0x800 + notes.len()].copy_from_slice(&notes);
        // What follows the notes is not looked at, and need not be whole.
        elf.resize(1 << 20, 0x5a);
        let mut child = Command::new(tool[0])
            .args(&tool[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&elf).unwrap();
        let mut payload = child.wait_with_output().unwrap().stdout;
        payload.extend([0, 0, 0x10, 0]);

        let mut image = vec![0; 1024 + 256];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x20f] = 1;
        image[0x300..0x300 + text.len()].copy_from_slice(text.as_bytes());
        image[0x249] = 1;
        image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(payload);
        image
    }

    fn found(image: &[u8]) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), image).unwrap();
        build_id(file.path(), &kernel(), "#1 SMP Debian")
    }

    const TEXT: &str = "6.1.0-1-amd64 (builder) #1 SMP Debian";

    #[test]
    fn it_is_found_in_what_is_unpacked() {
        assert_eq!(found(&image(&["gzip", "-c"], TEXT)).as_deref(), Some("c0ffee"));
        assert_eq!(found(&image(&["xz", "-c", "--check=crc32"], TEXT)).as_deref(), Some("c0ffee"));
    }

    #[test]
    fn an_image_of_another_build_is_passed_over() {
        assert_eq!(found(&image(&["gzip", "-c"], "6.1.0-1-amd64 (builder) #2 SMP Debian")), None);
        assert_eq!(found(&image(&["gzip", "-c"], "6.1.0-1 (builder) #1 SMP Debian")), None);
    }

    #[test]
    fn damaged_images_are_survived() {
        let whole = image(&["gzip", "-c"], TEXT);
        for length in [0, 0x202, 0x24f, 1024, 1300, whole.len() - 1] {
            assert_eq!(found(&whole[..length]), None, "{length} bytes");
        }
        let mut wild = whole;
        wild[0x248..0x24c].fill(0xff);
        assert_eq!(found(&wild), None);
        assert_eq!(found(&[0xff; 4096]), None);
    }
}
