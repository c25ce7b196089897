// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of QEMU's memory is the guest's RAM, and where in the guest's physical address space it is.

use super::flat_view::{self, FlatRange, hexadecimal};
use crate::error::{Error, Result};
use crate::qmp::{MemoryBackend, Qmp};

/// Name of the RAM of a machine without a memory backend (QEMU before 5.0).
const LEGACY_RAM: &str = "pc.ram";

/// One of the guest's memory backends, with what is visible of it.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Name of QEMU's memory region.
    pub(super) name: String,
    /// Id of the backend under `/objects`.
    pub(super) backend: String,
    /// Bytes of the backend.
    pub(super) size: u64,
    /// Where it is in the physical address space; not empty.
    pub(super) ranges: Vec<FlatRange>,
}

/// The guest's RAM as QEMU has it at present.
pub(super) fn query(qmp: &mut Qmp) -> Result<Vec<Region>> {
    let text = qmp.human("info mtree -f")?;
    let ranges = flat_view::parse(&text)?;
    let backends = qmp.memory_backends()?;
    let regions = regions(ranges, &backends);
    if regions.is_empty() {
        return Err(Error::NoRam);
    }
    for region in &regions {
        for range in &region.ranges {
            let end = range.offset + (range.physical.end - range.physical.start);
            if end > region.size {
                let what = format!("QEMU's memory backend {}", region.backend);
                return Err(Error::MemorySize { what, found: region.size, expected: end });
            }
        }
    }
    Ok(regions)
}

/// Assigns ranges to backends. A backend's region has the name of its id, or of its path where the option
/// `x-use-canonical-path-for-ramblock-id` is set (`host_memory_backend_get_name()` in backends/hostmem.c).
fn regions(ranges: Vec<FlatRange>, backends: &[MemoryBackend]) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for range in ranges {
        let backend = backends.iter().find_map(|backend| {
            let id = backend.id.as_deref()?;
            let named = range.region == id || range.region.strip_prefix("/objects/") == Some(id);
            named.then(|| (id.to_owned(), backend.size))
        });
        let legacy = || (range.region == LEGACY_RAM).then(|| (LEGACY_RAM.to_owned(), u64::MAX));
        let Some((id, size)) = backend.or_else(legacy) else { continue };
        match regions.iter_mut().find(|region| region.name == range.region) {
            Some(region) => region.ranges.push(range),
            None => {
                regions.push(Region { name: range.region.clone(), backend: id, size, ranges: vec![range] });
            }
        }
    }
    regions
}

/// Host virtual address, in QEMU, of the first byte of a region.
pub(super) fn host_address(qmp: &mut Qmp, region: &Region) -> Result<u64> {
    let misunderstood = |what| Error::QmpAnswer { command: "gpa2hva".into(), what };
    // The middle of the largest piece: the first page may be write-protected, and then QEMU may not say.
    let largest = region.ranges.iter().max_by_key(|range| range.physical.end - range.physical.start);
    let Some(range) = largest else { return Err(Error::NoRam) };
    let inside = (range.physical.end - range.physical.start) / 2 / 4096 * 4096;
    let answer = qmp.human(format!("gpa2hva {:#x}", range.physical.start + inside))?;
    let (name, address) =
        parse_host_address(&answer).ok_or_else(|| misunderstood(answer.trim().to_owned()))?;
    if name != region.name {
        return Err(misunderstood(format!("{name} instead of {}", region.name)));
    }
    address
        .checked_sub(range.offset + inside)
        .ok_or_else(|| misunderstood(format!("{address:#x} is too low an address")))
}

/// The region and the address in `Host virtual address for 0x1000000 (ram0) is 0x7f1b6cfff000`.
fn parse_host_address(answer: &str) -> Option<(&str, u64)> {
    let (_, rest) = answer.trim().split_once(" (")?;
    let (name, address) = rest.rsplit_once(") is 0x")?;
    Some((name, hexadecimal(address)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64, region: &str, offset: u64) -> FlatRange {
        FlatRange { physical: start..end, region: region.into(), offset }
    }

    fn backend(id: &str) -> MemoryBackend {
        MemoryBackend { id: Some(id.into()), size: 0x1000, share: false }
    }

    #[test]
    fn only_backends_are_ram_under_either_name() {
        let ranges = vec![
            range(0, 0x1000, "ram0", 0),
            range(0x1000, 0x2000, "vga.vram", 0),
            range(0x2000, 0x3000, "/objects/node 1", 0),
            range(0x3000, 0x4000, "ram0", 0x1000),
        ];
        let found = regions(ranges, &[backend("ram0"), backend("node 1")]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].backend.as_str(), found[0].ranges.len()), ("ram0", 2));
        assert_eq!((found[1].backend.as_str(), found[1].name.as_str()), ("node 1", "/objects/node 1"));
    }

    #[test]
    fn an_old_machine_has_ram_without_a_backend() {
        assert_eq!(regions(vec![range(0, 0x1000, "pc.ram", 0)], &[]).len(), 1);
    }

    #[test]
    fn host_addresses_are_understood() {
        let answer = "Host virtual address for 0x1000000 (ram (0)) is 0x7f1b6cfff000\r\n";
        assert_eq!(parse_host_address(answer), Some(("ram (0)", 0x7f1b_6cff_f000)));
        assert_eq!(parse_host_address("No memory is mapped at address 0x100000000"), None);
        assert_eq!(parse_host_address("x (y) is 0x(nil)"), None);
    }
}
