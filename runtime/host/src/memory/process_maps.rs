// SPDX-License-Identifier: MIT OR Apache-2.0

//! The address space of another process (`/proc/PID/maps`, see proc(5)).

use super::flat_view::hexadecimal;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A mapping of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Virtual addresses in the process.
    pub(super) addresses: Range<u64>,
    /// Whether it may be read and written.
    pub(super) writable: bool,
    /// Whether stores reach the file.
    pub(super) shared: bool,
    /// Offset in the file.
    pub(super) offset: u64,
    /// Number of the file's device, in the form of `st_dev`.
    pub(super) device: u64,
    /// Number of the file's inode; 0 if there is no file.
    pub(super) inode: u64,
    /// The file's name, as the kernel prints it.
    pub(super) name: String,
}

/// The mappings, in the order of their addresses. Lines that are not understood are left out.
pub(super) fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mapping> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?.as_bytes();
    let offset = hexadecimal(fields.next()?)?;
    let (major, minor) = fields.next()?.split_once(':')?;
    let inode = fields.next()?.parse().ok()?;
    let name = fields.next().unwrap_or_default().trim_start();
    let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
    let (major, minor) = (u32::try_from(hexadecimal(major)?).ok()?, u32::try_from(hexadecimal(minor)?).ok()?);
    (start < end).then_some(Mapping {
        addresses: start..end,
        writable: permissions.starts_with(b"rw"),
        shared: permissions.get(3) == Some(&b's'),
        offset,
        device: libc::makedev(major, minor),
        inode,
        name: name.into(),
    })
}

impl Mapping {
    /// Path under `/proc` that opens the mapped file itself, even if it has no name any more. It needs
    /// `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`.
    pub(super) fn map_file(&self, pid: i32) -> PathBuf {
        PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", self.addresses.start, self.addresses.end))
    }

    /// Path of the file as the process sees it, by way of its root.
    pub(super) fn rooted_file(&self, pid: i32) -> Option<PathBuf> {
        let name = self.name.strip_prefix('/')?;
        Some(Path::new(&format!("/proc/{pid}/root")).join(name))
    }
}

/// The pieces of mappings that cover `addresses` without a gap; none if there is a gap.
pub(super) fn cover(mappings: &[Mapping], addresses: Range<u64>) -> Option<Vec<(&Mapping, Range<u64>)>> {
    let mut pieces = Vec::new();
    let mut at = addresses.start;
    let first = mappings.partition_point(|mapping| mapping.addresses.end <= at);
    for mapping in &mappings[first..] {
        if at >= addresses.end {
            break;
        }
        if mapping.addresses.start > at {
            return None;
        }
        let end = mapping.addresses.end.min(addresses.end);
        pieces.push((mapping, at..end));
        at = end;
    }
    (at >= addresses.end).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAPS: &str = "\
7f773ffff000-7f787ffff000 rw-s 00000000 00:01 1030                       /memfd:memory-backend-memfd (deleted)
7f787ffff000-7f7880000000 rw-p 00000000 00:00 0 
7f7890000000-7f7890001000 r--p 00001000 fe:00 10199165                   /srv/a b
";

    #[test]
    fn lines_are_understood() {
        let mappings = parse(MAPS);
        assert_eq!(mappings.len(), 3);
        assert!(mappings[0].shared && mappings[0].writable && mappings[0].inode == 1030);
        assert_eq!(mappings[0].name, "/memfd:memory-backend-memfd (deleted)");
        assert!(!mappings[1].shared && mappings[1].name.is_empty());
        assert_eq!((mappings[2].offset, mappings[2].device), (0x1000, libc::makedev(0xfe, 0)));
        assert_eq!(mappings[2].rooted_file(7).unwrap(), Path::new("/proc/7/root").join("srv/a b"));
        assert_eq!(mappings[2].map_file(7), Path::new("/proc/7/map_files/7f7890000000-7f7890001000"));
    }

    #[test]
    fn a_range_is_covered_by_adjacent_mappings_only() {
        let mappings = parse(MAPS);
        let pieces = cover(&mappings, 0x7f78_7fff_e000..0x7f78_8000_0000).unwrap();
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].1, 0x7f78_7fff_e000..0x7f78_7fff_f000);
        assert!(cover(&mappings, 0x7f78_7fff_f000..0x7f78_8000_0001).is_none());
        assert!(cover(&mappings, 0x1000..0x2000).is_none());
        assert!(cover(&mappings, 0x7fff_0000_0000..0x7fff_0000_1000).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "([0-9a-f\\-]{0,20} rw-[ps] [0-9a-f]{1,4} [0-9a-f]{1,9}:00 [0-9]{1,3} x?\n){0,5}", at: u64, to: u64) {
            let _ = cover(&parse(&text), at..to);
        }
    }
}
