// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest's physical address space as QEMU prints it (`info mtree -f`).
//!
//! There is no structured form of this in QMP. The text comes from `mtree_print_flatview()` in
//! system/memory.c (softmmu/memory.c before 8.2) and has kept its form since 2.10:
//!
//! ```text
//! FlatView #0
//!  AS "memory", root: system
//!  Root memory region: system
//!   0000000000000000-00000000000c2fff (prio 0, ram): pc.ram
//!   00000000000c3000-00000000000e7fff (prio 0, rom): pc.ram @00000000000c3000
//! ```

use crate::error::{Error, Result};
use std::ops::Range;

/// Most ranges that are looked at; a machine has a few dozen.
const MOST_RANGES: usize = 1 << 16;

/// A range of the address space that is memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FlatRange {
    /// Physical addresses.
    pub(super) physical: Range<u64>,
    /// Name of QEMU's memory region.
    pub(super) region: String,
    /// Offset of the first byte in that region.
    pub(super) offset: u64,
}

/// The ranges of the address space "memory" that are RAM, or RAM that is write-protected at present
/// (the shadow of the firmware below 1 MiB), of any memory region.
pub(super) fn parse(text: &str) -> Result<Vec<FlatRange>> {
    let misunderstood = |what: String| Error::QmpAnswer { command: "info mtree -f".into(), what };
    let mut ranges: Vec<FlatRange> = Vec::new();
    let mut views = text.split("FlatView #").skip(1);
    let Some(view) =
        views.find(|view| view.lines().any(|line| line.trim_start().starts_with("AS \"memory\",")))
    else {
        return Err(misunderstood("it has no address space \"memory\"".into()));
    };
    for line in view.lines() {
        let Some(range) = parse_line(line) else { continue };
        let range = range.map_err(|what| misunderstood(format!("{what} in {line:?}")))?;
        let follows = |last: &&mut FlatRange| {
            last.physical.end == range.physical.start
                && last.region == range.region
                && last.offset.checked_add(last.physical.end - last.physical.start) == Some(range.offset)
        };
        if let Some(last) = ranges.last_mut()
            && last.physical.end > range.physical.start
        {
            return Err(misunderstood(format!("ranges overlap or are not in order at {line:?}")));
        }
        if let Some(last) = ranges.last_mut().filter(follows) {
            last.physical.end = range.physical.end;
        } else if ranges.len() == MOST_RANGES {
            return Err(misunderstood(format!("more than {MOST_RANGES} ranges")));
        } else {
            ranges.push(range);
        }
    }
    Ok(ranges)
}

/// A line of a flat view; none if it is no range or not memory.
fn parse_line(line: &str) -> Option<Result<FlatRange, &'static str>> {
    let (addresses, rest) = line.trim().split_once(" (prio ")?;
    let (start, last) = addresses.split_once('-')?;
    let (attributes, name) = rest.split_once("): ")?;
    let kind = attributes.split(", ").nth(1)?;
    // nv-ram and ramd are not in question: the one is ACPI's, the other a device's.
    if !matches!(kind, "ram" | "rom") {
        return None;
    }
    let (start, last) = match (hexadecimal(start), hexadecimal(last)) {
        (Some(start), Some(last)) if start <= last => (start, last),
        _ => return Some(Err("a malformed range")),
    };
    // The top byte of the address space would not fit, and no machine has memory there.
    let Some(end) = last.checked_add(1) else { return Some(Err("a range at the end of the address space")) };
    // What may follow the name: the offset, and " KVM" with some options of the command.
    let (region, offset) = match name.rsplit_once(" @") {
        Some((region, offset)) => match offset.split(' ').next().and_then(hexadecimal) {
            Some(offset) => (region, offset),
            None => return Some(Err("a malformed offset")),
        },
        None => (name.strip_suffix(" KVM").unwrap_or(name), 0),
    };
    if offset.checked_add(end - start).is_none() {
        return Some(Err("a range beyond the end of its region"));
    }
    Some(Ok(FlatRange { physical: start..end, region: region.into(), offset }))
}

pub(super) fn hexadecimal(text: &str) -> Option<u64> {
    // from_str_radix takes a sign, which no address has.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u64::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const Q35: &str = include_str!("../../tests/data/mtree-q35-512M.txt");
    const PC: &str = include_str!("../../tests/data/mtree-pc-5G.txt");

    fn ram(text: &str, region: &str) -> Vec<FlatRange> {
        parse(text).unwrap().into_iter().filter(|range| range.region == region).collect()
    }

    #[test]
    fn write_protected_pieces_join_their_region() {
        let expected = FlatRange { physical: 0..0x2000_0000, region: "ram0".into(), offset: 0 };
        assert_eq!(ram(Q35, "ram0"), [expected]);
    }

    #[test]
    fn memory_beyond_the_hole_keeps_its_offset() {
        let range = |start, end, offset| FlatRange { physical: start..end, region: "pc.ram".into(), offset };
        assert_eq!(
            ram(PC, "pc.ram"),
            [range(0, 0xc000_0000, 0), range(0x1_0000_0000, 0x1_8000_0000, 0xc000_0000)]
        );
    }

    #[test]
    fn only_the_address_space_memory_counts() {
        let text =
            "FlatView #0\n AS \"I/O\", root: io\n  0000000000000000-0000000000000fff (prio 0, ram): x\n";
        assert!(matches!(parse(text), Err(Error::QmpAnswer { .. })));
    }

    #[test]
    fn impossible_ranges_are_refused() {
        let view = |line: &str| parse(&format!("FlatView #0\n AS \"memory\", root: system\n  {line}\n"));
        for line in [
            "0000000000001000-0000000000000fff (prio 0, ram): a",
            "0000000000000000-ffffffffffffffff (prio 0, ram): a",
            "000000000000000g-0000000000000fff (prio 0, ram): a",
            "+000000000000000-0000000000000fff (prio 0, ram): a",
            "0000000000000000-0000000000000fff (prio 0, ram): a @xyz",
            "0000000000000000-0000000000001fff (prio 0, ram): a @fffffffffffff000",
            "0000000000000000-0000000000001fff (prio 0, ram): a\n  0000000000001000-0000000000002fff (prio 0, ram): b",
        ] {
            assert!(view(line).is_err(), "{line}");
        }
        assert_eq!(view("0000000000000000-0000000000000fff (prio 0, i/o): a").unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(FlatView #0\n AS \"memory\", root: s\n)?([0-9a-f\\-]{0,33} ?\\(prio 0, (ram|rom|i/o)\\): [a @0-9f]{0,20}\n){0,8}") {
            let _ = parse(&text);
        }
    }
}
