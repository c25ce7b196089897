// SPDX-License-Identifier: MIT OR Apache-2.0

//! Page walks.

use gpufas_abi::{AddressSpace, FaultKind};
use proptest::prelude::*;

use super::machine::{Machine, Mapping, VMALLOC};
use super::memory::{Memory, PAGE};
use crate::page_table::walk;

/// The walk as Intel's manual describes it (volume 3, 5.5 "4-level paging and 5-level paging"), level by
/// level, for kernel addresses; what a processor would refuse for a reserved bit in a table that the kernel
/// would not refuse is let through.
fn manual(memory: &Memory, space: &AddressSpace, va: u64) -> Result<u64, FaultKind> {
    let text = format!("{va:064b}");
    let used = match space.page_table_levels {
        4 => 48,
        5 => 57,
        _ => return Err(FaultKind::Unmapped),
    };
    if text[..=64 - used].contains('0') {
        return Err(FaultKind::Unmapped);
    }
    let field = |high: usize, low: usize| u64::from_str_radix(&text[63 - high..64 - low], 2).unwrap();
    let read = |table: u64, index: u64| -> Result<u64, FaultKind> {
        let mut value = 0;
        for byte in (0..8).rev() {
            value =
                value * 256 + u64::from(memory.byte(table + index * 8 + byte).ok_or(FaultKind::NotMemory)?);
        }
        if value % 2 == 0 { Err(FaultKind::Unmapped) } else { Ok(value) }
    };
    let next = |entry: u64| entry % (1 << 52) / 4096 * 4096;
    let is_large = |entry: u64| entry / 128 % 2 == 1;

    let mut table = next(space.page_table_root);
    if used == 57 {
        let pml5e = read(table, field(56, 48))?;
        if is_large(pml5e) {
            return Err(FaultKind::Unmapped);
        }
        table = next(pml5e);
    }
    let pml4e = read(table, field(47, 39))?;
    if is_large(pml4e) {
        return Err(FaultKind::Unmapped);
    }
    let pdpte = read(next(pml4e), field(38, 30))?;
    if is_large(pdpte) {
        return Ok(pdpte % (1 << 52) / (1 << 30) * (1 << 30) + field(29, 0));
    }
    let pde = read(next(pdpte), field(29, 21))?;
    if is_large(pde) {
        return Ok(pde % (1 << 52) / (1 << 21) * (1 << 21) + field(20, 0));
    }
    let pte = read(next(pde), field(20, 12))?;
    Ok(next(pte) + field(11, 0))
}

/// An entry of a corrupt table: mostly one that leads on.
fn entry() -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => any::<u64>(),
        1 => Just(0),
        // Into the memory, which has 12 pages, or shortly after it.
        8 => (0u64..13, any::<u64>(), prop::bool::weighted(0.15), prop::bool::weighted(0.9)).prop_map(
            |(page, noise, large, present)| {
                page << 12 | (noise & 0xfff0_0000_0000_0f7e) | u64::from(large) << 7 | u64::from(present)
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_manual_on_corrupt_tables(
        entries in prop::collection::vec(entry(), 12 * 512),
        levels in prop::sample::select(vec![4u32, 5]),
        root in 0u64..12,
        addresses in prop::collection::vec(any::<u64>(), 200),
    ) {
        let machine = Machine::new(&[(0, 12 * PAGE)], levels, root * PAGE);
        for (index, entry) in entries.iter().enumerate() {
            machine.memory.set(index as u64 * 8, &entry.to_le_bytes());
        }
        for (index, va) in addresses.iter().enumerate() {
            // Canonical, for the most part.
            let shift = if levels == 4 { 16 } else { 7 };
            let high = if index % 8 == 0 { 1 << 63 } else { !(u64::MAX >> (shift + 1)) };
            let va = va | high;
            let expected = manual(&machine.memory, &machine.space, va);
            prop_assert_eq!(walk(&machine.space, va), expected, "{:#x}", va);
        }
    }

    #[test]
    fn agrees_with_what_was_mapped(
        levels in 4u32..=5,
        pages in prop::collection::vec(
            (0u64..4, 0u64..4, 0u64..6, 0u64..512, 0usize..3, any::<u64>()),
            1..40,
        ),
    ) {
        let mut machine = Machine::new(&[(0, 256 * PAGE)], levels, 0);
        for (upper, middle, lower, physical, kind, bits) in pages {
            let size = [PAGE, 1 << 21, 1 << 30][kind];
            let va = VMALLOC + (upper << 39) + (middle << 30) + (lower << 21) + ((physical % 7) << 12);
            // Flags other than present and large, NX, protection key and software bits; PAT of a large page.
            let bits = bits & 0xfff0_0000_0000_0f7e | if kind > 0 { bits & 0x1000 } else { 0 };
            machine.map(Mapping { va: va / size * size, physical: physical * size, size }, bits);
        }
        for mapping in &machine.mappings {
            for offset in [0, 0x678, mapping.size - 1, mapping.size, u64::MAX] {
                let va = mapping.va.wrapping_add(offset);
                prop_assert_eq!(walk(&machine.space, va), machine.physical(va), "{:#x}", va);
            }
        }
    }
}

#[test]
fn table_cut_by_the_end_of_memory() {
    let machine = Machine::new(&[(0, PAGE - 4)], 4, 0);
    // The root, whose last entry but one leads to itself.
    machine.memory.set(510 * 8, &0x63u64.to_le_bytes());
    let va = |index: u64| 0xffff_0000_0000_0000 | 510 << 39 | 510 << 30 | 510 << 21 | index << 12;
    assert_eq!(walk(&machine.space, va(510)), Ok(0));
    assert_eq!(walk(&machine.space, va(511)), Err(FaultKind::NotMemory));
}

#[test]
fn entries_that_are_not_present() {
    let mut machine = Machine::new(&[(0, 64 * PAGE)], 4, 0);
    // Swap entry, PROT_NONE (global without present), the same inverted against L1TF.
    for entry in [0x1234_5600, 0x3100, !0x3fff & 0x000f_ffff_ffff_f000 | 0x100] {
        assert!(machine.map(Mapping { va: VMALLOC, physical: 0x3000, size: PAGE }, 0));
        assert_eq!(walk(&machine.space, VMALLOC + 5), Ok(0x3005));
        machine.overwrite(VMALLOC, entry);
        assert_eq!(walk(&machine.space, VMALLOC + 5), Err(FaultKind::Unmapped));
        machine.overwrite(VMALLOC, 0);
    }
}
