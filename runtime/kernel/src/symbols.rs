// SPDX-License-Identifier: MIT OR Apache-2.0

//! The symbols of a kernel's image.

mod file;

use std::ops::Range;
use std::sync::OnceLock;

/// The kind of per-CPU symbols in kernels before 6.15, static or not (scripts/kallsyms.c).
pub(crate) const PER_CPU: char = 'A';

/// Why the symbol that is meant was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// There is none of that name.
    Missing,
    /// There are some, and nothing tells which is meant, or whether any is.
    Ambiguous,
}

/// A symbol of the kernel's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its run-time address; for a per-CPU symbol of kernels before 6.15 (kind `A` or `a`, or an address far
    /// below the image) the offset into each CPU's area.
    pub address: u64,
    /// Its kind, a letter as in the output of `nm`.
    pub kind: char,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    address: u64,
    name_start: u32,
    name_len: u16,
    kind: u8,
    /// Whether its address moves with the image (KASLR).
    moves: bool,
}

/// The symbols of a kernel's image, in the kernel's own order. Modules' symbols are not among them.
#[derive(Clone, Debug)]
pub struct Symbols {
    /// All names, one after the other.
    names: String,
    entries: Vec<Entry>,
    /// Hashes of names, each with an index into `entries`; sorted, which takes less time than to sort a hundred thousand names.
    by_hash: Vec<(u32, u32)>,
    /// Indices into `entries`, sorted by address; equal addresses in the kernel's order. Made when it is first asked for.
    by_address: OnceLock<Vec<u32>>,
    /// Indices into `entries` of those whose names have a dot in them. Made when it is first asked for.
    with_dot: OnceLock<Vec<u32>>,
    /// Where `name_at` answers.
    image: Range<u64>,
}

/// Collects symbols in the kernel's order.
#[derive(Debug, Default)]
pub(crate) struct SymbolsBuilder {
    names: String,
    entries: Vec<Entry>,
}

impl SymbolsBuilder {
    /// Adds a symbol; its address can be set later. False, and nothing is added, if it does not fit.
    pub(crate) fn push(&mut self, name: &str, kind: u8, address: u64) -> bool {
        let (Ok(name_start), Ok(name_len)) = (u32::try_from(self.names.len()), u16::try_from(name.len()))
        else {
            return false;
        };
        self.names.push_str(name);
        self.entries.push(Entry { address, name_start, name_len, kind, moves: true });
        true
    }

    /// Bytes of names so far.
    pub(crate) fn name_bytes(&self) -> usize {
        self.names.len()
    }

    /// Name of the symbol with an index.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        self.entries.get(index).map(|entry| entry_name(&self.names, entry))
    }

    /// Sets the addresses of all symbols, by index, and whether each moves with the image.
    pub(crate) fn set_addresses(&mut self, mut address: impl FnMut(usize) -> (u64, bool)) {
        for (index, entry) in self.entries.iter_mut().enumerate() {
            (entry.address, entry.moves) = address(index);
        }
    }

    /// Builds the index.
    pub(crate) fn finish(self) -> Symbols {
        let Self { names, entries } = self;
        let mut by_hash: Vec<(u32, u32)> =
            (0..).zip(&entries).map(|(index, entry)| (hash(entry_name(&names, entry)), index)).collect();
        by_hash.sort_unstable();
        let (by_address, with_dot) = (OnceLock::new(), OnceLock::new());
        Symbols { names, entries, by_hash, by_address, with_dot, image: 0..0 }
    }
}

/// A hash that few names have in common, and that is the same wherever the index was built.
fn hash(name: &str) -> u32 {
    crc32fast::hash(name.as_bytes())
}

fn entry_name<'a>(names: &'a str, entry: &Entry) -> &'a str {
    &names[entry.name_start as usize..][..usize::from(entry.name_len)]
}

/// The one address that all of these symbols have.
fn the_only<'a>(mut symbols: impl Iterator<Item = Symbol<'a>>) -> Result<u64, NotFound> {
    let first = symbols.next().ok_or(NotFound::Missing)?.address;
    let is_only = symbols.all(|symbol| symbol.address == first);
    if is_only { Ok(first) } else { Err(NotFound::Ambiguous) }
}

impl Symbols {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The address of the symbol `name`. Of several symbols with that name (static ones of different files)
    /// the first in the kernel's order, as `kallsyms_lookup_name()` gives; [`all`](Self::all) gives each.
    pub fn address(&self, name: &str) -> Option<u64> {
        self.all(name).next().map(|symbol| symbol.address)
    }

    /// The address of the global symbol `name`: what another file of the kernel means by it. A static one is not meant.
    ///
    /// # Errors
    /// [`NotFound`]. Kernels before 6.15 do not tell which per-CPU symbols are static, so that of several of one name none is
    /// taken.
    pub fn global_address(&self, name: &str) -> Result<u64, NotFound> {
        let globals = || self.all(name).filter(|symbol| symbol.kind.is_ascii_uppercase());
        match globals().find(|symbol| symbol.kind != PER_CPU) {
            Some(certain) => Ok(certain.address),
            None => the_only(globals()),
        }
    }

