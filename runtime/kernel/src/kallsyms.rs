// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading kallsyms, the kernel's own symbol table, from its image.
//!
//! The tables are made by scripts/kallsyms.c and read by kernel/kallsyms.c:
//!
//! * names: for each symbol a length (one byte; from 6.1 on two if the top bit of the first is set) and that
//!   many bytes, each of which stands for a token; the first character of the expanded name is its kind;
//! * token table and token index: 256 zero-terminated strings and the offset of each;
//! * offsets: for each symbol an `i32` from which its address follows ([`Encoding`]).

use crate::error::{Error, Result};
use crate::layout::View;
use crate::symbols::{Symbols, SymbolsBuilder};

/// Most symbols that a kernel may have. A Debian kernel has about 100,000, one with all drivers built in
/// several times that.
const MAX_SYMBOLS: u32 = 1 << 21;
/// Most bytes of a name, compressed or expanded: twice `KSYM_NAME_LEN` of 6.1.
const MAX_NAME: usize = 1024;
/// Most bytes of all names together.
const MAX_NAMES: usize = 64 << 20;
/// Longest token, with its zero byte; a token is a part of a name.
const MAX_TOKEN: u64 = 512;
/// Bytes of the token index.
const TOKEN_INDEX: usize = 512;

/// Run-time virtual addresses of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    /// `kallsyms_names`.
    pub(crate) names: u64,
    /// `kallsyms_num_syms`.
    pub(crate) count: u64,
    /// `kallsyms_token_table`.
    pub(crate) token_table: u64,
    /// `kallsyms_token_index`.
    pub(crate) token_index: u64,
    /// `kallsyms_offsets`.
    pub(crate) offsets: u64,
    /// `kallsyms_relative_base`, which kernels from 7.0 on do not have.
    pub(crate) relative_base: Option<u64>,
}

/// What symbols were read from. From the same bytes, the same symbols follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Where the tables are.
    pub(crate) tables: Tables,
    /// How many symbols there are.
    pub(crate) count: u32,
    /// Bytes of all names.
    pub(crate) names_size: u64,
    /// Bytes of the token table that were read.
    pub(crate) tokens_size: u64,
    /// The value of `kallsyms_relative_base`, or 0.
    pub(crate) base: u64,
    /// BLAKE3 of the names, the token index, the token table, and the offsets.
    pub(crate) digest: [u8; 32],
}

impl Source {
    /// Whether the bytes at these places are those that the symbols were read from, and addresses follow from them as they did.
    pub(crate) fn is_in(&self, view: View<'_>) -> Result<bool> {
        // It may have been read from a file.
        let is_sane = self.count <= MAX_SYMBOLS && self.names_size.max(self.tokens_size) <= MAX_NAMES as u64;
        let base = self.tables.relative_base.map_or(Ok(0), |address| view.read_u64(address))?;
        if !is_sane || view.read_u32(self.tables.count)? != self.count || base != self.base {
            return Ok(false);
        }
        let mut digest = blake3::Hasher::new();
        for (address, size) in [
            (self.tables.names, self.names_size),
            (self.tables.token_index, TOKEN_INDEX as u64),
            (self.tables.token_table, self.tokens_size),
            (self.tables.offsets, 4 * u64::from(self.count)),
        ] {
            digest.update(&view.read_image(address, size)?);
        }
        Ok(digest.finalize() == self.digest)
    }
}

/// How an address follows from an offset; `kallsyms_sym_address()` of different releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// With `CONFIG_KALLSYMS_ABSOLUTE_PERCPU`, before 6.15: an offset of at least 0 is an absolute value, a
    /// negative one counts down from the base.
    AbsolutePerCpu,
    /// Unsigned, from the base.
    FromBase,
    /// Signed, from the place of the offset itself.
    FromPlace,
}

