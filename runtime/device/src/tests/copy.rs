// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies and fills, against a model that goes byte by byte.

use gpufas_abi::FaultKind::{self, BudgetSpent, NotKernel, NotMemory, OutOfBounds, ReadOnly, Unmapped};
use gpufas_abi::context::FLAG_READ_ONLY;
use gpufas_abi::symbols::runtime::{OWN_VARIABLE_CONSTANT, OwnVariable};
use proptest::prelude::*;

use super::machine::{DIRECT_MAP, Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::copy::{gpufas_copy, gpufas_fill, gpufas_load_bytes, gpufas_store_bytes};

const SITE: u32 = 3;

/// Pages that vmalloc shows, in its order; the one after the third is not mapped.
const SCATTERED: [u64; 7] = [20, 18, 23, 0, 19, 22, 17];
/// Direct map: pages 32 to 40 of the first segment, which ends there inside a page, and the second segment.
const FIRST_END: u64 = 40 * PAGE - 36;
const SECOND: u64 = 64 * PAGE;

/// Two segments, scattered pages, own variables at a fixed place.
struct Setting {
    machine: Machine,
    program: Program,
    own: Box<[u64; 32]>,
}

impl Setting {
    fn new(seed: u8) -> Self {
        let mut machine = Machine::new(&[(0, FIRST_END), (SECOND, 4 * PAGE)], 4, 0);
        for (index, page) in SCATTERED.into_iter().enumerate().filter(|(_, page)| *page != 0) {
            let va = VMALLOC + index as u64 * PAGE;
            assert!(machine.map(Mapping { va, physical: page * PAGE, size: PAGE }, 0));
        }
        // A page that is no memory.
        assert!(machine.map(Mapping { va: VMALLOC + 9 * PAGE, physical: 50 * PAGE, size: PAGE }, 0));
        let noise = |at: u64| (at as u8).wrapping_mul(31).wrapping_add((at >> 8) as u8).wrapping_add(seed);
        for at in (16 * PAGE..FIRST_END).chain(SECOND..SECOND + 4 * PAGE) {
            machine.memory.set(at, &[noise(at)]);
        }
        let mut own = Box::new([0x0102_0304_0506_0708u64.wrapping_mul(u64::from(seed) | 1); 32]);
        let mut program = Program::new(machine.space);
        let address = own.as_mut_ptr().expose_provenance() as u64;
        program.variables = vec![OwnVariable { address, size: 250 }];
        Self { machine, program, own }
    }

    fn own_address(&self) -> u64 {
        self.own.as_ptr() as u64
    }

    /// Address of an offset in one of the regions.
    fn address(&self, region: Region, offset: u64) -> u64 {
        match region {
            Region::Scattered => VMALLOC + offset,
            Region::FirstEnd => DIRECT_MAP + 33 * PAGE + offset,
            Region::Second => DIRECT_MAP + SECOND - PAGE + offset,
            Region::Own => self.own_address() + offset % 270,
        }
    }

    /// The memory of one byte, by the model.
    fn byte(&self, va: u64) -> Result<*mut u8, FaultKind> {
        if va >> 63 == 1 {
            self.machine.pointer(va, 1)
        } else if va >= self.own_address() && va < self.own_address() + 250 {
            Ok(va as *mut u8)
        } else {
            Err(NotKernel)
        }
    }

    /// All bytes of a range, or the fault of the first one that is none.
    fn range(&self, va: u64, size: u64) -> Result<Vec<*mut u8>, FaultKind> {
        let all: Result<Vec<_>, _> = (0..size).map(|index| self.byte(va + index)).collect();
        // Of own memory the whole range is judged.
        all.map_err(|kind| if kind == NotKernel && self.byte(va).is_ok() { OutOfBounds } else { kind })
    }

    /// Everything that a program can write.
    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = self.machine.memory.snapshot();
        bytes.extend(self.own.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    /// Takes back all that was recorded, last first.
    fn undo(&self) {
        for entry in self.program.entries().iter().rev() {
            self.machine.memory.set(entry.physical, &entry.old.to_le_bytes()[..entry.size as usize]);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Region {
    Scattered,
    FirstEnd,
    Second,
    Own,
}

fn place() -> impl Strategy<Value = (Region, u64)> {
    use Region::{FirstEnd, Own, Scattered, Second};
    let offset = (0u64..9, prop_oneof![-20i64..20, 0i64..4096]);
    (prop::sample::select(vec![Scattered, FirstEnd, Second, Own]), offset)
        .prop_map(|(region, (page, near))| (region, (page * PAGE).saturating_add_signed(near)))
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..40, 2 => 0u64..300, 1 => 0u64..13_000]
}

proptest! {
    #[test]
    fn copy_is_memmove(
        (to, from) in (place(), place()),
        size in size(),
        near in prop::option::of(-40i64..40),
        seed in any::<u8>(),
    ) {
        let mut setting = Setting::new(seed);
        let from_va = setting.address(from.0, from.1);
        // Often an overlap.
        let to_va = match near {
            Some(near) => from_va.wrapping_add_signed(near),
            None => setting.address(to.0, to.1),
        };
        let before = setting.snapshot();
        let expected = setting.range(from_va, size).and_then(|from| Ok((from, setting.range(to_va, size)?)));
        let outcome = setting.program.outcome(|| { gpufas_copy(to_va, from_va, size, SITE); 1 });
        let after = setting.snapshot();
        prop_assert_eq!(outcome, expected.as_ref().map(|_| 1).map_err(|kind| *kind));
        // Back to before, from the journal, but for own memory, which is not recorded.
        setting.undo();
        let kernel = setting.machine.memory.snapshot().len();
        prop_assert_eq!(&setting.snapshot()[..kernel], &before[..kernel]);
        let Ok((from, to)) = expected else {
            prop_assert!(after == before, "nothing is written if not all can be");
            return Ok(());
        };
        // And once more by the model, from the same state.
        for (word, bytes) in setting.own.iter_mut().zip(before[kernel..].chunks(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap());
        }
        // SAFETY: the model found that these are bytes of the setting.
        let bytes: Vec<u8> = from.iter().map(|from| unsafe { from.read_volatile() }).collect();
        for (to, byte) in to.iter().zip(bytes) {
            // SAFETY: as above.
            unsafe { to.write_volatile(byte) };
        }
        prop_assert!(setting.snapshot() == after);
    }

    #[test]
    fn fill_load_and_store(place in place(), size in size(), seed in any::<u8>()) {
        let mut setting = Setting::new(seed);
        let va = setting.address(place.0, place.1);
        let expected = setting.range(va, size);
        let outcome = expected.as_ref().map(|_| 1).map_err(|kind| *kind);
        let before = setting.snapshot();

        let mut buffer = vec![0xa5u8; size as usize + 1];
        let pointer = buffer.as_mut_ptr();
        let loaded = setting.program.outcome(|| { gpufas_load_bytes(pointer, va, size, SITE); 1 });
        prop_assert_eq!(loaded, outcome);
        for (index, byte) in expected.iter().flatten().enumerate() {
            // SAFETY: the model found that these are bytes of the setting.
            prop_assert_eq!(buffer[index], unsafe { byte.read_volatile() });
        }
        prop_assert_eq!(buffer[size as usize], 0xa5);

        buffer.reverse();
        let pointer = buffer.as_ptr();
        let stored = setting.program.outcome(|| { gpufas_store_bytes(va, pointer, size, SITE); 1 });
        prop_assert_eq!(stored, outcome);
        for (index, byte) in expected.iter().flatten().enumerate() {
            // SAFETY: as above.
            prop_assert_eq!(buffer[index], unsafe { byte.read_volatile() });
        }
        let changed = setting.snapshot().iter().zip(&before).filter(|(new, old)| new != old).count() as u64;
        prop_assert!(changed <= expected.as_ref().map_or(0, |_| size));

        prop_assert_eq!(setting.program.outcome(|| { gpufas_fill(va, seed, size, SITE); 1 }), outcome);
        for byte in expected.iter().flatten() {
            // SAFETY: as above.
            prop_assert_eq!(seed, unsafe { byte.read_volatile() });
        }
        let changed = setting.snapshot().iter().zip(&before).filter(|(new, old)| new != old).count() as u64;
        prop_assert!(changed <= expected.as_ref().map_or(0, |_| size));
    }
}

#[test]
fn fields_are_copied_by_one_access() {
    let mut setting = Setting::new(0);
    let to = DIRECT_MAP + 33 * PAGE;
    for (to, from, size, accesses) in [
        (to, VMALLOC, 8, vec![8]),
        (to + 4, VMALLOC + 4, 4, vec![4]),
        (to + 2, VMALLOC + 6, 2, vec![2]),
        (to + 4, VMALLOC + 4, 16, vec![4, 8, 4]),
        (to + 4, VMALLOC, 12, vec![4, 4, 4]),
        (to + 1, VMALLOC + 1, 23, vec![1, 2, 4, 8, 8]),
        (to + 1, VMALLOC + 2, 3, vec![1, 1, 1]),
        // Backward.
        (VMALLOC + 12, VMALLOC + 4, 20, vec![8, 8, 4]),
        (VMALLOC + 8, VMALLOC + 4, 12, vec![4, 4, 4]),
    ] {
        setting.program.run(|| {
            gpufas_copy(to, from, size, SITE);
            0
        });
        let sizes: Vec<u32> = setting.program.entries().iter().map(|entry| entry.size).collect();
        assert_eq!(sizes, accesses, "{size} bytes from {from:#x} to {to:#x}");
    }
}

/// Two segments that touch inside a page lie apart for the program.
#[test]
fn pieces_end_where_segments_touch() {
    let machine = Machine::new(&[(0, 2 * PAGE + 20), (2 * PAGE + 20, 2 * PAGE)], 4, 0);
    let mut program = Program::new(machine.space);
    for (to, from) in [(PAGE, 2 * PAGE), (2 * PAGE, PAGE), (2 * PAGE, 2 * PAGE + 7), (2 * PAGE + 7, 2 * PAGE)]
    {
        let bytes: Vec<u8> = (0..4 * PAGE).map(|at| (at * 7 + at / 256) as u8).collect();
        machine.memory.set(0, &bytes);
        let outcome = program.outcome(|| {
            gpufas_copy(DIRECT_MAP + to, DIRECT_MAP + from, 100, SITE);
            0
        });
        assert_eq!(outcome, Ok(0));
        let mut expected = bytes;
        expected.copy_within(from as usize..from as usize + 100, to as usize);
        let copied: Vec<u8> = (0..4 * PAGE).map(|at| machine.memory.byte(at).unwrap()).collect();
        assert!(copied == expected, "{from:#x} to {to:#x}");
    }
}

#[test]
fn range_does_not_wrap_around() {
    let mut machine = Machine::new(&[(0, 16 * PAGE)], 4, 0);
    let va = PAGE.wrapping_neg();
    assert!(machine.map(Mapping { va, physical: 12 * PAGE, size: PAGE }, 0));
    let mut program = Program::new(machine.space);
    let mut outcome = |size| {
        program.outcome(|| {
            gpufas_fill(va, 1, size, SITE);
            0
        })
    };
    assert_eq!(outcome(PAGE), Ok(0));
    assert_eq!(outcome(PAGE + 1), Err(Unmapped));
}

#[test]
fn impossible_ranges_fault() {
    let mut setting = Setting::new(0);
    let kernel = DIRECT_MAP + 33 * PAGE;
    let own = setting.own_address();
    let mut outcome = |to: u64, from: u64, size: u64| {
        setting.program.outcome(|| {
            gpufas_copy(to, from, size, SITE);
            0
        })
    };
    assert_eq!(outcome(0, 0, 0), Ok(0), "no byte is no access");
    assert_eq!(outcome(kernel, 0, 1), Err(NotKernel));
    assert_eq!(outcome(0, kernel, 1), Err(NotKernel));
    assert_eq!(outcome(kernel, u64::MAX, 2), Err(Unmapped));
    assert_eq!(outcome(kernel, i64::MAX as u64, 2), Err(NotKernel));
    assert_eq!(outcome(own, kernel, 251), Err(OutOfBounds));
    assert_eq!(outcome(kernel, VMALLOC + 9 * PAGE, 1), Err(NotMemory));
    // Sizes as a corrupt length makes them.
    assert_eq!(outcome(kernel, kernel + 8, u64::MAX), Err(BudgetSpent));
    assert_eq!(outcome(kernel, kernel + 8, 1 << 40), Err(BudgetSpent));
    assert_eq!(outcome(kernel, kernel + 8, 1 << 25), Err(NotMemory));
}

#[test]
fn nothing_is_written_that_must_not() {
    let mut setting = Setting::new(0);
    let (kernel, own) = (DIRECT_MAP + 33 * PAGE, setting.own_address());
    setting.program.variables[0].size |= OWN_VARIABLE_CONSTANT;
    setting.program.context.flags = FLAG_READ_ONLY;
    let before = setting.snapshot();
    for to in [kernel, own] {
        let outcome = setting.program.outcome(|| {
            gpufas_copy(to, VMALLOC, 16, SITE);
            0
        });
        assert_eq!(outcome, Err(ReadOnly));
        let outcome = setting.program.outcome(|| {
            gpufas_fill(to, 0, 16, SITE);
            0
        });
        assert_eq!(outcome, Err(ReadOnly));
    }
    assert!(setting.snapshot() == before);
}
