// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::kallsyms::Encoding;
use crate::synthetic::kallsyms::Tables as Written;
use proptest::prelude::*;

const BEFORE: usize = 0x1238;

/// Tables of `count` symbols among `noise`.
fn image(count: u64, noise: &[u8]) -> (Vec<u8>, Written) {
    let symbols: Vec<_> =
        (0..count).map(|index| (format!("tinit_{}_task", index * 77), 0x1000 + index)).collect();
    let written = Written::new(&symbols, BEFORE as u64, 0x1000, Encoding::AbsolutePerCpu, false);
    let mut image: Vec<u8> = noise.iter().copied().cycle().take(BEFORE).collect();
    image.extend_from_slice(&written.bytes);
    image.extend(noise.iter().cycle().take(0x1000));
    (image, written)
}

fn expected(written: &Written) -> Places {
    let place = |offset: u64| BEFORE + offset as usize;
    Places {
        offsets: place(written.offsets),
        names: place(written.names),
        token_table: place(written.token_table),
        token_index: place(written.token_index),
    }
}

#[test]
fn tables_are_found_whatever_their_padding() {
    // Odd and even numbers of symbols and of markers, and exactly full blocks.
    for count in [300, 301, 512, 513, 700, 768, 1000, 1025] {
        let (image, written) = image(count, &[0, 0, 0, 0, 1, 2, 3, 0xff]);
        assert_eq!(search(&image), Some(expected(&written)), "{count} symbols");
    }
}

#[test]
fn tables_that_do_not_fit_each_other_are_not_taken() {
    let (image, written) = image(700, &[0]);
    let damaged = |at: u64, byte: u8| {
        let mut image = image.clone();
        assert_ne!(image[BEFORE + at as usize], byte);
        image[BEFORE + at as usize] = byte;
        image
    };
    assert_eq!(search(&damaged(written.names, 99)), None, "a name of another length");
    assert_eq!(search(&damaged(written.count, 99)), None, "another number of symbols");
    assert_eq!(search(&damaged(written.token_table - 4, 1)), None, "another marker");
    assert_eq!(search(&damaged(written.token_table, b'x')), None, "a token that is longer");
    assert_eq!(search(&damaged(written.token_index + 100, 0)), None, "token offsets that do not increase");
}

/// In thousands of places there are millions of names that fit all markers but the last.
#[test]
fn what_looks_like_tables_in_many_places_is_given_up() {
    /// How many names there are; the same bytes are the lengths of names.
    const COUNT: u32 = 0x0020_0101;
    let pattern = u64::from(COUNT).to_le_bytes();
    let (mut at, mut markers) = (0, Vec::new());
    for index in 0..COUNT {
        if index.is_multiple_of(256) {
            markers.push(at);
        }
        at += 1 + u32::from(pattern[at as usize % 8]);
    }
    *markers.last_mut().unwrap() += 1;
    let mut bytes: Vec<u8> = pattern.iter().copied().cycle().take(at as usize + (128 << 10)).collect();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(markers.iter().flat_map(|marker| marker.to_le_bytes()));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend([b'x', 0].repeat(256));
    bytes.extend((0..256u16).flat_map(|token| (2 * token).to_le_bytes()));
    assert_eq!(search(&bytes), None);
}

proptest! {
    #[test]
    fn tables_are_found_among_any_noise(
        count in 257u64..1200,
        noise in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let (image, written) = image(count, &noise);
        prop_assert_eq!(search(&image), Some(expected(&written)));
    }

    #[test]
    fn any_bytes_are_searched_without_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..2048),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let _ = search(&bytes);
        let (image, _) = image(300, &[0, 7]);
        bytes.clone_from(&image);
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = search(&bytes);
    }
}
