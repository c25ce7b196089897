// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finding the kernel that a CPU runs, if it was found before.
//!
//! The page tables that a CPU uses map the image, of which the first bytes are `_text`. From there the build id of
//! each kernel that is known is a few bytes at a place that is known. Nothing is searched, and what is found is what runs,
//! even if kernels of earlier boots are in memory. Where CPUs run different ones, as after a crash that one of them
//! lives through in another kernel (kdump), none is taken.

use crate::error::Result;
use crate::kernel::{Kernel, Origin};
use crate::layout::{ADDRESS_MASK, IMAGE_MAP_START, Layout, PRESENT, View, walk};
use crate::memory::{PhysicalMemory, read_u64};
use crate::proof::{
    MAX_IMAGE_REACH, check_banner, check_names, check_page_tables, disagreement, final_layout,
};
use crate::symbol_cache::{KnownKernel, SymbolCache};

/// Entries of a page table.
const ENTRIES: u64 = 512;
/// Bytes that an entry of a page middle directory maps.
const PMD_SIZE: u64 = 2 << 20;
/// The entries of the top-level page table and of the one below it that lead to the image.
const IMAGE_ENTRY: u64 = 511;
const IMAGE_PUD: u64 = 510;
/// `PTI_USER_PGTABLE_MASK` of arch/x86/entry/calling.h: set in CR3 while a CPU runs a program, if page tables are isolated;
/// then it uses the page after the kernel's.
const USER_PAGE_TABLE: u64 = 1 << 12;

/// The page tables that a CPU uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageTables {
    /// Register CR3.
    pub cr3: u64,
    /// Their levels: 5 if bit 12 of register CR4 is set, else 4.
    pub levels: u32,
}

impl PageTables {
    /// The tables that these may be, or belong to.
    fn roots(self) -> impl Iterator<Item = u64> {
        let root = self.cr3 & ADDRESS_MASK;
        let kernels = (root & USER_PAGE_TABLE != 0).then_some(root & !USER_PAGE_TABLE);
        [Some(root), kernels].into_iter().flatten()
    }
}

/// The kernel of `known` that all CPUs with these page tables run.
pub(crate) fn find(
    memory: &dyn PhysicalMemory,
    page_tables: &[PageTables],
    known: &SymbolCache,
) -> Option<Kernel> {
    // One that was never started has none.
    let running = || page_tables.iter().filter(|tables| tables.cr3 != 0);
    let first = running().next().filter(|tables| matches!(tables.levels, 4 | 5))?;
    let kernel = first.roots().find_map(|root| {
        let text = first_of_image(memory, root, first.levels).ok()??;
        known.kernels().find_map(|known| examine(memory, (root, first.levels), text, known).ok())
    })?;
    // A process's page tables have the kernel's part in common with the kernel's own.
    let own = image_entry(memory, kernel.layout().page_table_root).ok()?;
    let runs_it = |tables: &PageTables| {
        let mut roots = tables.roots();
        tables.levels == first.levels
            && roots.any(|root| image_entry(memory, root).is_ok_and(|entry| entry == own))
    };
    running().all(runs_it).then_some(kernel)
}

/// The entry of a top-level page table that leads to the image.
fn image_entry(memory: &dyn PhysicalMemory, root: u64) -> Result<u64> {
    Ok(read_u64(memory, root + 8 * IMAGE_ENTRY)? & ADDRESS_MASK)
}

/// The first address of the image's that page tables map. `cleanup_highmap()` of arch/x86/mm/init_64.c takes away what is before `_text`.
fn first_of_image(memory: &dyn PhysicalMemory, root: u64, levels: u32) -> Result<Option<u64>> {
    let mut table = root;
    let path = [IMAGE_ENTRY, IMAGE_ENTRY, IMAGE_PUD];
    for index in &path[5 - levels as usize..] {
        let entry = read_u64(memory, table + 8 * index)?;
        if entry & PRESENT == 0 {
            return Ok(None);
        }
        table = entry & ADDRESS_MASK;
    }
    let mut entries = [0; 8 * ENTRIES as usize];
    memory.read(table, &mut entries)?;
    let is_present = |entry: &[u8]| u64::from(entry[0]) & PRESENT != 0;
    let first = entries.chunks_exact(8).position(is_present);
    Ok(first.map(|index| IMAGE_MAP_START + PMD_SIZE * index as u64))
}

/// The known kernel, if it is the one whose image begins at `text`.
fn examine(
    memory: &dyn PhysicalMemory,
    (root, levels): (u64, u32),
    text: u64,
    known: KnownKernel,
) -> Result<Kernel> {
    let offset = text.wrapping_sub(known.text);
    let names = known.names.wrapping_add(offset);
    let build_id = known.build_id.address.wrapping_add(offset);
    let phys_base = walk(memory, root, levels, text)?.wrapping_sub(text - IMAGE_MAP_START);
    let mut early = Layout {
        direct_map_start: 0,
        direct_map_end: 0,
        image_start: IMAGE_MAP_START,
        image_end: IMAGE_MAP_START + MAX_IMAGE_REACH,
        image_physical: phys_base,
        page_table_root: root,
        page_table_levels: levels,
        kaslr_offset: offset,
        phys_base,
    };
    let view = View { memory, layout: &early };
    if view.read_image(build_id, known.build_id.bytes.len() as u64)? != known.build_id.bytes {
        return Err(disagreement("it is another kernel"));
    }
    check_page_tables(view, &[("init_uts_ns", names), ("the build id", build_id)])?;
    if check_names(view, names, &known.release)? != known.version {
        return Err(disagreement("it is another version"));
    }
    let origin = Origin { names, source: known.source(offset) };
    if !origin.source.is_in(view)? {
        return Err(disagreement("its symbols are others"));
    }
    let symbols = known.symbols(offset).ok_or_else(|| disagreement("what is known of it is damaged"))?;
    check_banner(view, &symbols, &known.release, &known.version)?;
    if let Some(mask) = symbols.address("sme_me_mask")
        && view.read_u64(mask)? != 0
    {
        return Err(disagreement("its memory is encrypted"));
    }
    let own_root = symbols.address("init_top_pgt").ok_or_else(|| disagreement("it has no page tables"))?;
    early.page_table_root = early.translate(memory, own_root)?;
    let layout = final_layout(View { memory, layout: &early }, &known.release, &symbols)?;
    let build_id = Some(known.build_id.hexadecimal());
    let KnownKernel { release, version_numbers, version, .. } = known;
    Ok(Kernel::new(release, version_numbers, version, build_id, layout, symbols, origin))
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
