// SPDX-License-Identifier: MIT OR Apache-2.0

//! What does not need a GPU. The rest is tried on one with the guests' scenario.

use super::*;
use crate::memory::Extent;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

fn memory(backing: Backing) -> GuestMemory {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(b"abcdefgh", 0).unwrap();
    let file = Arc::new(file);
    let extent = |physical, offset| Extent { physical, offset, file: Arc::clone(&file) };
    let extents = vec![extent(0x1003..0x1006, 1), extent(0x1006..0x1007, 7), extent(0x9000..0x9001, 0)];
    GuestMemory::new(backing, extents, None, "test".into()).unwrap()
}

#[test]
fn a_dump_is_copied_with_its_place_in_the_page() {
    let view = View::new(&memory(Backing::Dump)).unwrap();
    let [first, second] = view.segments()[..] else { panic!("{:?}", view.segments()) };
    assert_eq!((first.start, first.end, first.base % 4096), (0x1003, 0x1007, 3));
    assert_eq!((second.start, second.end, second.base % 4096), (0x9000, 0x9001, 0));
    // SAFETY: the copy has these bytes.
    let text = unsafe { std::slice::from_raw_parts(first.base as *const u8, 4) };
    assert_eq!(text, b"bcdh");
}

#[test]
fn private_memory_is_refused_with_the_remedy() {
    let error = View::new(&memory(Backing::Private)).map(drop).unwrap_err();
    assert!(error.to_string().contains("share=on"), "{error}");
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_and_no_crash() {
    // Wherever this runs: no machine has so many.
    let error = Gpu::open(4096).map(drop).unwrap_err();
    assert!(matches!(error, Error::NoDriver | Error::Device { .. } | Error::Cuda { .. }), "{error}");
    assert!(Gpu::open(u32::MAX).is_err());
}

#[test]
fn a_context_is_copied_byte_for_byte() {
    let context = Context { version: 0x0403_0201, cpu_offset: 7, ..Context::default() };
    let bytes = context_bytes(&context);
    assert_eq!(&bytes[..4], [1, 2, 3, 4]);
    assert_eq!(bytes[bytes.len() - 8..], 7u64.to_le_bytes());
}
