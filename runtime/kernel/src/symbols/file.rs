// SPDX-License-Identifier: MIT OR Apache-2.0

//! Symbols as they are kept in a file: as the kernel was linked, so that they hold wherever it is moved to.

use super::{Entry, Symbols, entry_name, hash};
use std::sync::OnceLock;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How many records follow.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Counts {
    symbols: U32,
    name_bytes: U32,
}

/// A symbol.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Record {
    address: U64,
    name_start: U32,
    name_len: U16,
    kind: u8,
    moves: u8,
}

/// A place in the index.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Hashed {
    hash: U32,
    index: U32,
}

impl Symbols {
    /// The symbols with their index, as if the image had not been moved by `kaslr_offset`.
    pub(crate) fn to_bytes(&self, kaslr_offset: u64) -> Vec<u8> {
        let counts = Counts {
            symbols: U32::new(self.entries.len() as u32),
            name_bytes: U32::new(self.names.len() as u32),
        };
        let records: Vec<Record> = self
            .entries
            .iter()
            .map(|entry| Record {
                address: U64::new(if entry.moves {
                    entry.address.wrapping_sub(kaslr_offset)
                } else {
                    entry.address
                }),
                name_start: U32::new(entry.name_start),
                name_len: U16::new(entry.name_len),
                kind: entry.kind,
                moves: entry.moves.into(),
            })
            .collect();
        let index: Vec<Hashed> = self
            .by_hash
            .iter()
            .map(|&(hash, index)| Hashed { hash: U32::new(hash), index: U32::new(index) })
            .collect();
        [counts.as_bytes(), records.as_bytes(), index.as_bytes(), self.names.as_bytes()].concat()
    }

    /// What [`to_bytes`](Self::to_bytes) made, for an image that was moved by `kaslr_offset`. None if it is anything else.
    pub(crate) fn from_bytes(mut bytes: Vec<u8>, kaslr_offset: u64) -> Option<Self> {
        let (counts, rest) = Counts::ref_from_prefix(&bytes).ok()?;
        let count = counts.symbols.get() as usize;
        let (records, rest) = <[Record]>::ref_from_prefix_with_elems(rest, count).ok()?;
        let (index, names) = <[Hashed]>::ref_from_prefix_with_elems(rest, count).ok()?;
        let names = str::from_utf8(names).ok()?;
        if names.len() != counts.name_bytes.get() as usize {
            return None;
        }
        let mut entries = Vec::with_capacity(count);
        for record in records {
            let (start, size) = (record.name_start.get(), record.name_len.get());
            names.get(start as usize..(start as usize).checked_add(usize::from(size))?)?;
            let moves = record.moves != 0;
            let address = record.address.get();
            entries.push(Entry {
                address: if moves { address.wrapping_add(kaslr_offset) } else { address },
                name_start: start,
                name_len: size,
                kind: record.kind,
                moves,
            });
        }
        let by_hash: Vec<(u32, u32)> =
            index.iter().map(|hashed| (hashed.hash.get(), hashed.index.get())).collect();
        let is_index = by_hash.is_sorted() && by_hash.iter().all(|&(_, index)| (index as usize) < count);
        // One is enough to tell that names are hashed as they were.
        let first = by_hash.first().filter(|_| is_index)?;
        if hash(entry_name(names, entries.get(first.1 as usize)?)) != first.0 {
            return None;
        }
        let (by_address, with_dot) = (OnceLock::new(), OnceLock::new());
        // Names stay where they are.
        let start = bytes.len() - names.len();
        bytes.drain(..start);
        let names = String::from_utf8(bytes).ok()?;
        Some(Self { names, entries, by_hash, by_address, with_dot, image: 0..0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Symbol, SymbolsBuilder};
    use super::*;
    use proptest::prelude::*;

    const OFFSET: u64 = 0x1be0_0000;

    fn symbols() -> Symbols {
        let mut builder = SymbolsBuilder::default();
        for name in ["runqueues", "_text", "schedule", "schedule", "naïve"] {
            assert!(builder.push(name, b'T', 0));
        }
        builder.set_addresses(|index| match index {
            0 => (0x31c40, false),
            index => (0xffff_ffff_9ce0_0000 + index as u64, true),
        });
        builder.finish()
    }

    fn all(symbols: &Symbols) -> Vec<(String, u64, char)> {
        let owned = |Symbol { name, address, kind }: Symbol<'_>| (name.to_owned(), address, kind);
        symbols.iter().map(owned).collect()
    }

    #[test]
    fn symbols_come_back_and_move_with_the_image() {
        let symbols = symbols();
        let bytes = symbols.to_bytes(OFFSET);
        let same = Symbols::from_bytes(bytes.clone(), OFFSET).unwrap();
        assert_eq!(all(&same), all(&symbols));
        for name in ["runqueues", "schedule", "naïve", "absent"] {
            assert!(same.all(name).eq(symbols.all(name)), "{name}");
        }
        let moved = Symbols::from_bytes(bytes, OFFSET + 0x20_0000).unwrap();
        assert_eq!(moved.address("runqueues"), Some(0x31c40));
        assert_eq!(moved.address("_text"), Some(0xffff_ffff_9d00_0001));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            end: prop::sample::Index,
        ) {
            let mut bytes = symbols().to_bytes(OFFSET);
            for (index, byte) in damage {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.index(bytes.len() + 1));
            if let Some(symbols) = Symbols::from_bytes(bytes, OFFSET) {
                let _ = (symbols.address("schedule"), symbols.name_at(0), all(&symbols));
            }
        }
    }
}
