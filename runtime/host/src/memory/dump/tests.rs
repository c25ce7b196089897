// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use gpufas_kernel::PhysicalMemory;
use proptest::prelude::*;
use std::io::Write;

/// An ELF core with a note and these pieces of memory: physical address and contents.
fn core(pieces: &[(u64, &[u8])]) -> Vec<u8> {
    let count = pieces.len() + 1;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(4u16.to_le_bytes()); // ET_CORE
    file.extend(62u16.to_le_bytes()); // EM_X86_64
    file.extend(1u32.to_le_bytes());
    file.extend(0u64.to_le_bytes());
    file.extend(64u64.to_le_bytes()); // program headers
    file.extend(0u64.to_le_bytes());
    file.extend(0u32.to_le_bytes());
    for value in [64, 56, count as u16, 0, 0, 0] {
        file.extend(value.to_le_bytes());
    }
    let mut offset = 64 + 56 * count as u64;
    let mut header = |kind: u32, offset: u64, physical: u64, size: u64| {
        file.extend(kind.to_le_bytes());
        file.extend(0u32.to_le_bytes());
        for value in [offset, 0, physical, size, size, 0] {
            file.extend(value.to_le_bytes());
        }
    };
    header(4, offset, 0, 0);
    for (physical, bytes) in pieces {
        header(1, offset, *physical, bytes.len() as u64);
        offset += bytes.len() as u64;
    }
    for (_, bytes) in pieces {
        file.extend(*bytes);
    }
    file
}

fn open_bytes(bytes: &[u8], split: Option<u64>) -> Result<GuestMemory> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    open(file.path(), split)
}

fn refusal(bytes: &[u8], split: Option<u64>) -> String {
    match open_bytes(bytes, split).unwrap_err() {
        error @ Error::DumpFormat { .. } => error.to_string(),
        error => panic!("{error}"),
    }
}

#[test]
fn pieces_of_a_core_are_where_they_say() {
    let memory = open_bytes(&core(&[(1 << 32, b"high"), (0x1000, b"low"), (0x1003, b"er")]), None).unwrap();
    assert_eq!(memory.ranges(), [0x1000..0x1005, 1 << 32..(1 << 32) + 4]);
    let mut text = [0; 5];
    memory.read(0x1000, &mut text).unwrap();
    assert_eq!(&text, b"lower");
    assert_eq!(memory.backing(), Backing::Dump);
}

#[test]
fn memory_that_is_there_twice_is_taken_once() {
    let pieces: [(u64, &[u8]); 4] = [(0x10, b"abcdef"), (0x12, b"cd"), (0x14, b"efgh"), (0x10, b"ab")];
    let memory = open_bytes(&core(&pieces), None).unwrap();
    let mut text = [0; 8];
    memory.read(0x10, &mut text).unwrap();
    assert_eq!(&text, b"abcdefgh");
    assert_eq!(memory.ranges(), std::slice::from_ref(&(0x10..0x18)));
}

#[test]
fn raw_files_begin_at_address_0_or_are_split() {
    let mut bytes = vec![0; 0x3000];
    bytes[0x1000] = 1;
    bytes[0x2000] = 2;
    let whole = open_bytes(&bytes, None).unwrap();
    assert_eq!(whole.ranges(), std::slice::from_ref(&(0..0x3000)));
    let split = open_bytes(&bytes, Some(0x2000)).unwrap();
    assert_eq!(split.ranges(), [0..0x2000, FOUR_GIB..FOUR_GIB + 0x1000]);
    let mut byte = [0];
    split.read(FOUR_GIB, &mut byte).unwrap();
    assert_eq!(byte, [2]);
    assert_eq!(
        open_bytes(&bytes, Some(1 << 30)).unwrap().ranges(),
        std::slice::from_ref(&(0..0x3000)),
        "smaller than the split"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    assert!(refusal(b"", None).contains("empty"));
    assert!(refusal(b"KDUMP   ", None).contains("compressed kdump"));
    assert!(refusal(b"makedumpfile\0\0\0\0", None).contains("flattened"));
    assert!(refusal(b"\x1f\x8b\x08", None).contains("gzip"));
    assert!(refusal(b"\x7fELF\x01\x01\x01", None).contains("64-bit"));
    assert!(refusal(&core(&[]), None).contains("no memory"));
    assert!(refusal(&core(&[(0, b"x")]), Some(4096)).contains("--memory-split"));
    assert!(refusal(&[0; 8192], Some(1)).contains("multiple of 4096"));
    let mut shared_object = core(&[(0, b"x")]);
    shared_object[16] = 3;
    assert!(refusal(&shared_object, None).contains("not a core"));
    let whole = core(&[(0x1000, b"abcdef")]);
    assert!(refusal(&whole[..whole.len() - 1], None).contains("truncated"));
    let error = open("/does/not/exist".as_ref(), None).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(matches!(open("/dev".as_ref(), None).unwrap_err(), Error::DumpFormat { .. }));
}

#[test]
fn a_piece_beyond_the_address_space_is_refused() {
    let mut file = core(&[(0x1000, b"abcdef")]);
    let physical = 64 + 56 + 24;
    file[physical..physical + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    refusal(&file, None);
}

proptest! {
    #[test]
    fn damaged_headers_are_survived(at in 4..176usize, value: u64) {
        let mut file = core(&[(0x1000, b"abcdef")]);
        let end = (at + 8).min(file.len());
        file[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        if let Ok(memory) = open_bytes(&file, None) {
            for range in memory.ranges() {
                let _ = memory.read(range.start, &mut [0]);
            }
        }
    }
}
