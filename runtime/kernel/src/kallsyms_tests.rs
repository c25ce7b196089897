// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::layout::Layout;
use crate::memory::MemorySlices;
use crate::synthetic::kallsyms::Tables as Written;
use proptest::prelude::*;

const IMAGE: u64 = 0xffff_ffff_9ce0_0000;
const ALL: [Encoding; 3] = [Encoding::AbsolutePerCpu, Encoding::FromBase, Encoding::FromPlace];

/// Reads tables that are an image of their own, with a page of zeros behind them.
fn read_back(
    written: &Written,
    bytes: &[u8],
    encoding: Encoding,
    long_names: bool,
    known: &[(&str, u64)],
) -> Result<(Symbols, Encoding)> {
    let padded = [bytes, &[0; 4096]].concat();
    let memory = MemorySlices::new([(0, &padded[..])]);
    let layout = Layout {
        direct_map_start: 0,
        direct_map_end: 0,
        image_start: IMAGE,
        image_end: IMAGE + padded.len() as u64,
        image_physical: 0,
        page_table_root: 0,
        page_table_levels: 4,
        kaslr_offset: 0,
        phys_base: 0,
    };
    let view = View { memory: &memory, layout: &layout };
    let (symbols, encoding, source) = read(view, &written.places(IMAGE, encoding), long_names, known)?;
    assert!(source.is_in(view).unwrap());
    Ok((symbols, encoding))
}

fn symbols() -> Vec<(String, u64)> {
    let long = format!("t{}", "very_long_rust_name".repeat(26));
    [
        ("A__per_cpu_start", 0),
        ("Arunqueues", 0x31c40),
        ("T_text", IMAGE),
        (&long, IMAGE + 5),
        ("Dinit_task", IMAGE + 9),
    ]
    .map(|(name, address)| (name.to_owned(), address))
    .to_vec()
}

fn known() -> [(&'static str, u64); 2] {
    [("_text", IMAGE), ("not_in_this_kernel", 1)]
}

#[test]
fn symbols_come_back_in_every_encoding() {
    for encoding in ALL {
        let mut symbols = symbols();
        if encoding != Encoding::AbsolutePerCpu {
            // The others cannot express small absolute values.
            symbols.drain(..2);
        }
        let written = Written::new(&symbols, IMAGE, IMAGE, encoding, true);
        let (read, found) = read_back(&written, &written.bytes, encoding, true, &known()).unwrap();
        assert_eq!(found, encoding);
        let read: Vec<_> =
            read.iter().map(|symbol| (format!("{}{}", symbol.kind, symbol.name), symbol.address)).collect();
        assert_eq!(read, symbols);
    }
}

#[test]
fn lengths_have_one_byte_before_6_1() {
    let name = format!("t{}", "x".repeat(199));
    let symbols = [("T_text".to_owned(), IMAGE), (name.clone(), IMAGE + 1)];
    let written = Written::new(&symbols, IMAGE, IMAGE, Encoding::AbsolutePerCpu, false);
    let (read, _) = read_back(&written, &written.bytes, Encoding::AbsolutePerCpu, false, &known()).unwrap();
    assert_eq!(read.address(&name[1..]), Some(IMAGE + 1));
    let wrong = read_back(&written, &written.bytes, Encoding::AbsolutePerCpu, true, &known());
    assert!(wrong.is_err(), "the form of 6.1 must not be taken for it");
}

#[test]
fn addresses_that_disagree_are_an_error() {
    let written = Written::new(&symbols(), IMAGE, IMAGE, Encoding::AbsolutePerCpu, true);
    for known in
        [&[("_text", IMAGE + 1)][..], &[("_text", IMAGE), ("init_task", IMAGE)], &[("absent", IMAGE)], &[]]
    {
        let error = read_back(&written, &written.bytes, Encoding::AbsolutePerCpu, true, known).unwrap_err();
        let expected = "the kernel's symbol table (kallsyms) is not usable: its addresses are not those that \
                        VMCOREINFO names";
        assert_eq!(error.to_string(), expected, "{known:?}");
    }
}

#[test]
fn impossible_counts_are_an_error() {
    let written = Written::new(&symbols(), IMAGE, IMAGE, Encoding::AbsolutePerCpu, true);
    for count in [0, 1_000_000, MAX_SYMBOLS + 1, u32::MAX] {
        let mut bytes = written.bytes.clone();
        bytes[written.count as usize..][..4].copy_from_slice(&count.to_le_bytes());
        assert!(read_back(&written, &bytes, Encoding::AbsolutePerCpu, true, &known()).is_err(), "{count}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_names_and_addresses_come_back(
        names in prop::collection::vec("[a-zA-Z][a-zA-Z0-9_.$]{1,100}", 1..600),
        steps in prop::collection::vec(0u64..0x1000, 600),
        encoding in prop::sample::select(&ALL[..]),
        long_names: bool,
    ) {
        let mut address = IMAGE;
        let mut symbols = vec![("T_text".to_owned(), IMAGE)];
        symbols.extend(names.into_iter().zip(steps).map(|(name, step)| {
            address += step;
            (name, address)
        }));
        // A second `_text` elsewhere would disagree with what is known.
        prop_assume!(symbols[1..].iter().all(|(name, _)| &name[1..] != "_text"));
        let written = Written::new(&symbols, IMAGE, IMAGE, encoding, long_names);
        let (read, _) = read_back(&written, &written.bytes, encoding, long_names, &known()).unwrap();
        let read: Vec<_> =
            read.iter().map(|symbol| (format!("{}{}", symbol.kind, symbol.name), symbol.address)).collect();
        prop_assert_eq!(read, symbols);
    }

    #[test]
    fn damaged_tables_are_read_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        encoding in prop::sample::select(&ALL[..]),
        long_names: bool,
    ) {
        let mut symbols = symbols();
        symbols.extend((0..300).map(|index| (format!("tinit_{index}"), IMAGE + 0x10 + index)));
        let written = Written::new(&symbols, IMAGE, IMAGE, encoding, true);
        let mut bytes = written.bytes.clone();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = read_back(&written, &bytes, encoding, long_names, &known());
    }
}
