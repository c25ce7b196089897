// SPDX-License-Identifier: MIT OR Apache-2.0

//! Translation of single accesses: regions, edges, own memory.

use gpufas_abi::FaultKind::{Misaligned, NotKernel, NotMemory, OutOfBounds, ReadOnly, Unmapped};
use gpufas_abi::symbols::runtime::{NOT_IN_ONE_PIECE, OWN_VARIABLE_CONSTANT, OwnVariable};
use gpufas_abi::{Access, Buffer, FaultKind};
use proptest::prelude::*;

use super::machine::{DIRECT_MAP, IMAGE, Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::translate::{gpufas_accessible, gpufas_object, gpufas_translate_load, gpufas_translate_store};

const SITE: u32 = 17;

fn load(program: &mut Program, va: u64, size: u64) -> Result<u64, FaultKind> {
    program.outcome(|| gpufas_translate_load(va, size, SITE) as i64).map(|pointer| pointer as u64)
}

fn store(program: &mut Program, va: u64, size: u64) -> Result<u64, FaultKind> {
    program.outcome(|| gpufas_translate_store(va, size, SITE) as i64).map(|pointer| pointer as u64)
}

/// Two segments with a hole, an image, and a page, 2 MiB and 1 GiB in vmalloc.
fn machine(levels: u32) -> Machine {
    let mut machine = Machine::new(&[(0x1000, 0x20_000), (0x4000_0000, 0x40_0000)], levels, 0x4000);
    machine.space.image_start = IMAGE;
    machine.space.image_end = IMAGE + 0x3000;
    machine.space.image_physical = 0x4010_0000;
    let mapped = machine.map(Mapping { va: VMALLOC, physical: 0x2000, size: PAGE }, 0)
        && machine.map(Mapping { va: VMALLOC + 0x20_0000, physical: 0x4020_0000, size: 0x20_0000 }, 0)
        && machine.map(Mapping { va: VMALLOC + 0x4000_0000, physical: 0x4000_0000, size: 0x4000_0000 }, 0);
    assert!(mapped);
    machine
}

fn address() -> impl Strategy<Value = u64> {
    let edges = prop::sample::select(vec![
        DIRECT_MAP,
        DIRECT_MAP + 0x1000,
        DIRECT_MAP + 0x21_000,
        DIRECT_MAP + 0x4000_0000,
        DIRECT_MAP + 0x4040_0000,
        IMAGE,
        IMAGE + 0x1000,
        IMAGE + 0x3000,
        VMALLOC,
        VMALLOC + PAGE,
        VMALLOC + 0x20_0000,
        VMALLOC + 0x40_0000,
        VMALLOC + 0x4000_0000,
        VMALLOC + 0x4040_0000,
        VMALLOC + 0x8000_0000,
        1 << 63,
        0xffff_8000_0000_0000,
        0xff00_0000_0000_0000,
        u64::MAX - 20,
    ]);
    (edges, -24i64..24, prop::bool::ANY)
        .prop_map(|(edge, near, aligned)| edge.wrapping_add_signed(near) & if aligned { !15 } else { !0 })
        .prop_filter("kernel addresses only", |va| *va >> 63 == 1)
}

proptest! {
    #[test]
    fn agrees_with_model(
        levels in 4u32..=5,
        accesses in prop::collection::vec((address(), 0u32..5), 1..30),
    ) {
        let machine = machine(levels);
        let mut program = Program::new(machine.space);
        for (va, size) in accesses {
            let size = 1 << size;
            let va = va & !(size - 1);
            let expected = machine.pointer(va, size).map(|pointer| pointer as u64);
            prop_assert_eq!(load(&mut program, va, size), expected, "load of {} at {:#x}", size, va);
            prop_assert_eq!(store(&mut program, va, size), expected, "store of {} at {:#x}", size, va);
        }
    }

    /// Many pages, more than the TLB holds, in random order within one launch.
    #[test]
    fn tlb_agrees_with_model(levels in 4u32..=5, order in prop::collection::vec(0u64..200, 1..400)) {
        let mut machine = Machine::new(&[(0, 0x20_0000)], levels, 0x10_0000);
        for page in 0..200 {
            // Every fifth page is not mapped, others scattered.
            if page % 5 != 0 {
                machine.map(
                    Mapping { va: VMALLOC + page * PAGE, physical: (page * 77 % 256) * PAGE, size: PAGE }, 0);
            }
        }
        let mut program = Program::new(machine.space);
        for chunk in order.chunks(50) {
            let mut seen = Vec::new();
            let report = program.run(|| {
                for page in chunk {
                    seen.push((*page, gpufas_translate_load(VMALLOC + page * PAGE + 8, 8, SITE)));
                }
                0
            });
            for (page, pointer) in &seen {
                prop_assert_eq!(Ok(*pointer), machine.pointer(VMALLOC + page * PAGE + 8, 8));
            }
            let unmapped = chunk.iter().position(|page| page % 5 == 0);
            prop_assert_eq!(seen.len(), unmapped.unwrap_or(chunk.len()));
            if let Some(at) = unmapped {
                prop_assert_eq!(report.fault.address, VMALLOC + chunk[at] * PAGE + 8);
            }
        }
    }
}

/// What is to be added to find the bytes, if they lie in one piece, byte by byte.
fn piece(machine: &Machine, va: u64, extent: u64) -> Option<u64> {
    let offset = (machine.pointer(va, 1).ok()? as u64).wrapping_sub(va);
    let is_there = |byte| {
        let va = va.checked_add(byte)?;
        (machine.pointer(va, 1).ok()? as u64 == va.wrapping_add(offset)).then_some(())
    };
    (0..extent).all(|byte| is_there(byte).is_some()).then_some(offset)
}

proptest! {
    /// An object has a translation of its own just if all of its bytes keep their distances.
    #[test]
    fn objects_agree_with_model(levels in 4u32..=5, va in address(), extent in 1u64..9000) {
        let mut machine = machine(levels);
        // Two pages that lie side by side both ways, and one that does not.
        for (page, physical) in [(1, 0x5000), (2, 0x6000), (3, 0x9000)] {
            machine.map(Mapping { va: VMALLOC + page * PAGE, physical, size: PAGE }, 0);
        }
        let mut program = Program::new(machine.space);
        for va in [va, VMALLOC + va % (4 * PAGE)] {
            let found = program.outcome(|| gpufas_object(va, extent).cast_signed()).unwrap().cast_unsigned();
            prop_assert_eq!(found, piece(&machine, va, extent).unwrap_or(NOT_IN_ONE_PIECE), "{:#x}", va);
        }
    }
}

#[test]
fn own_variables_are_objects_as_far_as_they_go() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    let variable = [0u64; 4];
    let at = variable.as_ptr() as u64;
    program.variables = vec![OwnVariable { address: at, size: 24 }];
    let mut object = |va, extent| program.outcome(|| gpufas_object(va, extent).cast_signed()).unwrap();
    assert_eq!(object(at, 24), 0);
    assert_eq!(object(at + 8, 16), 0);
    assert_eq!(object(at + 8, 24), NOT_IN_ONE_PIECE.cast_signed());
    assert_eq!(object(0, 8), NOT_IN_ONE_PIECE.cast_signed());
}

