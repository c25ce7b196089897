// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use proptest::prelude::*;
use std::io::Write;

/// A file with `bytes` at `offset`, and a hole before.
fn file(offset: u64, bytes: &[u8]) -> Arc<File> {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(bytes, offset).unwrap();
    Arc::new(file)
}

fn extent(start: u64, size: u64, file: &Arc<File>, offset: u64) -> Extent {
    Extent { physical: start..start + size, offset, file: Arc::clone(file) }
}

fn memory(backing: Backing, extents: Vec<Extent>) -> GuestMemory {
    GuestMemory::new(backing, extents, None, "test memory".into()).unwrap()
}

#[test]
fn reads_cross_extents_and_files() {
    let (one, two) = (file(0, b"abcd"), file(100, b"efgh"));
    let memory = memory(Backing::Shared, vec![extent(0x1004, 4, &two, 100), extent(0x1000, 4, &one, 0)]);
    assert_eq!(memory.ranges(), std::slice::from_ref(&(0x1000..0x1008)));
    assert_eq!(memory.size(), 8);
    let mut buffer = [0; 6];
    memory.read(0x1001, &mut buffer).unwrap();
    assert_eq!(&buffer, b"bcdefg");
    for address in [0xfff, 0x1003, u64::MAX - 2] {
        let error = memory.read(address, &mut buffer).unwrap_err();
        assert!(matches!(error, gpufas_kernel::Error::NotMemory { .. }), "{address:#x}: {error}");
    }
}

#[test]
fn a_file_that_was_truncated_is_an_error() {
    let file = file(0, &[7; 8192]);
    let memory = memory(Backing::Shared, vec![extent(0, 8192, &file, 0)]);
    file.set_len(4096).unwrap();
    memory.read(0, &mut [0; 4096]).unwrap();
    let error = memory.read(4096, &mut [0; 8]).unwrap_err();
    assert!(matches!(error, gpufas_kernel::Error::Unreadable { address: 4096, .. }), "{error}");
}

#[test]
fn writes_are_as_narrow_as_asked() {
    let file = file(0, &[0; 16]);
    let private = memory(Backing::Private, vec![extent(0x1000, 16, &file, 0)]);
    private.write(0x1003, &[1, 2]).unwrap();
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, [0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(private.write(0x100f, &[1, 2]).is_err(), "beyond the end");
    let dump = memory(Backing::Dump, vec![extent(0x1000, 16, &file, 0)]);
    assert!(!dump.is_writable() && dump.write(0x1000, &[1]).is_err() && dump.check_writable().is_ok());
}

#[test]
fn memory_that_may_only_be_read_is_told() {
    let file = file(0, &[0; 16]);
    let extents = vec![extent(0, 16, &file, 0)];
    let reason = Some(io::ErrorKind::PermissionDenied);
    let memory = GuestMemory::new(Backing::Shared, extents, reason, "it".into()).unwrap();
    assert!(!memory.is_writable());
    assert!(matches!(memory.check_writable(), Err(Error::NotWritable { .. })));
}

#[test]
fn extents_that_overlap_are_refused() {
    let file = file(0, &[0; 16]);
    let new = |extents| GuestMemory::new(Backing::Shared, extents, None, String::new());
    assert!(new(vec![extent(0, 9, &file, 0), extent(8, 8, &file, 8)]).is_err());
    assert!(matches!(new(vec![extent(8, 0, &file, 0)]), Err(Error::NoRam)));
}

#[test]
fn pages_are_found_beyond_holes_and_at_odd_offsets() {
    let mut file = tempfile::tempfile().unwrap();
    let at = [5 << 20, (5 << 20) + 4096 * 3, 40 << 20];
    for at in at {
        file.write_all_at(b"needle", at).unwrap();
    }
    file.write_all_at(b"needle", (6 << 20) + 8).unwrap();
    file.flush().unwrap();
    file.set_len(64 << 20).unwrap();
    let file = Arc::new(file);
    let extents = vec![extent(0, 32 << 20, &file, 0), extent(1 << 32, 32 << 20, &file, 32 << 20)];
    let found = memory(Backing::Shared, extents).find_pages(b"needle").unwrap();
    assert_eq!(found, [at[0], at[1], (1 << 32) + (8 << 20)]);
    // An extent whose pages are not those of the file.
    let shifted = memory(Backing::Dump, vec![extent(4096 - 8, 40 << 20, &file, 0)]);
    assert_eq!(shifted.find_pages(b"needle").unwrap(), [(6 << 20) + 4096]);
}

#[test]
fn mappings_of_one_file_join_where_they_follow() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(0x8000).unwrap();
    file.write_all_at(b"low", 0x2000).unwrap();
    file.write_all_at(b"high", 0x5000).unwrap();
    let file = Arc::new(file);
    let extents = vec![
        extent(0, 0x2000, &file, 0),
        extent(0x2000, 0x2000, &file, 0x2000),
        extent(1 << 32, 0x3000, &file, 0x5000),
    ];
    let memory = memory(Backing::Shared, extents);
    let mapped = MappedMemory::new(&memory).unwrap();
    let [low, high] = mapped.segments() else { panic!("{:?}", mapped.segments()) };
    assert_eq!((low.start, low.end, high.start, high.end), (0, 0x4000, 1 << 32, (1 << 32) + 0x3000));
    // SAFETY: the addresses are in the mapping.
    let text = |address: u64, size| unsafe { std::slice::from_raw_parts(address as *const u8, size) };
    assert_eq!(text(low.base + 0x2000, 3), b"low");
    assert_eq!(text(high.base, 4), b"high");
    // SAFETY: as above; a store reaches the file.
    unsafe { (high.base as *mut u8).write_volatile(b'H') };
    let mut byte = [0];
    memory.read(1 << 32, &mut byte).unwrap();
    assert_eq!(&byte, b"H");
}

#[test]
fn private_memory_is_not_mapped() {
    let file = file(0, &[0; 16]);
    let memory = memory(Backing::Private, vec![extent(0, 16, &file, 0)]);
    assert!(matches!(MappedMemory::new(&memory), Err(Error::PrivateMemory)));
}

proptest! {
    #[test]
    fn a_read_gives_what_is_there(cuts in prop::collection::btree_set(1..400u64, 0..6), at in 0..400u64, size in 0..400usize) {
        let bytes: Vec<u8> = (0..400u32).map(|index| (index * 7) as u8).collect();
        let file = file(0, &bytes);
        let mut edges: Vec<u64> = std::iter::once(0).chain(cuts).collect();
        edges.push(400);
        let extents = edges.windows(2).map(|edge| extent(0x1000 + edge[0], edge[1] - edge[0], &file, edge[0])).collect();
        let memory = memory(Backing::Shared, extents);
        let mut buffer = vec![0; size];
        let result = memory.read(0x1000 + at, &mut buffer);
        let end = at as usize + size;
        prop_assert_eq!(result.is_ok(), end <= 400);
        if result.is_ok() {
            prop_assert_eq!(&buffer, &bytes[at as usize..end]);
        }
    }
}
