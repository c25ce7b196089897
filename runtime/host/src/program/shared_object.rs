// SPDX-License-Identifier: MIT OR Apache-2.0

//! A shared object for the host of a virtual machine.

use gpufas_abi::Context;
use gpufas_abi::manifest::Manifest;
use gpufas_abi::symbols::{CONTEXT, ENTRY_PREFIX, MANIFEST_SECTION, RELOCATION_TABLE, SYMBOL_TABLE};
use object::elf::{ET_DYN, FileHeader64};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol, SymbolKind};

pub(super) fn is_elf(file: &[u8]) -> bool {
    file.starts_with(b"\x7fELF")
}

fn parse(file: &[u8]) -> Result<ElfFile64<'_, LittleEndian>, String> {
    let parsed = ElfFile64::<LittleEndian>::parse(file)
        .map_err(|error| format!("it is not a 64-bit little-endian ELF file: {error}"))?;
    let header: &FileHeader64<LittleEndian> = parsed.elf_header();
    if header.e_type.get(LittleEndian) != ET_DYN {
        return Err(
            "it is an ELF file, but not a shared object; make one with gpufas-cc --target host".into()
        );
    }
    Ok(parsed)
}

/// The text of the manifest.
pub(super) fn manifest(file: &[u8]) -> Result<&[u8], String> {
    let parsed = parse(file)?;
    let section = parsed
        .section_by_name(MANIFEST_SECTION)
        .ok_or("it has no manifest; make it with gpufas-cc --target host")?;
    section.data().map_err(|error| format!("its manifest cannot be read: {error}"))
}

/// Checks that it is for this processor and exports what is written and called, in the right sizes.
pub(super) fn check(file: &[u8], manifest: &Manifest) -> Result<(), String> {
    let parsed = parse(file)?;
    if parsed.architecture() != native() {
        return Err(format!("it is for {:?}, this machine is {:?}", parsed.architecture(), native()));
    }
    let symbol = |name: &str, kind, least: u64| {
        let found =
            parsed.dynamic_symbols().find(|symbol| symbol.name() == Ok(name) && symbol.is_definition());
        match found {
            None => Err(format!("it does not export {name}")),
            Some(symbol) if symbol.kind() != kind => Err(format!("its symbol {name} is of the wrong kind")),
            Some(symbol) if symbol.size() < least => {
                Err(format!("its symbol {name} has {} bytes and not {least}", symbol.size()))
            }
            Some(_) => Ok(()),
        }
    };
    for variant in &manifest.variants {
        let exported = |name: &str| format!("{name}{}", variant.suffix);
        symbol(&exported(CONTEXT), SymbolKind::Data, size_of::<Context>() as u64)?;
        let words = super::table_words(variant);
        if words > 0 {
            symbol(&exported(SYMBOL_TABLE), SymbolKind::Data, words * 8)?;
        }
        let relocations = variant.relocatable.as_ref().map_or(0, |relocatable| relocatable.table.len());
        if relocations != 0 {
            symbol(&exported(RELOCATION_TABLE), SymbolKind::Data, relocations as u64 * 8)?;
        }
        for entry in &manifest.entries {
            symbol(&exported(&format!("{ENTRY_PREFIX}{}", entry.name)), SymbolKind::Text, 0)?;
        }
    }
    Ok(())
}

fn native() -> object::Architecture {
    if cfg!(target_arch = "aarch64") { object::Architecture::Aarch64 } else { object::Architecture::X86_64 }
}