proptest! {
    /// What is accessible is so byte by byte.
    #[test]
    fn accessible_agrees_with_model(levels in 4u32..=5, va in address(), size in 0u64..5000) {
        let machine = machine(levels);
        let mut program = Program::new(machine.space);
        let possible = (0..size).all(|byte| {
            va.checked_add(byte).is_some_and(|va| machine.pointer(va, 1).is_ok())
        });
        for access in [Access::Load, Access::Store] {
            let answer = program.outcome(|| i64::from(gpufas_accessible(va, size, access as u32, SITE)));
            prop_assert_eq!(answer, Ok(i64::from(possible)), "{} bytes at {:#x}", size, va);
        }
        prop_assert_eq!(program.report.journal_used, 0, "nothing was stored");
    }
}

#[test]
fn own_memory_is_accessible_as_far_as_it_goes() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    let constant = [0u64; 2];
    let at = constant.as_ptr() as u64;
    program.variables = vec![OwnVariable { address: at, size: 16 | OWN_VARIABLE_CONSTANT }];
    let mut ask = |va, size, access: Access| {
        program.outcome(|| i64::from(gpufas_accessible(va, size, access as u32, SITE))).unwrap()
    };
    assert_eq!(ask(at + 3, 13, Access::Load), 1);
    assert_eq!(ask(at + 3, 14, Access::Load), 0);
    assert_eq!(ask(at, 8, Access::Store), 0);
    for va in [0, 0x1000, 0x7fff_ffff_f000, i64::MAX as u64] {
        assert_eq!(ask(va, 1, Access::Load), 0);
    }
    assert_eq!(ask(u64::MAX, 2, Access::Load), 0);
}

