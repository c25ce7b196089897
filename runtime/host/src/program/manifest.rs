// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading a manifest and checking what the rest of this crate relies on.

use gpufas_abi::ABI_VERSION;
use gpufas_abi::context::MAX_ARGUMENTS;
use gpufas_abi::manifest::{Keyword, Manifest, Target, Variant};
use gpufas_abi::relocation::RelocationKind;
use serde::Deserialize;
use std::collections::HashSet;

/// Longest name of a symbol, entry point or argument, in bytes. `KSYM_NAME_LEN` of
/// include/linux/kallsyms.h is 512.
const LONGEST_NAME: usize = 512;

/// What is wrong with a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is of another version.
    Version(u64),
    /// It cannot be used.
    Malformed(String),
}

/// The part that every version has.
#[derive(Deserialize)]
struct AnyVersion {
    abi: u64,
}

/// Reads and checks a manifest.
pub(super) fn parse(text: &[u8]) -> Result<Manifest, Problem> {
    let malformed =
        |error: serde_json::Error| Problem::Malformed(format!("its manifest is malformed: {error}"));
    // The linker may pad a section with zeros.
    let text = text.trim_ascii_end();
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let text = &text[..end];
    // The version first: the rest may have another form in another version.
    let AnyVersion { abi } = serde_json::from_slice(text).map_err(malformed)?;
    if abi != u64::from(ABI_VERSION) {
        return Err(Problem::Version(abi));
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(malformed)?;
    check(&manifest).map_err(|what| Problem::Malformed(format!("its manifest is malformed: {what}")))?;
    Ok(manifest)
}

fn check(manifest: &Manifest) -> Result<(), String> {
    if manifest.variants.is_empty() {
        return Err("it is for no kernel".into());
    }
    if manifest.entries.is_empty() {
        return Err("it has no entry point".into());
    }
    unique("entry point", manifest.entries.iter().map(|entry| entry.name.as_str()))?;
    for entry in &manifest.entries {
        if entry.arguments.len() > MAX_ARGUMENTS {
            return Err(format!("{} has more than {MAX_ARGUMENTS} arguments", entry.name));
        }
        unique("argument", entry.arguments.iter().map(|argument| argument.name.as_str()))?;
    }
    manifest.variants.iter().try_for_each(check_variant)?;
    let mut suffixes = HashSet::new();
    if manifest.target == Target::Host
        && let Some(twice) = manifest.variants.iter().find(|variant| !suffixes.insert(&variant.suffix))
    {
        return Err(format!("two kernels have the suffix {:?}", twice.suffix));
    }
    Ok(())
}

fn check_variant(variant: &Variant) -> Result<(), String> {
    if variant.kernel.release.is_empty() {
        return Err("it names no kernel release".into());
    }
    // It becomes part of names.
    if !variant.suffix.is_empty() {
        unique("suffix", std::iter::once(variant.suffix.as_str()))?;
    }
    // What is static in a file has the file's name before its own.
    let names: Vec<&str> = variant.symbols.iter().map(|symbol| without_file(symbol)).collect();
    names.iter().try_for_each(|name| check_name("symbol", name))?;
    let mut seen = HashSet::new();
    if let Some(symbol) = variant.symbols.iter().find(|symbol| !seen.insert(symbol.as_str())) {
        return Err(format!("it has symbol {symbol} twice"));
    }
    for function in &variant.functions {
        check_name("function", &function.name)?;
        function.symbol.iter().try_for_each(|symbol| check_name("function", without_file(symbol)))?;
    }
    let names = variant.contents.iter().flat_map(|contents| contents.names.iter().chain(&contents.inlines));
    names.into_iter().try_for_each(|name| check_name("symbol", name))?;
    if u32::try_from(variant.sites.len()).is_err() {
        return Err("it has too many sites".into());
    }
    check_types(variant)
}

/// Checks that no enumeration stands where a structure or union must, and the other way round.
fn check_types(variant: &Variant) -> Result<(), String> {
    let structures = variant.structures.iter().map(|structure| (structure.keyword, &structure.name, false));
    let relocatable = || variant.relocatable.iter();
    let sizes = relocatable().flat_map(|relocatable| &relocatable.same_size);
    let sizes = sizes.map(|structure| (structure.keyword, &structure.name, false));
    let unmoved = relocatable().flat_map(|relocatable| &relocatable.same_place).map(|place| (place, false));
    let table = relocatable().flat_map(|relocatable| &relocatable.table);
    let table = table.map(|relocation| (&relocation.place, relocation.kind == RelocationKind::Enumerator));
    let places =
        unmoved.chain(table).map(|(place, is_constant)| (place.keyword, &place.structure, is_constant));
    let mut all = structures.chain(sizes).chain(places);
    match all.find(|(keyword, _, is_constant)| (*keyword == Keyword::Enum) != *is_constant) {
        None => Ok(()),
        Some((Keyword::Enum, name, _)) => {
            Err(format!("the enumeration {name:?} stands where a structure or union must"))
        }
        Some((_, name, _)) => Err(format!("{name:?}, which is no enumeration, stands where one must")),
    }
}

/// The name of a symbol without the file in which it is static, which must be printable.
fn without_file(symbol: &str) -> &str {
    match symbol.rsplit_once(':') {
        Some((file, name)) if !file.is_empty() && file.bytes().all(|byte| byte.is_ascii_graphic()) => name,
        _ => symbol,
    }
}

/// Checks that a name is such as a compiler emits: no NUL, no `=`, nothing that upsets a terminal.
fn check_name(what: &str, name: &str) -> Result<(), String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(good) {
        return Err(format!("{:?} is no name of {what}", name.chars().take(80).collect::<String>()));
    }
    Ok(())
}