impl Encoding {
    fn address(self, tables: &Tables, base: u64, index: usize, offset: i32) -> u64 {
        match self {
            Self::AbsolutePerCpu if offset >= 0 => offset as u64,
            Self::AbsolutePerCpu => base.wrapping_sub(1).wrapping_sub(i64::from(offset) as u64),
            Self::FromBase => base.wrapping_add(u64::from(offset as u32)),
            Self::FromPlace => {
                tables.offsets.wrapping_add(4 * index as u64).wrapping_add(i64::from(offset) as u64)
            }
        }
    }
}

fn broken(what: impl Into<String>) -> Error {
    Error::Kallsyms { what: what.into() }
}

/// Reads all symbols.
///
/// `long_names` says whether lengths may take two bytes. `known` are addresses of some symbols from another
/// source: the encoding of addresses is the one that agrees with all of them, at least one of which must be
/// there.
pub(crate) fn read(
    view: View<'_>,
    tables: &Tables,
    long_names: bool,
    known: &[(&str, u64)],
) -> Result<(Symbols, Encoding, Source)> {
    let count = view.read_u32(tables.count)?;
    if count == 0 || count > MAX_SYMBOLS {
        return Err(broken(format!("it claims {count} symbols")));
    }
    let tokens = Tokens::read(view, tables)?;
    let mut names = Stream::new(view, tables.names);
    let mut symbols = SymbolsBuilder::default();
    let mut name = Vec::new();
    for index in 0..count {
        tokens.expand(names.name(long_names)?, &mut name)?;
        let text = name.split_first().and_then(|(kind, text)| Some((*kind, str::from_utf8(text).ok()?)));
        let Some((kind, text)) = text.filter(|(kind, text)| kind.is_ascii_alphabetic() && !text.is_empty())
        else {
            return Err(broken(format!("symbol {index} of {count} has no proper name")));
        };
        if symbols.name_bytes() + text.len() > MAX_NAMES || !symbols.push(text, kind, 0) {
            return Err(broken("its names are too long"));
        }
    }
    let offsets = view.read_image(tables.offsets, 4 * u64::from(count))?;
    let (mut digest, names_size) = names.finish();
    digest.update(&tokens.index).update(&tokens.table).update(&offsets);
    let offset = |index: usize| {
        let bytes = offsets.get(4 * index..)?.first_chunk()?;
        Some(i32::from_le_bytes(*bytes))
    };
    let (base, encodings): (u64, &[Encoding]) = match tables.relative_base {
        Some(address) => (view.read_u64(address)?, &[Encoding::AbsolutePerCpu, Encoding::FromBase]),
        None => (0, &[Encoding::FromPlace]),
    };
    // The symbols of `known` that this kernel has: their indices and addresses.
    let known: Vec<(usize, u64)> = (0..count as usize)
        .filter_map(|index| {
            let name = symbols.name(index)?;
            known.iter().find(|(known, _)| *known == name).map(|(_, address)| (index, *address))
        })
        .collect();
    let address =
        |encoding: Encoding, index| encoding.address(tables, base, index, offset(index).unwrap_or_default());
    let agrees =
        |encoding: &&Encoding| known.iter().all(|&(index, known)| address(**encoding, index) == known);
    let encoding = encodings.iter().find(agrees).filter(|_| !known.is_empty());
    let encoding = *encoding.ok_or_else(|| broken("its addresses are not those that VMCOREINFO names"))?;
    symbols.set_addresses(|index| {
        let moves = encoding != Encoding::AbsolutePerCpu || offset(index).unwrap_or_default() < 0;
        (address(encoding, index), moves)
    });
    let source = Source {
        tables: *tables,
        count,
        names_size,
        tokens_size: tokens.table.len() as u64,
        base,
        digest: digest.finalize().into(),
    };
    Ok((symbols.finish(), encoding, source))
}

/// The strings that the bytes of a compressed name stand for.
struct Tokens {
    index: [u8; TOKEN_INDEX],
    table: Vec<u8>,
    /// Start and end of each token in `table`.
    places: [(u16, u16); 256],
}

