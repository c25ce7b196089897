// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a kernel that is said to be in memory is there: what must agree, however it was come by.

use crate::error::{Error, Result};
use crate::layout::{IMAGE_MAP_START, Layout, View, walk};
use crate::memory::PAGE_SIZE;
use crate::symbols::Symbols;

/// `KERNEL_IMAGE_SIZE` with KASLR: the most that an image, wherever it is moved, can reach from
/// `__START_KERNEL_map`.
pub(crate) const MAX_IMAGE_REACH: u64 = 1 << 30;
/// Bytes of a field of `struct new_utsname` (`__NEW_UTS_LEN` + 1, include/uapi/linux/utsname.h).
const UTS_FIELD: u64 = 65;
/// Most bytes of `linux_banner` that are looked at.
const MAX_BANNER: usize = 512;

pub(crate) fn disagreement(what: impl Into<String>) -> Error {
    Error::Disagreement { what: what.into() }
}

/// The page tables must map the image's addresses to where the image is said to lie.
pub(crate) fn check_page_tables(view: View<'_>, addresses: &[(&str, u64)]) -> Result<()> {
    let Layout { page_table_root, page_table_levels, .. } = *view.layout;
    for &(name, va) in addresses {
        let expected = view.layout.translate(view.memory, va)?;
        let mapped = walk(view.memory, page_table_root, page_table_levels, va)?;
        if mapped != expected {
            return Err(disagreement(format!(
                "the page tables map {name} ({va:#x}) to {mapped:#x} instead of {expected:#x}"
            )));
        }
    }
    Ok(())
}

/// The `struct new_utsname` at `names`, which is that of `init_uts_ns`, must name the release. Returns the kernel's version
/// string.
pub(crate) fn check_names(view: View<'_>, names: u64, release: &str) -> Result<String> {
    let field = |index: u64| {
        let address = names.checked_add(index * UTS_FIELD).ok_or(Error::NotKernel { va: names })?;
        let bytes: [u8; UTS_FIELD as usize] = view.read_array(address)?;
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        let text = str::from_utf8(&bytes[..end]).ok().filter(|text| text.bytes().all(|byte| byte >= b' '));
        text.map(str::to_owned).ok_or_else(|| disagreement("init_uts_ns does not hold text"))
    };
    let (system, its_release, version, machine) = (field(0)?, field(2)?, field(3)?, field(4)?);
    if system != "Linux" || its_release != release {
        return Err(disagreement(format!(
            "VMCOREINFO is of release {release}, init_uts_ns of {system} {its_release}"
        )));
    }
    if machine != "x86_64" {
        return Err(Error::Unsupported {
            release: its_release,
            what: format!("it is for {machine}, not for x86_64"),
        });
    }
    Ok(version)
}

/// The banner must be of the same release and version.
pub(crate) fn check_banner(view: View<'_>, symbols: &Symbols, release: &str, version: &str) -> Result<()> {
    let Some(address) = symbols.address("linux_banner") else { return Ok(()) };
    let expected = format!("Linux version {release} ");
    let mut banner = [0; MAX_BANNER];
    view.read(address, &mut banner)?;
    let end = banner.iter().position(|&byte| byte == 0).unwrap_or(banner.len());
    let text = String::from_utf8_lossy(&banner[..end]);
    if text.starts_with(&expected) && (text.trim_end().ends_with(version) || end == MAX_BANNER) {
        return Ok(());
    }
    Err(disagreement(format!("linux_banner says {text:?} instead of release {release}, version {version}")))
}

/// The layout with the image's true bounds and the direct map.
pub(crate) fn final_layout(view: View<'_>, release: &str, symbols: &Symbols) -> Result<Layout> {
    let symbol = |name: &str| {
        let missing = || Error::NoSymbol { release: release.into(), name: name.into() };
        symbols.address(name).ok_or_else(missing)
    };
    let early = view.layout;
    let (start, end) = (symbol("_text")?, symbol("_end")?);
    let end = end.checked_next_multiple_of(PAGE_SIZE).filter(|&end| start < end && end <= early.image_end);
    let end = end.filter(|_| start >= early.image_start && start % PAGE_SIZE == 0);
    let Some(end) = end else {
        return Err(disagreement(format!("the image cannot begin at {start:#x}")));
    };
    let image_physical = early.image_physical.wrapping_add(start - early.image_start);
    if !view.memory.contains(image_physical, end - start) {
        return Err(disagreement(format!(
            "the image at physical address {image_physical:#x} is not in memory"
        )));
    }
    let direct_map_start = view.read_u64(symbol("page_offset_base")?)?;
    let memory_end = view.memory.ranges().last().map_or(0, |range| range.end);
    let direct_map_end = direct_map_start.checked_add(memory_end);
    let Some(direct_map_end) = direct_map_end.filter(|&end| end <= IMAGE_MAP_START) else {
        return Err(disagreement(format!("the direct map cannot begin at {direct_map_start:#x}")));
    };
    let layout = Layout {
        direct_map_start,
        direct_map_end,
        image_start: start,
        image_end: end,
        image_physical,
        ..*early
    };
    // The page tables themselves must be in the direct map where the layout says.
    let root = layout.page_table_root;
    if walk(view.memory, root, layout.page_table_levels, direct_map_start.wrapping_add(root))? != root {
        return Err(disagreement(format!("the direct map does not begin at {direct_map_start:#x}")));
    }
    Ok(layout)
}
