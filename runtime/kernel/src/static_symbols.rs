// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which symbol is the one that a source file of the kernel defines for itself.
//!
//! Static names need not be unique: a kernel has dozens of variables called `lock`. And where there is only one, it need not be
//! the file's: its own may be gone, as one that the kernel's compiler has put in everywhere. The table of symbols does not say
//! which file a symbol is of, but a linker keeps together what a file has in one section. So a symbol is taken for the file's
//! if it lies among, or directly beside, others that are certainly the file's.
//!
//! Among them is proof. Beside them is not: at the edge of a file's section, what follows may as well be the first of the next
//! file's. If the file's own symbol is gone and the next file has one of that name at its edge, that one is taken.

use std::collections::{HashMap, HashSet};

use crate::symbols::{NotFound, PER_CPU, Symbol, Symbols};

/// How many symbols on either side of one tell which file it is of.
const NEIGHBOURS: usize = 32;

impl Symbols {
    /// What the table of symbols says of a source file. `names` are all names that the file defines, and `inlines` the inline
    /// functions of headers. A static variable of a function is `function.variable`.
    pub fn source_file<'a>(&'a self, names: &'a [String], inlines: &'a [String]) -> SourceFile<'a> {
        SourceFile::new(self, names, inlines)
    }

    /// The different addresses of the symbols that may be meant: static ones. A global one of the name is another file's.
    fn candidates(&self, name: &str) -> Vec<u64> {
        let all: Vec<Symbol<'_>> = match local(name) {
            None => self.all(name).collect(),
            Some(variable) => {
                self.with_dot().filter(|symbol| numbered(symbol.name) == Some(variable)).collect()
            }
        };
        let mut addresses: Vec<u64> = all.iter().filter(is_static).map(|symbol| symbol.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// Whether a symbol may be static. Kernels before 6.15 call all per-CPU symbols `A` (scripts/kallsyms.c).
fn is_static(symbol: &&Symbol<'_>) -> bool {
    symbol.kind.is_ascii_lowercase() || symbol.kind == PER_CPU
}

/// Whether a symbol is certainly global, so that no other has its name.
fn is_global(symbol: &Symbol<'_>) -> bool {
    symbol.kind.is_ascii_uppercase() && symbol.kind != PER_CPU
}

/// The variable of `function.variable`.
fn local(name: &str) -> Option<&str> {
    name.split('.').nth(1)
}

/// The variable of `variable.NUMBER`.
fn numbered(name: &str) -> Option<&str> {
    let (variable, number) = name.split_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(variable)
}

/// What is known of a source file. The table is asked about each of its names once: symbols of one name may be as many as all, and
/// all have neighbours.
#[derive(Debug)]
pub struct SourceFile<'a> {
    symbols: &'a Symbols,
    /// Names, and whether only one static symbol has it.
    names: HashMap<&'a str, bool>,
    inlines: HashSet<&'a str>,
    /// Static variables of functions, by their own names.
    locals: HashMap<&'a str, Local>,
}

/// Static variables of a file's functions that have one name.
#[derive(Debug)]
struct Local {
    /// How many functions have one.
    count: usize,
    /// Whether only one symbol has that name.
    is_only: bool,
}

/// Whose a symbol is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The file's, for certain.
    File,
    /// Not the file's.
    Other,
    /// Nobody knows.
    Unknown,
}

impl<'a> SourceFile<'a> {
    fn new(symbols: &'a Symbols, names: &'a [String], inlines: &'a [String]) -> Self {
        let is_only = |name: &str| symbols.candidates(name).len() == 1;
        let mut file = Self {
            symbols,
            names: HashMap::new(),
            inlines: inlines.iter().map(String::as_str).collect(),
            locals: HashMap::new(),
        };
        for name in names {
            match local(name) {
                None => {
                    file.names.entry(name).or_insert_with(|| is_only(name));
                }
                Some(variable) => {
                    let new = || Local { count: 0, is_only: is_only(name) };
                    file.locals.entry(variable).or_insert_with(new).count += 1;
                }
            }
        }
        file
    }