impl Tokens {
    fn read(view: View<'_>, tables: &Tables) -> Result<Self> {
        let index: [u8; TOKEN_INDEX] = view.read_array(tables.token_index)?;
        let starts: [u16; 256] =
            std::array::from_fn(|i| u16::from_le_bytes([index[2 * i], index[2 * i + 1]]));
        let last = u64::from(starts.iter().copied().max().unwrap_or(0));
        let table = view.read_image(tables.token_table, last + MAX_TOKEN)?;
        let mut places = [(0, 0); 256];
        for (place, start) in places.iter_mut().zip(starts) {
            let length = table[usize::from(start)..].iter().position(|&byte| byte == 0);
            let end = length.and_then(|length| start.checked_add(u16::try_from(length).ok()?));
            *place = (start, end.ok_or_else(|| broken("a token has no end"))?);
        }
        Ok(Self { index, table, places })
    }

    fn token(&self, byte: u8) -> &[u8] {
        let (start, end) = self.places[usize::from(byte)];
        &self.table[usize::from(start)..usize::from(end)]
    }

    /// Expands a name, with its kind as the first character, as `kallsyms_expand_symbol()` does.
    fn expand(&self, compressed: &[u8], name: &mut Vec<u8>) -> Result<()> {
        name.clear();
        for &byte in compressed {
            name.extend_from_slice(self.token(byte));
            if name.len() > MAX_NAME {
                return Err(broken("a name is too long"));
            }
        }
        Ok(())
    }
}

/// The compressed names, one after the other.
struct Stream<'a> {
    view: View<'a>,
    /// Address of the byte after `buffer`.
    next: u64,
    buffer: Vec<u8>,
    position: usize,
    /// Of what was taken and is no longer in `buffer`.
    digest: blake3::Hasher,
    size: u64,
}

impl<'a> Stream<'a> {
    /// Bytes read at a time; more than a name has.
    const CHUNK: u64 = 64 << 10;

    fn new(view: View<'a>, address: u64) -> Self {
        Self { view, next: address, buffer: Vec::new(), position: 0, digest: blake3::Hasher::new(), size: 0 }
    }

    /// The next name, without its length.
    fn name(&mut self, long_names: bool) -> Result<&[u8]> {
        let mut length = usize::from(self.take(1)?[0]);
        if long_names && length & 0x80 != 0 {
            length = length & 0x7f | usize::from(self.take(1)?[0]) << 7;
        }
        if length > MAX_NAME {
            return Err(broken("a name is too long"));
        }
        self.take(length)
    }

    /// The next bytes, of which there are at most [`MAX_NAME`].
    fn take(&mut self, size: usize) -> Result<&[u8]> {
        if self.buffer.len() - self.position < size {
            self.fill()?;
        }
        let bytes = self.buffer.get(self.position..self.position + size);
        let bytes = bytes.ok_or_else(|| broken("its names do not end inside the kernel's image"))?;
        self.position += size;
        Ok(bytes)
    }

    /// Reads on, as far as the image reaches.
    fn fill(&mut self) -> Result<()> {
        let image = self.view.image();
        if !image.contains(&self.next) {
            return Ok(());
        }
        let size = Self::CHUNK.min(image.end - self.next);
        self.forget();
        self.buffer.extend(self.view.read_image(self.next, size)?);
        self.next += size;
        Ok(())
    }

    /// Forgets what was taken, but for its digest.
    fn forget(&mut self) {
        self.digest.update(&self.buffer[..self.position]);
        self.size += self.position as u64;
        self.buffer.drain(..self.position);
        self.position = 0;
    }

    /// The digest of all that was taken, and how many bytes that is.
    fn finish(mut self) -> (blake3::Hasher, u64) {
        self.forget();
        (self.digest, self.size)
    }
}

#[cfg(test)]
#[path = "kallsyms_tests.rs"]
mod tests;
