// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of several symbols of one name a source file of the kernel defines.
//!
//! Static names need not be unique: a kernel has dozens of variables called `lock`. The table of symbols does not say which
//! file a symbol is of, but the linker keeps what a file has in one section together. So of several candidates the file's
//! own is the one among the file's other symbols of the section, as far as these have names of their own.

use std::collections::HashSet;

use crate::symbols::{Symbol, Symbols};

/// Why a file's symbol was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// There is none of that name.
    Missing,
    /// There are several, and nothing tells which is the file's.
    Ambiguous,
}

impl Symbols {
    /// The address of the static symbol `name` of a source file. `sections` are all names that the file defines, by section.
    /// A static variable of a function is `function.variable`; the kernel's compiler calls it `variable.NUMBER`.
    ///
    /// # Errors
    ///
    /// [`NotFound`].
    pub fn address_in_file(&self, name: &str, sections: &[Vec<String>]) -> Result<u64, NotFound> {
        let candidates = self.candidates(name);
        match candidates.as_slice() {
            [] => return Err(NotFound::Missing),
            [only] => return Ok(*only),
            _ => {}
        }
        let is_local = name.contains('.');
        let possible = sections.iter().filter(|names| is_local || names.iter().any(|known| known == name));
        let mut found: Vec<u64> = Vec::new();
        for names in possible {
            found.extend(self.among(&candidates, names));
        }
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [only] => Ok(*only),
            _ => Err(NotFound::Ambiguous),
        }
    }

    /// The different addresses of the symbols that may be meant: static ones. A global one of the name is another file's.
    fn candidates(&self, name: &str) -> Vec<u64> {
        let all: Vec<Symbol<'_>> = match name.split('.').nth(1) {
            None => self.all(name).collect(),
            Some(variable) => {
                let number = |symbol: &Symbol<'_>| {
                    let rest = symbol.name.strip_prefix(variable).and_then(|rest| rest.strip_prefix('.'));
                    rest.is_some_and(|number| {
                        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
                    })
                };
                self.iter().filter(number).collect()
            }
        };
        let is_static = |symbol: &&Symbol<'_>| symbol.kind.is_ascii_lowercase();
        let mut addresses: Vec<u64> = all.iter().filter(is_static).map(|symbol| symbol.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// The candidate that lies among the symbols `names` of one section of a file, or else directly at them, if it is one.
    fn among(&self, candidates: &[u64], names: &[String]) -> Option<u64> {
        let known: Vec<u64> = names
            .iter()
            .filter_map(|name| {
                let mut all = self.all(name);
                let only = all.next().map(|symbol| symbol.address);
                only.filter(|_| all.next().is_none())
            })
            .collect();
        let (mut first, mut last) = (*known.iter().min()?, *known.iter().max()?);
        let inside = |first: u64, last: u64| {
            let mut inside = candidates.iter().filter(|address| (first..=last).contains(address));
            let one = inside.next().copied();
            (one, inside.next().is_some())
        };
        match inside(first, last) {
            (Some(one), false) => return Some(one),
            (Some(_), true) => return None,
            (None, _) => {}
        }
        let own: HashSet<&str> = names.iter().map(String::as_str).collect();
        let mut sorted: Vec<Symbol<'_>> = self.iter().collect();
        sorted.sort_by_key(|symbol| symbol.address);
        let before = sorted[..sorted.partition_point(|symbol| symbol.address < first)].iter().rev();
        let after = sorted[sorted.partition_point(|symbol| symbol.address <= last)..].iter();
        first = before
            .take_while(|symbol| own.contains(symbol.name))
            .last()
            .map_or(first, |symbol| symbol.address);
        last =
            after.take_while(|symbol| own.contains(symbol.name)).last().map_or(last, |symbol| symbol.address);
        match inside(first, last) {
            (one, false) => one,
            (_, true) => None,
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

    fn names(names: &[&str]) -> Vec<Vec<String>> {
        vec![vec!["elsewhere".into()], names.iter().map(|&name| name.to_owned()).collect()]
    }

    #[test]
    fn a_files_own_is_the_one_among_its_other_symbols() {
        let symbols = symbols();
        let first = names(&["first_start", "lock", "first_end", "count"]);
        let second = names(&["second_start", "lock", "second_end"]);
        assert_eq!(symbols.address_in_file("lock", &first), Ok(0x108));
        assert_eq!(symbols.address_in_file("lock", &second), Ok(0x208));
        assert_eq!(symbols.address_in_file("count", &first), Ok(0x118), "at the end");
        assert_eq!(symbols.address_in_file("init.state", &second), Ok(0x20c));
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let symbols = symbols();
        assert_eq!(symbols.address_in_file("lock", &names(&["lock"])), Err(NotFound::Ambiguous));
        let wide = names(&["first_start", "second_end", "lock"]);
        assert_eq!(symbols.address_in_file("lock", &wide), Err(NotFound::Ambiguous));
        assert_eq!(symbols.address_in_file("absent", &wide), Err(NotFound::Missing));
        assert_eq!(symbols.address_in_file("f.absent", &wide), Err(NotFound::Missing));
        // A global one of the same name is another file's.
        assert_eq!(symbols.address_in_file("table", &names(&[])), Ok(0x408));
        assert_eq!(symbols.address_in_file("only_global", &names(&[])), Err(NotFound::Missing));
    }
}
