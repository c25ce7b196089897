// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::memory::MemorySlices;
use crate::synthetic::{Machine, PageTables, machine};
use proptest::prelude::*;

const SIZE: usize = 1 << 20;

/// Memory with page tables at its start, nothing mapped yet.
fn tables(levels: u32) -> (Vec<u8>, PageTables) {
    (vec![0; SIZE], PageTables::new(0x1000, levels, 0x2000, 0x8_0000))
}

fn walk_in(memory: &[u8], tables: &PageTables, va: u64) -> Result<u64> {
    walk(&MemorySlices::new([(0, memory)]), tables.root, tables.levels, va)
}

#[test]
fn pages_of_all_sizes_are_found_at_4_and_5_levels() {
    for levels in [4, 5] {
        let (mut memory, mut tables) = tables(levels);
        let pages = [
            (0xffff_c900_0000_0000, 0x5000, 12),
            (0xffff_c900_0000_1000, 0x000f_ffff_ffff_f000, 12),
            (0xffff_c900_4020_0000, 0x1234_5660_0000, 21),
            (0xffff_c980_8000_0000, 0x7_4000_0000, 30),
            (0xffff_ffff_ffe0_0000, 0x20_0000, 21),
        ];
        for (va, physical, shift) in pages {
            tables.map(&mut memory, va, physical, shift);
        }
        for (va, physical, shift) in pages {
            for offset in [0, 1, (1 << shift) - 1] {
                let found = walk_in(&memory, &tables, va + offset).unwrap();
                assert_eq!(found, physical + offset, "{levels} levels, {va:#x} + {offset:#x}");
            }
        }
        for va in [0xffff_c900_0000_2000, 0xffff_c900_4000_0000, 0xffff_8880_0000_0000, u64::MAX - 0x20_0000]
        {
            let error = walk_in(&memory, &tables, va).unwrap_err();
            assert!(matches!(error, Error::Unmapped { va: at } if at == va), "{va:#x}: {error}");
        }
    }
}

#[test]
fn the_upper_half_is_larger_with_5_levels() {
    let (mut memory, mut five) = tables(5);
    let va = 0xff20_6fff_c000_0000;
    five.map(&mut memory, va, 0x4000_0000, 30);
    assert_eq!(walk_in(&memory, &five, va + 5).unwrap(), 0x4000_0005);
    let four = PageTables::new(five.root, 4, 0, 0);
    for (tables, user) in [(&four, va), (&four, 0x7fff_ffff_f000), (&five, 0x00ff_ffff_ffff_f000), (&five, 0)]
    {
        let error = walk_in(&memory, tables, user).unwrap_err();
        assert!(matches!(error, Error::NotKernel { va } if va == user), "{user:#x}: {error}");
    }
}

#[test]
fn the_pat_bit_of_a_large_page_is_no_address_bit() {
    let (mut memory, mut tables) = tables(4);
    tables.map(&mut memory, 0xffff_c900_0020_0000, 0x60_0000, 21);
    // The entry is in the third table after the root, at index 1.
    let entry = 0x3000 + 8;
    assert_eq!(memory[entry] & 0x80, 0x80, "the test looks at the large page's entry");
    memory[entry + 1] |= 0x10;
    assert_eq!(walk_in(&memory, &tables, 0xffff_c900_0020_0123).unwrap(), 0x60_0123);
}

#[test]
fn tables_outside_memory_are_an_error() {
    let (mut memory, tables) = tables(4);
    memory[0x1000 + 8 * 256..][..8].copy_from_slice(&0x7fff_ffff_f003u64.to_le_bytes());
    let error = walk_in(&memory, &tables, 0xffff_8000_0000_0000).unwrap_err();
    assert!(matches!(error, Error::MappedOutside { address: 0x7fff_ffff_f000, .. }), "{error}");
}

#[test]
fn each_region_is_translated_its_own_way() {
    for levels in [4, 5] {
        let machine = Machine::new(machine::Options { levels, ..Default::default() });
        let memory = machine.memory();
        let layout = *crate::Kernel::find(&memory).unwrap().layout();
        let translate = |va| layout.translate(&memory, va);
        assert_eq!(translate(machine.direct_map + 0x1234).unwrap(), 0x1234);
        assert_eq!(translate(machine.direct_map + (1 << 32) + 5).unwrap(), (1 << 32) + 5);
        assert_eq!(translate(machine.text + 0x1234).unwrap(), machine::IMAGE_PHYSICAL + 0x1234);
        assert_eq!(translate(machine::VMALLOC + 0x1008).unwrap(), 0x70_5008);
        let hole = translate(machine.direct_map + machine::LOW_SIZE as u64).unwrap_err();
        assert!(matches!(hole, Error::MappedOutside { address, .. } if address == machine::LOW_SIZE as u64));
        let device = translate(machine::VMALLOC + 0x2000).unwrap_err();
        assert!(matches!(device, Error::MappedOutside { address: 0xfee0_0000, .. }), "{device}");
        assert!(matches!(translate(layout.direct_map_end).unwrap_err(), Error::Unmapped { .. }));
        assert!(matches!(translate(0).unwrap_err(), Error::NotKernel { va: 0 }));
    }
}

#[test]
fn reads_cross_pages_that_are_apart() {
    let mut machine = Machine::new(Default::default());
    machine.put(0x70_0ffc, &[1, 2, 3, 4]);
    machine.put(0x70_5000, &[5, 6, 7, 8]);
    let memory = machine.memory();
    let layout = *crate::Kernel::find(&memory).unwrap().layout();
    let mut bytes = [0; 8];
    layout.read(&memory, machine::VMALLOC + 0xffc, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(layout.read(&memory, machine::VMALLOC + 0x1ffc, &mut bytes).is_err(), "runs into a device");
    assert!(layout.read(&memory, layout.image_end - 4, &mut bytes).is_err(), "runs out of the image");
    assert!(layout.read(&memory, u64::MAX - 3, &mut bytes).is_err(), "runs out of the address space");
}

proptest! {
    #[test]
    fn any_memory_can_be_walked(
        memory in prop::collection::vec(any::<u8>(), 4096 * 4),
        root: u64,
        five: bool,
        addresses in prop::collection::vec(any::<u64>(), 20),
    ) {
        // Entries of random bits rarely lead anywhere; these lead to each other.
        let mut near = memory.clone();
        for entry in near.chunks_exact_mut(8) {
            entry[1] &= 0x3f;
            entry[2..].fill(0);
        }
        for memory in [memory, near] {
            let memory = MemorySlices::new([(0, &memory[..])]);
            for va in &addresses {
                for root in [root, root % 0x4000] {
                    let _ = walk(&memory, root, if five { 5 } else { 4 }, va | 0xffff_8000_0000_0000);
                    let _ = walk(&memory, root, if five { 5 } else { 4 }, *va);
                }
            }
        }
    }
}