    /// The address of the symbol `name`, static or not, if there is only one.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn only_address(&self, name: &str) -> Result<u64, NotFound> {
        the_only(self.all(name))
    }

    /// All symbols called `name`, in the kernel's order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = Symbol<'_>> {
        let hash = hash(name);
        let start = self.by_hash.partition_point(|(other, _)| *other < hash);
        let candidates = self.by_hash[start..].iter().take_while(move |(other, _)| *other == hash);
        let symbols = candidates.map(|&(_, index)| self.symbol(&self.entries[index as usize]));
        symbols.filter(move |symbol| symbol.name == name)
    }

    /// Indices into `entries`, sorted by address.
    fn by_address(&self) -> &[u32] {
        self.by_address.get_or_init(|| {
            let mut all: Vec<u32> = (0..self.entries.len() as u32).collect();
            all.sort_by_key(|&index| self.entries[index as usize].address);
            all
        })
    }

    /// The name of what lies at `address`, and how many bytes after its start that is; of several symbols of
    /// one address the first, as `kallsyms_lookup()` gives. `None` outside the image and before its first
    /// symbol.
    pub fn name_at(&self, address: u64) -> Option<(&str, u64)> {
        if !self.image.contains(&address) {
            return None;
        }
        let address_of = |index: &u32| self.entries[*index as usize].address;
        let sorted = self.by_address();
        let after = sorted.partition_point(|index| address_of(index) <= address);
        let start = address_of(sorted.get(after.checked_sub(1)?)?);
        if !self.image.contains(&start) {
            return None;
        }
        let first = sorted.partition_point(|index| address_of(index) < start);
        let entry = &self.entries[sorted[first] as usize];
        Some((entry_name(&self.names, entry), address - start))
    }

    /// All symbols whose names have a dot in them: the compiler's own, and variables of functions.
    pub(crate) fn with_dot(&self) -> impl Iterator<Item = Symbol<'_>> {
        let find = || {
            let all = (0..).zip(&self.entries);
            all.filter(|(_, entry)| entry_name(&self.names, entry).contains('.')).map(|(index, _)| index)
        };
        let indices: &[u32] = self.with_dot.get_or_init(|| find().collect());
        indices.iter().map(|&index| self.symbol(&self.entries[index as usize]))
    }

    /// The symbols below an address, from the nearest on.
    pub(crate) fn below(&self, address: u64) -> impl Iterator<Item = Symbol<'_>> {
        let sorted = self.by_address();
        let end = sorted.partition_point(|&index| self.entries[index as usize].address < address);
        sorted[..end].iter().rev().map(|&index| self.symbol(&self.entries[index as usize]))
    }

    /// The symbols above an address, from the nearest on.
    pub(crate) fn above(&self, address: u64) -> impl Iterator<Item = Symbol<'_>> {
        let sorted = self.by_address();
        let start = sorted.partition_point(|&index| self.entries[index as usize].address <= address);
        sorted[start..].iter().map(|&index| self.symbol(&self.entries[index as usize]))
    }

    /// All symbols, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        self.entries.iter().map(|entry| self.symbol(entry))
    }

    /// Says where the image lies, which is itself known from symbols only.
    pub(crate) fn set_image(&mut self, image: Range<u64>) {
        self.image = image;
    }

    fn symbol(&self, entry: &Entry) -> Symbol<'_> {
        Symbol { name: entry_name(&self.names, entry), address: entry.address, kind: entry.kind.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols() -> Symbols {
        let mut builder = SymbolsBuilder::default();
        for (name, address) in
            [("offset", 0x40), ("_text", 0x1000), ("_stext", 0x1000), ("f", 0x1100), ("f", 0x1080)]
        {
            assert!(builder.push(name, b'T', address));
        }
        let mut symbols = builder.finish();
        symbols.set_image(0x1000..0x2000);
        symbols
    }

    #[test]
    fn names_lead_to_addresses_in_the_kernels_order() {
        let symbols = symbols();
        assert_eq!(symbols.len(), 5);
        assert_eq!(symbols.address("_stext"), Some(0x1000));
        assert_eq!(symbols.address("f"), Some(0x1100), "the first of two");
        assert_eq!(symbols.all("f").map(|symbol| symbol.address).collect::<Vec<_>>(), [0x1100, 0x1080]);
        assert_eq!(symbols.address("offset"), Some(0x40));
        for absent in ["", "a", "ff", "zzz"] {
            assert_eq!(symbols.address(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_global_symbol_and_the_only_one_are_told_from_others() {
        let mut builder = SymbolsBuilder::default();
        for (name, kind, address) in [
            ("lock", 'd', 0x10),
            ("lock", 'D', 0x20),
            ("own", 't', 0x30),
            ("alias", 'T', 0x40),
            ("alias", 'T', 0x40),
            ("count", 'A', 0x50),
            ("count", 'A', 0x60),
            ("rq", 'A', 0x70),
            ("hot", 'A', 0x80),
            ("hot", 'B', 0x90),
        ] {
            assert!(builder.push(name, kind as u8, address));
        }
        let symbols = builder.finish();
        let (missing, ambiguous) = (Err(NotFound::Missing), Err(NotFound::Ambiguous));
        for (name, global, only) in [
            ("lock", Ok(0x20), ambiguous),
            ("own", missing, Ok(0x30)),
            ("alias", Ok(0x40), Ok(0x40)),
            ("count", ambiguous, ambiguous),
            ("rq", Ok(0x70), Ok(0x70)),
            ("hot", Ok(0x90), ambiguous),
            ("absent", missing, missing),
        ] {
            assert_eq!(symbols.global_address(name), global, "global {name}");
            assert_eq!(symbols.only_address(name), only, "only {name}");
        }
    }

    #[test]
    fn addresses_lead_to_the_first_name_below() {
        let symbols = symbols();
        assert_eq!(symbols.name_at(0x1000), Some(("_text", 0)));
        assert_eq!(symbols.name_at(0x107f), Some(("_text", 0x7f)));
        assert_eq!(symbols.name_at(0x1fff), Some(("f", 0xeff)));
        for outside in [0, 0x40, 0xfff, 0x2000, u64::MAX] {
            assert_eq!(symbols.name_at(outside), None, "{outside:#x}");
        }
    }
}