/// Checks names, and that none is there twice.
fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        check_name(what, name)?;
        if !seen.insert(name) {
            return Err(format!("it has {what} {name} twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::manifest;
    use gpufas_abi::manifest::{Argument, ArgumentType, Structure};
    use gpufas_abi::relocation::{Place, Relocatable, Relocation, StructureSize};
    use proptest::prelude::*;

    fn parse_changed(change: impl FnOnce(&mut Manifest)) -> Result<Manifest, Problem> {
        let mut manifest = manifest();
        change(&mut manifest);
        parse(&serde_json::to_vec(&manifest).unwrap())
    }

    fn structure(keyword: Keyword) -> Structure {
        Structure { keyword, name: "t".into(), size: 8, members: Vec::new() }
    }

    /// What relies on the size of a type.
    fn relying_on(keyword: Keyword) -> Relocatable {
        let size = StructureSize { keyword, name: "t".into(), size: 8 };
        Relocatable { same_size: vec![size], ..Relocatable::default() }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        assert_eq!(parse_changed(|_| {}).unwrap(), manifest());
        let mut padded = serde_json::to_vec(&manifest()).unwrap();
        padded.extend([0; 7]);
        assert_eq!(parse(&padded).unwrap(), manifest());
    }

    #[test]
    fn another_version_is_told_before_anything_else() {
        assert_eq!(parse(br#"{"abi": 77, "entries": "something new"}"#), Err(Problem::Version(77)));
    }

    #[test]
    fn what_would_hurt_later_is_refused() {
        let refused = |change: fn(&mut Manifest)| {
            assert!(matches!(parse_changed(change), Err(Problem::Malformed(_))));
        };
        refused(|manifest| manifest.variants.clear());
        refused(|manifest| manifest.variants[0].kernel.release.clear());
        refused(|manifest| manifest.variants[0].suffix = "\0".into());
        refused(|manifest| manifest.variants.push(manifest.variants[0].clone()));
        refused(|manifest| manifest.entries.clear());
        refused(|manifest| manifest.entries[0].name = "a\0b".into());
        refused(|manifest| {
            let symbols = &mut manifest.variants[0].symbols;
            symbols.push(symbols[0].clone());
        });
        refused(|manifest| manifest.variants[0].symbols.push("kernel/\u{7}.c:lock".into()));
        refused(|manifest| manifest.variants[0].symbols.push("kernel/fork.c:".into()));
        refused(|manifest| manifest.entries.push(manifest.entries[0].clone()));
        refused(|manifest| {
            let argument = |index| Argument { name: format!("a{index}"), kind: ArgumentType::I32 };
            manifest.entries[0].arguments = (0..=MAX_ARGUMENTS).map(argument).collect();
        });
        assert!(matches!(parse(b""), Err(Problem::Malformed(_))));
        assert!(matches!(parse(b"[]"), Err(Problem::Malformed(_))));
    }

    #[test]
    fn an_enumeration_is_no_structure() {
        let refused = |change: fn(&mut Manifest)| {
            assert!(matches!(parse_changed(change), Err(Problem::Malformed(_))));
        };
        refused(|manifest| manifest.variants[0].structures = vec![structure(Keyword::Enum)]);
        refused(|manifest| manifest.variants[0].relocatable = Some(relying_on(Keyword::Enum)));
        refused(|manifest| {
            let place = Place { keyword: Keyword::Enum, structure: "e".into(), members: Vec::new() };
            let relocatable = Relocatable { same_place: vec![place], ..Relocatable::default() };
            manifest.variants[0].relocatable = Some(relocatable);
        });
        for kind in [RelocationKind::Enumerator, RelocationKind::Offset] {
            for keyword in [Keyword::Struct, Keyword::Union, Keyword::Typedef, Keyword::Enum] {
                let is_right = (kind == RelocationKind::Enumerator) == (keyword == Keyword::Enum);
                let parsed = parse_changed(|manifest| {
                    let place = Place { keyword, structure: "t".into(), members: Vec::new() };
                    let relocation = Relocation { kind, place, compiled: 0, guarded: false, sized: false };
                    let relocatable = Relocatable { table: vec![relocation], ..Relocatable::default() };
                    manifest.variants[0].relocatable = Some(relocatable);
                });
                assert_eq!(parsed.is_ok(), is_right, "{kind:?} {keyword:?}");
            }
        }
        for keyword in [Keyword::Struct, Keyword::Union, Keyword::Typedef] {
            let parsed = parse_changed(|manifest| {
                manifest.variants[0].structures = vec![structure(keyword)];
                manifest.variants[0].relocatable = Some(relying_on(keyword));
            });
            assert!(parsed.is_ok(), "{keyword:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn a_damaged_manifest_is_survived(at: prop::sample::Index, byte: u8) {
            let mut text = serde_json::to_vec(&manifest()).unwrap();
            let at = at.index(text.len());
            text[at] = byte;
            let _ = parse(&text);
        }
    }
}