    /// The address of the file's static symbol `name`, a variable or function, or `function.variable`, which the kernel's compiler
    /// calls `variable.NUMBER`.
    ///
    /// # Errors
    ///
    /// [`NotFound`].
    pub fn address(&self, name: &str) -> Result<u64, NotFound> {
        let candidates = self.symbols.candidates(name);
        if candidates.is_empty() {
            return Err(NotFound::Missing);
        }
        // Of two functions' variables of one name, nothing tells which has which number.
        let locals = local(name).and_then(|variable| self.locals.get(variable));
        if locals.is_some_and(|locals| locals.count > 1) {
            return Err(NotFound::Ambiguous);
        }
        let mut found = candidates.into_iter().filter(|address| self.has(*address, name));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(NotFound::Ambiguous),
        }
    }

    /// Whether what lies at an address is the file's: what lies beside it on one side is, or something near it on both.
    fn has(&self, address: u64, name: &str) -> bool {
        let below = || self.owners(self.symbols.below(address), name);
        let above = || self.owners(self.symbols.above(address), name);
        let known = |owner: &Owner| *owner != Owner::Unknown;
        let is_file = |owner| owner == Owner::File;
        below().find(known).is_some_and(is_file)
            || above().find(known).is_some_and(is_file)
            || below().any(is_file) && above().any(is_file)
    }

    /// Whose the nearest symbols are.
    fn owners<'s>(
        &self,
        symbols: impl Iterator<Item = Symbol<'s>>,
        wanted: &str,
    ) -> impl Iterator<Item = Owner> {
        symbols.take(NEIGHBOURS).map(move |symbol| self.owner(&symbol, wanted))
    }

    fn owner(&self, symbol: &Symbol<'_>, wanted: &str) -> Owner {
        // The file has one of that name.
        if symbol.name == wanted || local(wanted).is_some() && local(wanted) == numbered(symbol.name) {
            return Owner::Other;
        }
        if let Some(variable) = numbered(symbol.name) {
            // A compiler makes such names, too.
            let is_the_files = self.locals.get(variable).is_some_and(|local| local.is_only);
            return if is_the_files { Owner::File } else { Owner::Unknown };
        }
        // Parts and copies of functions (`.cold`, `.part.0`, `.constprop.0`), and what stands before a function.
        let name = symbol.name.split('.').next().unwrap_or_default();
        let is_only = self.names.get(name);
        if name != symbol.name && is_only.is_none() || symbol.name.starts_with("__pfx_") {
            return Owner::Unknown;
        }
        match is_only {
            // A global name is of one file.
            Some(is_only) if *is_only || is_global(symbol) => Owner::File,
            Some(_) => Owner::Unknown,
            None if self.inlines.contains(name) => Owner::Unknown,
            None => Owner::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::SymbolsBuilder;

    /// Two files, each with a static `lock` in the middle and one at its end, and a third whose `count` is beside nothing.
    fn symbols() -> Symbols {
        let mut builder = SymbolsBuilder::default();
        for (name, kind, address) in [
            ("first_start", 'd', 0x100),
            ("lock", 'd', 0x108),
            ("state.3", 'd', 0x10c),
            ("first_end", 'D', 0x110),
            ("count", 'd', 0x118),
            ("second_start", 'd', 0x200),
            ("lock", 'd', 0x208),
            ("state.7", 'd', 0x20c),
            ("second_end", 'd', 0x210),
            ("count", 'd', 0x300),
            ("table", 'D', 0x400),
            ("table", 'd', 0x408),
            ("only_global", 'D', 0x410),
        ] {
            assert!(builder.push(name, kind as u8, address));
        }
        builder.finish()
    }

    fn find(symbols: &Symbols, name: &str, names: &[&str]) -> Result<u64, NotFound> {
        let names: Vec<String> = ["elsewhere"].iter().chain(names).map(|&name| name.to_owned()).collect();
        symbols.source_file(&names, &["inline_function".to_owned()]).address(name)
    }

    #[test]
    fn a_files_own_is_the_one_among_its_other_symbols() {
        let symbols = symbols();
        let first = ["first_start", "lock", "first_end", "count"];
        let second = ["second_start", "lock", "second_end", "init.state"];
        assert_eq!(find(&symbols, "lock", &first), Ok(0x108));
        assert_eq!(find(&symbols, "lock", &second), Ok(0x208));
        assert_eq!(find(&symbols, "count", &first), Ok(0x118), "at the end");
        assert_eq!(find(&symbols, "init.state", &second), Ok(0x20c));
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let symbols = symbols();
        assert_eq!(find(&symbols, "lock", &["lock"]), Err(NotFound::Ambiguous));
        let wide = ["first_start", "second_end", "lock"];
        assert_eq!(find(&symbols, "lock", &wide), Err(NotFound::Ambiguous));
        assert_eq!(find(&symbols, "absent", &wide), Err(NotFound::Missing));
        assert_eq!(find(&symbols, "f.absent", &wide), Err(NotFound::Missing));
        // A global one of the same name is another file's.
        assert_eq!(find(&symbols, "table", &["table", "only_global"]), Ok(0x408));
        assert_eq!(find(&symbols, "only_global", &[]), Err(NotFound::Missing));
    }

    #[test]
    fn the_only_one_of_a_name_need_not_be_the_files() {
        let symbols = symbols();
        // The compiler has left out the file's own `first_start`; that of the other file is not taken.
        let other = ["first_start", "lock", "second_start", "second_end", "count"];
        assert_eq!(find(&symbols, "first_start", &other), Err(NotFound::Ambiguous));
        assert_eq!(find(&symbols, "second_start", &other), Ok(0x200));
        // Two functions have a `state`, of which the kernel has only one.
        let two = ["second_start", "second_end", "init.state", "exit.state"];
        assert_eq!(find(&symbols, "init.state", &two), Err(NotFound::Ambiguous));
    }

    #[test]
    fn parts_of_functions_and_copies_of_inline_ones_are_looked_over() {
        let mut builder = SymbolsBuilder::default();
        for (address, name, kind) in [
            (0x100, "other", 't'),
            (0x110, "shared", 't'),
            (0x120, "inline_function", 't'),
            (0x130, "helper.part.0", 't'),
            (0x140, "visible", 'T'),
            (0x200, "foreign", 'T'),
            (0x210, "__pfx_shared", 't'),
            (0x220, "shared", 't'),
            (0x230, "inline_function.constprop.0", 't'),
            (0x240, "alien", 't'),
        ] {
            assert!(builder.push(name, kind as u8, address));
        }
        let symbols = builder.finish();
        assert_eq!(find(&symbols, "shared", &["shared", "visible"]), Ok(0x110));
        assert_eq!(find(&symbols, "shared", &["shared", "foreign"]), Ok(0x220));
        assert_eq!(find(&symbols, "shared", &["shared"]), Err(NotFound::Ambiguous));
        // Something strange stands between, but both sides are the file's.
        let around = ["other", "visible"];
        assert_eq!(find(&symbols, "inline_function", &around), Ok(0x120));
    }

    #[test]
    fn a_table_in_which_many_have_one_name_takes_no_time() {
        // Each asks about its neighbours, of which each has as many of its name; the file's own comes last.
        for (wanted, symbol, neighbour, pairs) in
            [("symbol", "symbol", "neighbour", 200_000), ("init.symbol", "symbol.1", "neighbour.1", 50_000)]
        {
            let mut builder = SymbolsBuilder::default();
            for address in (0..pairs).map(|pair| 32 * pair) {
                assert!(builder.push(symbol, b'd', address));
                assert!(builder.push(neighbour, b'd', address + 16));
            }
            let last = 32 * pairs;
            assert!(builder.push(symbol, b'd', last));
            assert!(builder.push("last", b'd', last + 16));
            let names = ["symbol", "init.symbol", "neighbour", "init.neighbour", "last"];
            assert_eq!(find(&builder.finish(), wanted, &names), Ok(last), "{wanted}");
        }
    }

    #[test]
    fn at_the_edge_of_a_file_there_is_no_proof() {
        let mut builder = SymbolsBuilder::default();
        for (name, kind, address) in [("own", 'D', 0x100), ("lock", 'd', 0x108), ("foreign", 'D', 0x110)] {
            assert!(builder.push(name, kind as u8, address));
        }
        let symbols = builder.finish();
        // Both take it, as far as their names go.
        assert_eq!(find(&symbols, "lock", &["own", "lock"]), Ok(0x108));
        assert_eq!(find(&symbols, "lock", &["foreign", "lock"]), Ok(0x108));
    }

    #[test]
    fn per_cpu_symbols_of_old_kernels_may_be_static() {
        let mut builder = SymbolsBuilder::default();
        for (address, name) in [(0x100, "load_mask"), (0x108, "own_rq"), (0x200, "mask"), (0x300, "mask")] {
            assert!(builder.push(name, b'A', address));
        }
        let symbols = builder.finish();
        assert_eq!(find(&symbols, "load_mask", &["load_mask", "own_rq"]), Ok(0x100));
        assert_eq!(find(&symbols, "mask", &["mask", "own_rq"]), Ok(0x200));
        assert_eq!(find(&symbols, "mask", &["mask"]), Err(NotFound::Ambiguous));
    }
}
