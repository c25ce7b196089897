// SPDX-License-Identifier: MIT OR Apache-2.0

//! Symbol tables as scripts/kallsyms.c writes them.

use crate::kallsyms::Encoding;

/// What a byte of a compressed name may stand for besides itself.
const TOKENS: [&str; 6] = ["init_", "_text", "Tf", "task", "kallsyms_", "__"];
/// The first byte that stands for one of `TOKENS`.
const FIRST_TOKEN: u8 = 0x80;

/// The tables, one after the other, and where each begins.
pub(crate) struct Tables {
    pub(crate) bytes: Vec<u8>,
    pub(crate) offsets: u64,
    pub(crate) relative_base: u64,
    pub(crate) count: u64,
    pub(crate) names: u64,
    pub(crate) token_table: u64,
    pub(crate) token_index: u64,
}

impl Tables {
    /// The tables of `symbols` (kind and name in one, address), to be placed at address `place`, which is a
    /// multiple of 8. `base` is the relative base.
    pub(crate) fn new(
        symbols: &[(String, u64)],
        place: u64,
        base: u64,
        encoding: Encoding,
        long_names: bool,
    ) -> Self {
        let mut bytes = Vec::new();
        for (index, (_, address)) in symbols.iter().enumerate() {
            let here = place + 4 * index as u64;
            let offset = match encoding {
                // Absolute values are small; all else is counted down from the base.
                Encoding::AbsolutePerCpu if *address < 1 << 31 => *address,
                Encoding::AbsolutePerCpu => (base - 1).wrapping_sub(*address),
                Encoding::FromBase => address.wrapping_sub(base),
                Encoding::FromPlace => address.wrapping_sub(here),
            };
            bytes.extend_from_slice(&(offset as u32).to_le_bytes());
        }
        let align = |bytes: &mut Vec<u8>| {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            bytes.len() as u64
        };
        let relative_base = align(&mut bytes);
        bytes.extend_from_slice(&base.to_le_bytes());
        let count = align(&mut bytes);
        bytes.extend_from_slice(&(symbols.len() as u32).to_le_bytes());
        let names = align(&mut bytes);
        let mut markers = Vec::new();
        for (index, (name, _)) in symbols.iter().enumerate() {
            if index % 256 == 0 {
                markers.extend_from_slice(&((bytes.len() as u64 - names) as u32).to_le_bytes());
            }
            let compressed = compress(name.as_bytes());
            match u8::try_from(compressed.len()) {
                Ok(length) if length < 0x80 || !long_names => bytes.push(length),
                _ => {
                    assert!(long_names, "the name fits");
                    bytes.push(compressed.len() as u8 & 0x7f | 0x80);
                    bytes.push((compressed.len() >> 7) as u8);
                }
            }
            bytes.extend_from_slice(&compressed);
        }
        align(&mut bytes);
        bytes.extend_from_slice(&markers);
        let token_table = align(&mut bytes);
        let mut index = Vec::new();
        for byte in 0..=255u8 {
            index.extend_from_slice(&((bytes.len() as u64 - token_table) as u16).to_le_bytes());
            match TOKENS.get(usize::from(byte.wrapping_sub(FIRST_TOKEN))) {
                Some(token) => bytes.extend_from_slice(token.as_bytes()),
                None if byte.is_ascii_graphic() => bytes.push(byte),
                None => {}
            }
            bytes.push(0);
        }
        let token_index = align(&mut bytes);
        bytes.extend_from_slice(&index);
        Self { bytes, offsets: 0, relative_base, count, names, token_table, token_index }
    }

    /// Where the reader is to look if the tables are at address `place`.
    pub(crate) fn places(&self, place: u64, encoding: Encoding) -> crate::kallsyms::Tables {
        crate::kallsyms::Tables {
            names: place + self.names,
            count: place + self.count,
            token_table: place + self.token_table,
            token_index: place + self.token_index,
            offsets: place + self.offsets,
            relative_base: (encoding != Encoding::FromPlace).then_some(place + self.relative_base),
        }
    }
}

/// Replaces what has a token, at each place the first that fits.
fn compress(name: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        let token = TOKENS.iter().position(|token| rest.starts_with(token.as_bytes()));
        match token {
            Some(index) => {
                compressed.push(FIRST_TOKEN + index as u8);
                rest = &rest[TOKENS[index].len()..];
            }
            None => {
                compressed.push(byte);
                rest = tail;
            }
        }
    }
    compressed
}
