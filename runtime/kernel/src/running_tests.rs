// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::kallsyms::Encoding;
use crate::synthetic::Machine;
use crate::synthetic::machine::{IMAGE_PHYSICAL, KALLSYMS, Options, VMCOREINFO};
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The machine's page tables.
const ROOT: u64 = IMAGE_PHYSICAL + 0x2000;

fn page_tables(machine: &Machine) -> PageTables {
    PageTables { cr3: ROOT, levels: machine.options.levels }
}

/// A cache that keeps the machine's kernel, in a folder that is removed when it is dropped.
fn kept(machine: &Machine) -> (tempfile::TempDir, SymbolCache, Kernel) {
    let folder = tempfile::tempdir().unwrap();
    let cache = SymbolCache::new(folder.path().join("symbols"));
    let kernel = Kernel::find(&machine.memory()).unwrap();
    cache.store(&kernel, &machine.memory()).unwrap();
    (folder, cache, kernel)
}

fn find(machine: &Machine, cache: &SymbolCache) -> Option<Kernel> {
    Kernel::find_known(&machine.memory(), &[page_tables(machine)], cache)
}

#[test]
fn a_kernel_that_was_found_before_is_found_by_the_page_tables() {
    for encoding in [Encoding::AbsolutePerCpu, Encoding::FromBase, Encoding::FromPlace] {
        for levels in [4, 5] {
            let mut machine = Machine::new(Options { levels, encoding, ..Options::default() });
            let (_folder, cache, kernel) = kept(&machine);
            // What it was found by at first is gone.
            machine.put(VMCOREINFO, &[0; 4096]);
            let again = find(&machine, &cache).unwrap();
            assert_eq!(again.layout(), kernel.layout(), "{levels} levels, {encoding:?}");
            assert_eq!((again.release(), again.version()), (kernel.release(), kernel.version()));
            assert_eq!(again.version_numbers(), kernel.version_numbers());
            assert_eq!(again.build_id(), Some("eb4fbcd0"));
            assert!(again.symbols().iter().eq(kernel.symbols().iter()));
            assert_eq!(again.symbols().name_at(machine.text + 0x101), Some(("function_1", 0)));
        }
    }
}

#[test]
fn page_tables_of_programs_lead_to_the_kernels() {
    let mut machine = Machine::new(Options::default());
    let (_folder, cache, kernel) = kept(&machine);
    // A process's: the kernel's part is the same; and what the CPU uses while the process runs, with nothing of the image.
    let top = machine.low[ROOT as usize + 2048..][..2048].to_vec();
    machine.put(0x50_0000 + 2048, &top);
    for cr3 in [0x50_0000, 0x50_0007, 0x50_1000, 0x50_1fff] {
        let tables = PageTables { cr3, levels: 4 };
        let found = Kernel::find_known(&machine.memory(), &[tables], &cache);
        assert_eq!(found.unwrap().layout(), kernel.layout(), "{cr3:#x}");
    }
    // No page tables, and none in memory.
    for cr3 in [0, 0x60_0000, 1 << 40, u64::MAX] {
        let tables = PageTables { cr3, levels: 4 };
        assert!(Kernel::find_known(&machine.memory(), &[tables], &cache).is_none(), "{cr3:#x}");
    }
    for levels in [0, 3, 5, 6] {
        let tables = PageTables { cr3: ROOT, levels };
        assert!(Kernel::find_known(&machine.memory(), &[tables], &cache).is_none(), "{levels} levels");
    }
}

#[test]
fn all_processors_run_the_kernel_that_is_found() {
    let mut machine = Machine::new(Options::default());
    let (_folder, cache, _) = kept(&machine);
    let top = machine.low[ROOT as usize + 2048..][..2048].to_vec();
    machine.put(0x50_0000 + 2048, &top);
    let tables = |cr3| PageTables { cr3, levels: 4 };
    let find = |all: &[u64]| {
        let all: Vec<_> = all.iter().map(|&cr3| tables(cr3)).collect();
        Kernel::find_known(&machine.memory(), &all, &cache).is_some()
    };
    assert!(find(&[ROOT, 0x50_0000, 0x50_1000]));
    assert!(find(&[0, ROOT, 0]), "processors that were never started");
    assert!(!find(&[ROOT, 0x60_0000]), "one that runs something else");
    assert!(!find(&[0]) && !find(&[]));
}