#[test]
fn tlb_is_forgotten_between_launches() {
    let mut machine = machine(4);
    let mut program = Program::new(machine.space);
    assert!(load(&mut program, VMALLOC, 8).is_ok());
    machine.overwrite(VMALLOC, 0);
    assert_eq!(load(&mut program, VMALLOC, 8), Err(Unmapped));
}

#[test]
fn fault_says_what_and_where() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    let report = program.run(|| gpufas_translate_store(VMALLOC + 0x5000, 4, SITE) as i64);
    let fault = report.fault;
    assert_eq!(
        (fault.kind, fault.access, fault.address, fault.size, fault.site),
        (1, 2, VMALLOC + 0x5000, 4, SITE)
    );
    assert_eq!(report.journal_used, 0, "nothing was stored");
}

#[test]
fn user_addresses_and_null_fault() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    for va in [0, 8, 0x1000, 0x7fff_ffff_f000, i64::MAX as u64 & !7] {
        assert_eq!(load(&mut program, va, 8), Err(NotKernel));
        assert_eq!(store(&mut program, va, 8), Err(NotKernel));
    }
}

#[test]
fn sizes_that_are_no_access_fault() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    for size in [0, 32, 1 << 63] {
        assert_eq!(store(&mut program, DIRECT_MAP + 0x2000, size), Err(Misaligned));
    }
}

#[test]
fn own_variables_have_bounds() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    let variable = [0u64; 4];
    let constant = [0u64; 2];
    let strings = [0u64; 3];
    let [at, constant_at, strings_at] =
        [variable.as_ptr(), constant.as_ptr(), strings.as_ptr()].map(|pointer| pointer as u64);
    program.variables = vec![
        OwnVariable { address: constant_at, size: 12 | OWN_VARIABLE_CONSTANT },
        OwnVariable { address: at, size: 24 },
    ];
    program.context.strings = Buffer { address: strings_at, size: 24 };
    for access in [load, store] {
        assert_eq!(access(&mut program, at, 8), Ok(at));
        assert_eq!(access(&mut program, at + 16, 8), Ok(at + 16));
        assert_eq!(access(&mut program, at + 23, 1), Ok(at + 23));
        assert_eq!(access(&mut program, at + 24, 8), Err(NotKernel));
        assert_eq!(access(&mut program, strings_at + 16, 8), Ok(strings_at + 16));
        assert_eq!(access(&mut program, strings_at + 24, 1), Err(NotKernel));
        assert_eq!(access(&mut program, constant_at + 8, 8), Err(OutOfBounds));
    }
    assert_eq!(load(&mut program, constant_at + 8, 4), Ok(constant_at + 8));
    assert_eq!(store(&mut program, constant_at + 8, 4), Err(ReadOnly));
    assert_eq!(program.report.journal_used, 0, "own memory is not recorded");
}

#[test]
fn live_stack_is_own_memory() {
    let machine = machine(4);
    let mut program = Program::new(machine.space);
    let outside = 0u64;
    let live = program.outcome(|| {
        let inside = 0u64;
        let at = &raw const inside as u64;
        i64::from(gpufas_translate_store(at, 8, SITE) as u64 == at)
    });
    assert_eq!(live, Ok(1));
    // A variable of a caller of the entry, and one far below the stack pointer.
    assert_eq!(load(&mut program, &raw const outside as u64, 8), Err(NotKernel));
    let below = program.outcome(|| {
        let inside = 0u64;
        gpufas_translate_load((&raw const inside as u64 - (1 << 20)) & !7, 8, SITE) as i64
    });
    assert_eq!(below, Err(NotKernel));
}

#[test]
fn segment_edges_inside_pages() {
    // Not what a host makes, but it must be safe: ranges that begin and end inside pages.
    for other in [0x1000, 0x9000] {
        let machine = Machine::new(&[(0x1008, 0x3004), (0x8000, other)], 4, 0x8000);
        let mut program = Program::new(machine.space);
        for (physical, size, expected) in [
            (0x1000, 8, Err(NotMemory)),
            (0x1008, 8, Ok(())),
            (0x1000, 16, Err(NotMemory)),
            (0x1010, 16, Ok(())),
            (0x3000, 8, Ok(())),
            (0x3ff0, 16, Ok(())),
            (0x4000, 16, Err(NotMemory)),
            (0x4008, 4, Ok(())),
            (0x4008, 8, Err(NotMemory)),
            (0x400c, 1, Err(NotMemory)),
            (0x7ff0 + other, 16, Ok(())),
            (0x8000 + other, 1, Err(Unmapped)),
        ] {
            assert_eq!(load(&mut program, DIRECT_MAP + physical, size).map(drop), expected, "{physical:#x}");
        }
    }
}

