// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the symbols of the running kernel are that a program needs.

use crate::error::{Error, Result};
use gpufas_abi::manifest::{Contents, Variant};
use gpufas_abi::symbols::{FUNCTION_BASE, FUNCTION_STEP, NOWHERE};
use gpufas_kernel::{Kernel, NotFound, SourceFile, Symbols};
use std::collections::HashMap;

/// What stands for the file of a symbol if any may be meant.
const ANY_FILE: &str = "*";

/// The addresses of the symbols that a variant needs, in its order.
///
/// # Errors
/// [`Error::MissingSymbols`] with all that are missing, [`Error::AmbiguousSymbols`] with all that cannot be told from others.
pub fn symbols(variant: &Variant, kernel: &Kernel) -> Result<Vec<u64>> {
    let files = source_files(kernel.symbols(), &variant.contents);
    let find = |symbol: &str| address(kernel.symbols(), symbol, &files);
    table(variant, &find).map_err(|Unresolved { mut missing, ambiguous }| {
        let release = kernel.release().to_owned();
        for name in &mut missing {
            if kernel.symbols().address(name).is_some() {
                name.push_str(" (it has static ones of that name, which a program means by `*:NAME` only)");
            }
        }
        match missing.is_empty() {
            true => Error::AmbiguousSymbols { release, names: ambiguous },
            false => Error::MissingSymbols { release, names: missing },
        }
    })
}

/// Symbols that a variant needs and whose addresses are not known.
#[derive(Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Those that are not there.
    pub missing: Vec<String>,
    /// Those that cannot be told from others.
    pub ambiguous: Vec<String>,
}

/// What the loader writes to the symbol table of a variant, where `find` finds addresses.
///
/// # Errors
/// [`Unresolved`].
pub fn table(
    variant: &Variant,
    find: &dyn Fn(&str) -> Result<u64, NotFound>,
) -> Result<Vec<u64>, Unresolved> {
    let (mut missing, mut ambiguous) = (Vec::new(), Vec::new());
    let mut addresses = Vec::new();
    for name in &variant.symbols {
        match find(name) {
            Ok(address) => addresses.push(address),
            Err(NotFound::Missing) if function_address(variant, name).is_some() => {
                addresses.extend(function_address(variant, name));
            }
            Err(NotFound::Missing) if variant.weak.contains(name) => addresses.push(0),
            // Most likely nothing ever reads it. What does is ended by a fault.
            Err(_) if variant.speculative.contains(name) => addresses.push(NOWHERE),
            Err(NotFound::Missing) => missing.push(name.clone()),
            Err(NotFound::Ambiguous) => ambiguous.push(name.clone()),
        }
    }
    if !missing.is_empty() || !ambiguous.is_empty() {
        return Err(Unresolved { missing, ambiguous });
    }
    addresses.extend(functions(variant, find));
    Ok(addresses)
}

/// The address of a function that the kernel does not have, as where its compiler has inlined it everywhere: no pointer of the
/// kernel's leads to it, so it is the program's own.
fn function_address(variant: &Variant, symbol: &str) -> Option<u64> {
    let number = variant.functions.iter().position(|function| function.symbol.as_deref() == Some(symbol))?;
    Some(FUNCTION_BASE + number as u64 * FUNCTION_STEP)
}

/// The table by which a program finds its functions: the kernel's address and the number of each, by address.
fn functions(variant: &Variant, find: &dyn Fn(&str) -> Result<u64, NotFound>) -> Vec<u64> {
    let in_kernel = (0..).zip(&variant.functions).filter_map(|(number, function)| {
        // What is not there, or cannot be told from others, no pointer is taken for.
        Some((find(function.symbol.as_deref()?).unwrap_or(0), number))
    });
    let mut table: Vec<(u64, u64)> = in_kernel.collect();
    table.sort_unstable();
    table.into_iter().flat_map(|(address, number)| [address, number]).collect()
}

/// What the kernel's symbols say of the files of a program.
fn source_files<'a>(symbols: &'a Symbols, contents: &'a [Contents]) -> HashMap<&'a str, SourceFile<'a>> {
    let file = |Contents { file, names, inlines }: &'a Contents| {
        (file.as_str(), symbols.source_file(names, inlines))
    };
    contents.iter().map(file).collect()
}

/// The address of a symbol: of `FILE:NAME` the one that is static in that file, of a name alone the one that a program
/// would refer to as another file of the kernel does: the global one. `*:NAME` is the only one of that name, wherever it is.
fn address(symbols: &Symbols, symbol: &str, files: &HashMap<&str, SourceFile<'_>>) -> Result<u64, NotFound> {
    match symbol.rsplit_once(':') {
        Some((ANY_FILE, name)) => symbols.only_address(name),
        Some((file, name)) => match files.get(file) {
            Some(file) => file.address(name),
            None => symbols.source_file(&[], &[]).address(name),
        },
        None => symbols.global_address(symbol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variant that needs these symbols.
    fn needing(symbols: &[&str], weak: &[&str]) -> Variant {
        let mut variant = crate::program::tests::manifest().variants.remove(0);
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        (variant.symbols, variant.weak) = (owned(symbols), owned(weak));
        variant
    }

    #[test]
    fn a_symbol_that_most_likely_nothing_reads_need_not_be_there() {
        let mut variant = needing(&["absent", "several", "there"], &[]);
        let find = |name: &str| match name {
            "there" => Ok(0x10),
            "several" => Err(NotFound::Ambiguous),
            _ => Err(NotFound::Missing),
        };
        variant.speculative = variant.symbols.clone();
        assert_eq!(table(&variant, &find), Ok(vec![NOWHERE, NOWHERE, 0x10]));
        let canonical = |address: u64| matches!(address >> 47, 0 | 0x1_ffff);
        for offset in [0, u64::MAX << 47, u64::MAX >> 17] {
            assert!(!canonical(NOWHERE.wrapping_add(offset)), "{offset:#x}");
        }
    }

    #[test]
    fn a_weak_symbol_that_is_missing_has_the_address_zero() {
        let find = |name: &str| match name {
            "there" => Ok(0x10),
            "several" => Err(NotFound::Ambiguous),
            _ => Err(NotFound::Missing),
        };
        let missing = needing(&["absent", "there"], &["absent", "there"]);
        assert_eq!(table(&missing, &find), Ok(vec![0, 0x10]));
        let unresolved = table(&needing(&["absent", "several"], &["several"]), &find).unwrap_err();
        assert_eq!(
            (unresolved.missing, unresolved.ambiguous),
            (vec!["absent".into()], vec!["several".into()])
        );
    }
}