#[test]
fn what_is_not_the_kernel_that_is_known_is_not_taken_for_it() {
    type Change = fn(&mut Machine);
    let cases: [(&str, Change); 9] = [
        ("another address of a symbol", |machine| {
            let offsets =
                IMAGE_PHYSICAL + KALLSYMS + machine.kallsyms().places(0, machine.options.encoding).offsets;
            let at = (offsets + 40) as usize;
            let old = machine.low[at];
            machine.put(offsets + 40, &[old ^ 4]);
        }),
        ("another base of symbols", |machine| {
            let base = machine.kallsyms().places(0, machine.options.encoding).relative_base.unwrap();
            machine.put_u64(IMAGE_PHYSICAL + KALLSYMS + base, machine.text + 0x1000);
        }),
        ("another build id", |machine| machine.put(IMAGE_PHYSICAL + 0x5800 + 16, &[0xeb, 0x4f, 0xbc, 0xd1])),
        ("another release", |machine| machine.put(IMAGE_PHYSICAL + 0x1000 + 130, b"6.1.0-57-amd64")),
        ("another version", |machine| machine.put(IMAGE_PHYSICAL + 0x1000 + 195, b"#2")),
        ("another banner", |machine| machine.put(IMAGE_PHYSICAL + 0x5000, b"Windows")),
        ("no direct map", |machine| machine.put_u64(IMAGE_PHYSICAL + 0x4000, machine.direct_map + 0x20_0000)),
        ("an image that is not mapped", |machine| machine.put(ROOT + 511 * 8, &[0; 8])),
        ("page tables of its own", |machine| {
            // The CPU uses others, which map the same image.
            let top = machine.low[ROOT as usize..][..4096].to_vec();
            machine.put(0x50_0000, &top);
            machine.put(ROOT + 511 * 8, &[0; 8]);
        }),
    ];
    for (what, change) in cases {
        let mut machine = Machine::new(Options::default());
        let (_folder, cache, _) = kept(&machine);
        assert!(find(&machine, &cache).is_some());
        change(&mut machine);
        let cr3 = if what == "page tables of its own" { 0x50_0000 } else { ROOT };
        let tables = PageTables { cr3, levels: 4 };
        assert!(Kernel::find_known(&machine.memory(), &[tables], &cache).is_none(), "{what}");
    }
}

#[test]
fn files_that_are_damaged_or_could_be_anothers_are_not_used() {
    let machine = Machine::new(Options::default());
    let (folder, cache, _) = kept(&machine);
    let file = folder.path().join("symbols/eb4fbcd0");
    let original = fs::read(&file).unwrap();
    let is_found = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        find(&machine, &cache).is_some()
    };
    assert!(is_found(&original));
    for end in [0, 8, 100, original.len() / 2, original.len() - 1] {
        assert!(!is_found(&original[..end]), "{end} bytes");
    }
    for at in [0, 8, 20, 100, 400, original.len() - 1] {
        let mut damaged = original.clone();
        damaged[at] ^= 1;
        assert!(!is_found(&damaged), "byte {at}");
    }
    assert!(is_found(&original));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(find(&machine, &cache).is_none(), "others may write it");
    // It is replaced by one that is sound.
    cache.store(&Kernel::find(&machine.memory()).unwrap(), &machine.memory()).unwrap();
    assert!(find(&machine, &cache).is_some());
    let mode = fs::metadata(folder.path().join("symbols")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_latest_kernels_are_kept() {
    let machine = Machine::new(Options::default());
    let (folder, cache, kernel) = kept(&machine);
    let folder = folder.path().join("symbols");
    for index in 0..40 {
        let path = folder.join(format!("{index:04x}"));
        fs::write(&path, b"").unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(index);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    fs::write(folder.join("not ours"), b"").unwrap();
    cache.store(&kernel, &machine.memory()).unwrap();
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 33);
    assert!(["eb4fbcd0", "0027", "not ours"].iter().all(|kept| names.iter().any(|name| name == kept)));
    assert!(!names.iter().any(|name| name == "0000"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_page_tables_are_read_without_panic(
        cr3: u64,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..8),
        levels in 4u32..6,
    ) {
        let mut machine = Machine::new(Options { levels, ..Options::default() });
        let (_folder, cache, _) = kept(&machine);
        for (index, value) in damage {
            // The tables, and the image's variables.
            let at = [0x10_0000, ROOT - 0x1000][index.index(2)] + index.index(0x5000 / 8) as u64 * 8;
            machine.put_u64(at, value);
        }
        let _ = find(&machine, &cache);
        let _ = Kernel::find_known(&machine.memory(), &[PageTables { cr3, levels }], &cache);
    }
}