#[test]
fn only_segments_in_use_count() {
    let mut machine = machine(4);
    machine.space.segment_count = 1;
    let mut program = Program::new(machine.space);
    assert!(load(&mut program, DIRECT_MAP + 0x2000, 8).is_ok());
    assert_eq!(load(&mut program, DIRECT_MAP + 0x4000_0000, 8), Err(NotMemory));
}

#[test]
fn direct_map_ends_where_the_kernel_says() {
    let mut machine = Machine::new(&[(0, 0x8000)], 4, 0);
    machine.space.direct_map_end = DIRECT_MAP + 0x6004;
    let mut program = Program::new(machine.space);
    assert!(load(&mut program, DIRECT_MAP + 0x5ff8, 8).is_ok());
    assert!(load(&mut program, DIRECT_MAP + 0x6000, 4).is_ok());
    assert_eq!(load(&mut program, DIRECT_MAP + 0x6000, 8), Err(NotMemory));
    assert_eq!(load(&mut program, DIRECT_MAP + 0x6004, 4), Err(Unmapped));
    assert_eq!(load(&mut program, DIRECT_MAP + 0x7000, 8), Err(Unmapped));
}

#[test]
fn segment_at_odd_base_is_not_accessed_misaligned() {
    let mut machine = Machine::new(&[(0, 0x8000)], 4, 0);
    machine.space.segments[0].base += 4;
    machine.space.segments[0].end -= 4;
    let mut program = Program::new(machine.space);
    let base = machine.space.segments[0].base;
    assert_eq!(load(&mut program, DIRECT_MAP + 0x1008, 4), Ok(base + 0x1008));
    assert_eq!(load(&mut program, DIRECT_MAP + 0x1008, 8), Err(Misaligned));
    // A copy chooses accesses that are aligned.
    let mut buffer = [1u64; 2];
    let to = buffer.as_mut_ptr().cast();
    let copied = program.outcome(|| {
        crate::copy::gpufas_load_bytes(to, DIRECT_MAP + 0x1008, 16, SITE);
        0
    });
    assert_eq!((copied, buffer), (Ok(0), [0; 2]));
}

#[test]
fn user_addresses_stay_foreign_whatever_the_direct_map() {
    let machine = machine(4);
    for start in [0, 0x1000, 0x7fff_ffff_f000] {
        let space =
            gpufas_abi::AddressSpace { direct_map_start: start, direct_map_end: u64::MAX, ..machine.space };
        let mut program = Program::new(space);
        for offset in [0x1000, 0x4000_0000] {
            assert_eq!(load(&mut program, start + offset, 8), Err(NotKernel));
        }
    }
}

#[test]
fn hostile_spaces_are_harmless() {
    let machine = machine(4);
    for space in [
        gpufas_abi::AddressSpace { segment_count: u32::MAX, ..machine.space },
        gpufas_abi::AddressSpace { page_table_levels: 0, ..machine.space },
        gpufas_abi::AddressSpace { page_table_levels: 9, ..machine.space },
        gpufas_abi::AddressSpace { page_table_root: u64::MAX, ..machine.space },
        gpufas_abi::AddressSpace { direct_map_start: 0, direct_map_end: u64::MAX, ..machine.space },
        gpufas_abi::AddressSpace { direct_map_start: u64::MAX, direct_map_end: 0, ..machine.space },
        gpufas_abi::AddressSpace { image_physical: u64::MAX - 8, image_end: u64::MAX, ..machine.space },
        gpufas_abi::AddressSpace { image_start: u64::MAX, image_end: 0, ..machine.space },
    ] {
        let mut program = Program::new(space);
        for va in
            [DIRECT_MAP, DIRECT_MAP + 0x10_0000_0000, IMAGE + 16, IMAGE + 0x100_0000, VMALLOC + 0x3_0000, !15]
        {
            // Whatever is found is memory of the machine.
            if let Ok(pointer) = load(&mut program, va, 16) {
                let known = (0x1000..0x21_000).chain(0x4000_0000..0x4040_0000).step_by(16);
                let mut known = known.filter_map(|physical| machine.memory.pointer(physical, 16));
                assert!(known.any(|known| known as u64 == pointer), "{va:#x}");
            }
        }
    }
}
