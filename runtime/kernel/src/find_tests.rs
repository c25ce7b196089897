// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::MemorySlices;
use crate::kallsyms::Encoding;
use crate::newest;
use crate::synthetic::machine::{IMAGE_PHYSICAL, KALLSYMS, Options, RELEASE, TK_CORE, VERSION, VMCOREINFO};
use crate::synthetic::{Machine, machine};
use proptest::prelude::*;

fn find(machine: &Machine) -> Result<Kernel> {
    Kernel::find(&machine.memory())
}

/// Replaces text in the VMCOREINFO page by text that may have another length.
fn edit(machine: &mut Machine, old: &str, new: &str) {
    let page = &machine.low[VMCOREINFO as usize..][..4096];
    let end = page.iter().position(|&byte| byte == 0).unwrap();
    let text = str::from_utf8(&page[..end]).unwrap();
    assert!(text.contains(old), "{old} in {text}");
    let mut text = text.replacen(old, new, 1).into_bytes();
    text.resize(4096, 0);
    machine.put(VMCOREINFO, &text);
}

fn reason(error: Error) -> String {
    match error {
        Error::NoUsableKernel { source, .. } => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kernel_is_found_in_all_forms() {
    for encoding in [Encoding::AbsolutePerCpu, Encoding::FromBase, Encoding::FromPlace] {
        for (levels, says_kallsyms) in [(4, true), (5, true), (4, false), (5, false)] {
            if !says_kallsyms && encoding != Encoding::AbsolutePerCpu {
                // The kernels that do not say where their symbols are have the one encoding.
                continue;
            }
            let options = Options { levels, encoding, says_kallsyms, per_cpu_counters: false };
            let machine = Machine::new(options);
            let kernel = find(&machine).unwrap_or_else(|error| panic!("{options:?}: {error:?}"));
            assert_eq!((kernel.release(), kernel.version()), (RELEASE, VERSION));
            assert_eq!(kernel.version_numbers(), (6, 1));
            // Without an entry in VMCOREINFO the build id comes from the image's notes.
            assert_eq!(kernel.build_id(), Some(if says_kallsyms { "0123456789" } else { "eb4fbcd0" }));
            let expected = Layout {
                direct_map_start: machine.direct_map,
                direct_map_end: machine.direct_map + (1 << 32) + 4096,
                image_start: machine.text,
                image_end: machine.text + (2 << 20),
                image_physical: IMAGE_PHYSICAL,
                page_table_root: IMAGE_PHYSICAL + 0x2000,
                page_table_levels: levels,
                kaslr_offset: 0x1be0_0000,
                phys_base: IMAGE_PHYSICAL.wrapping_sub(0x1ce0_0000),
            };
            assert_eq!(*kernel.layout(), expected);
            assert_eq!(kernel.symbol("init_task").unwrap(), machine.text + machine::INIT_TASK);
            assert_eq!(
                kernel.symbols().name_at(machine.text + machine::INIT_TASK + 5),
                Some(("init_task", 5))
            );
            let absent = kernel.symbol("absent").unwrap_err().to_string();
            assert_eq!(absent, format!("kernel {RELEASE} has no symbol absent"));
        }
    }
}

#[test]
fn memory_without_a_kernel_is_told_from_an_unusable_kernel() {
    let empty = vec![0; 1 << 20];
    let error = Kernel::find(&MemorySlices::new([(0, &empty[..])])).unwrap_err();
    assert!(matches!(error, Error::NoKernel), "{error}");
    let mut machine = Machine::new(Options::default());
    machine.put(VMCOREINFO, b"X");
    assert!(matches!(find(&machine), Err(Error::NoKernel)));
    let mut machine = Machine::new(Options::default());
    edit(&mut machine, "KERNELOFFSET", "kerneloffset");
    let error = find(&machine).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no usable Linux kernel in the target's memory: VMCOREINFO found 1 time(s), none usable; the most \
         likely one is of release 6.1.0-56-amd64"
    );
    assert_eq!(reason(error), "the kernel's VMCOREINFO has no entry KERNELOFFSET");
}

#[test]
fn stale_and_foreign_texts_do_not_hide_the_kernel() {
    let mut machine = Machine::new(Options::default());
    let original = machine.low[VMCOREINFO as usize..][..4096].to_vec();
    // An old kernel with other addresses before it, a copy of the text after it, a mere mention at the end.
    let old = String::from_utf8(original.clone()).unwrap().replace("=ffffffff9c", "=ffffffff8c");
    machine.put(0x20_0000, old.as_bytes());
    machine.put(0xc0_0000, &original);
    machine.put(0xc0_2000, b"OSRELEASE=5.10.0\nSYMBOL(");
    let kernels = Kernel::find_all(&machine.memory()).unwrap();
    assert_eq!(kernels.len(), 1);
    assert_eq!(kernels[0].layout().image_start, machine.text);
    // Without the original the copy proves nothing.
    machine.put(VMCOREINFO, &[0; 4096]);
    let reason = reason(find(&machine).unwrap_err());
    assert_eq!(
        reason,
        "VMCOREINFO and memory do not agree: the kernel's VMCOREINFO is at 0x301000, \
         this one at 0xc00000 is a copy"
    );
}

#[test]
fn what_contradicts_vmcoreinfo_is_an_error() {
    type Change = fn(&mut Machine);
    let cases: [(&str, Change); 9] = [
        ("init_uts_ns of Linux 6.1.0-57", |machine| {
            machine.put(IMAGE_PHYSICAL + 0x1000 + 130, b"6.1.0-57-amd64");
        }),
        ("it is for aarch64", |machine| machine.put(IMAGE_PHYSICAL + 0x1000 + 260, b"aarch64\0")),
        ("linux_banner says", |machine| machine.put(IMAGE_PHYSICAL + 0x5000, b"Windows")),
        ("kernel address 0xffffffff9ce02000 is not mapped", |machine| {
            machine.put(IMAGE_PHYSICAL + 0x2000 + 511 * 8, &[0; 8]);
        }),
        ("the direct map does not begin at", |machine| {
            machine.put_u64(IMAGE_PHYSICAL + 0x4000, machine.direct_map + 0x20_0000);
        }),
        ("the direct map cannot begin at", |machine| machine.put_u64(IMAGE_PHYSICAL + 0x4000, u64::MAX - 5)),
        ("its addresses are not those", |machine| {
            let offset = machine.kallsyms().relative_base;
            machine.put_u64(IMAGE_PHYSICAL + KALLSYMS + offset, machine.text + 1);
        }),
        ("encrypted", |machine| {
            edit(machine, "KERNELOFFSET", "NUMBER(sme_mask)=140737488355328\nKERNELOFFSET");
        }),
        ("pages are not of 4096 bytes", |machine| edit(machine, "PAGESIZE=4096", "PAGESIZE=65536")),
    ];
    for (expected, change) in cases {
        let mut machine = Machine::new(Options::default());
        change(&mut machine);
        let reason = reason(find(&machine).unwrap_err());
        assert!(reason.contains(expected), "{reason:?} should contain {expected:?}");
    }
}

#[test]
fn of_several_kernels_the_one_with_the_latest_time_runs() {
    let clock = |seconds: u64| {
        let mut machine = Machine::new(Options::default());
        machine.put_u64(IMAGE_PHYSICAL + TK_CORE + 8, seconds);
        newest::wall_clock(&find(&machine).unwrap(), &machine.memory()).unwrap()
    };
    for (times, expected) in [([5, 9, 7], Some(9)), ([9, 5, 5], Some(9)), ([7, 2, 7], None)] {
        let clocks = times.map(clock);
        assert_eq!(newest::latest(clocks.into_iter().zip(times).collect()), expected, "{times:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_machine_is_searched_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        pointers in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..8),
        part in 0usize..6,
    ) {
        let mut machine = Machine::new(Options { levels: 4 + part as u32 % 2, ..Options::default() });
        // The text, the page tables, the image's variables, its symbols, its types, the processes.
        let (start, size) = [
            (VMCOREINFO, 0x400), (IMAGE_PHYSICAL + 0x2000, 0x1000), (IMAGE_PHYSICAL + 0x1000, 0x5000),
            (IMAGE_PHYSICAL + 0x10000, 0x4000), (IMAGE_PHYSICAL + 0x80000, 0x800), (0x80_1000, 0x4000),
        ][part];
        for (index, byte) in damage {
            machine.put(start + index.index(size) as u64, &[byte]);
        }
        for (index, value) in pointers {
            machine.put_u64(start + index.index(size / 8) as u64 * 8, value);
        }
        let memory = machine.memory();
        let Ok(kernel) = Kernel::find(&memory) else { return Ok(()) };
        let Ok(types) = kernel.types(&memory) else { return Ok(()) };
        if let Ok(table) = crate::processes::list(&kernel, &memory, &types) {
            prop_assert!(table.processes.len() <= 5);
        }
    }
}
