// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finding kernels in raw memory.
//!
//! A VMCOREINFO text names its kernel's page tables and a few addresses. Such a text alone proves nothing: it
//! may be left from an earlier boot, belong to a virtual machine inside the target, or be a file's contents.
//! So it is believed only if the kernel that it describes is there: its page tables map the addresses that it
//! names to where it says the image lies, the image names the same release, and the image's own
//! pointer to its VMCOREINFO leads to this text.

use crate::error::{Error, Result};
use crate::kallsyms::{self, Source, Tables};
use crate::kallsyms_search;
use crate::kernel::{Kernel, Origin};
use crate::layout::{IMAGE_MAP_START, Layout, View, walk};
use crate::memory::{PAGE_SIZE, PhysicalMemory};
use crate::notes;
use crate::proof::{
    MAX_IMAGE_REACH, check_banner, check_names, check_page_tables, disagreement, final_layout,
};
use crate::symbols::Symbols;
use crate::vmcoreinfo::{PREFIX, Vmcoreinfo};

/// Most candidates whose symbols are read; a machine has one kernel, and rarely one or two old ones.
const MAX_LOADS: usize = 16;

/// What `SYMBOL()` entries are compared with the symbol table. (Some entries, as `mem_section`, are not
/// addresses of symbols but values of pointers.)
const KNOWN_SYMBOLS: &[&str] =
    &["_stext", "init_uts_ns", "init_top_pgt", "prb", "clear_seq", "node_online_map"];

/// How far a candidate came; the error of the one that came furthest is worth reporting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Text,
    PageTables,
    Release,
    Symbols,
}

/// All kernels in memory whose VMCOREINFO proves right, in the order of its physical address.
pub(crate) fn find_all(memory: &dyn PhysicalMemory) -> Result<Vec<Kernel>> {
    let mut candidates = 0;
    let mut loads = 0;
    let mut furthest: Option<(Stage, String, Error)> = None;
    let mut kernels: Vec<Kernel> = Vec::new();
    for page in memory.find_pages(PREFIX)? {
        let Some(info) = Vmcoreinfo::read(memory, page)? else { continue };
        candidates += 1;
        let mut stage = Stage::Text;
        match examine(memory, page, &info, &mut stage, &mut loads) {
            // A second copy of the text of a kernel that is known already.
            Ok(kernel) if kernels.iter().any(|known| known.layout() == kernel.layout()) => {}
            Ok(kernel) => kernels.push(kernel),
            // The source of the memory has failed, which says nothing about the candidate.
            Err(error @ Error::Unreadable { .. }) => return Err(error),
            Err(error) => {
                if furthest.as_ref().is_none_or(|(best, ..)| *best < stage) {
                    furthest = Some((stage, info.release().into(), error));
                }
            }
        }
    }
    match furthest {
        _ if !kernels.is_empty() => Ok(kernels),
        Some((_, release, error)) => {
            Err(Error::NoUsableKernel { candidates, release, source: Box::new(error) })
        }
        None => Err(Error::NoKernel),
    }
}

/// The kernel that the text `info` in the page at physical address `page` describes, if it is there.
fn examine(
    memory: &dyn PhysicalMemory,
    page: u64,
    info: &Vmcoreinfo,
    stage: &mut Stage,
    loads: &mut usize,
) -> Result<Kernel> {
    let version = info.version()?;
    let early = early_layout(memory, info)?;
    let view = View { memory, layout: &early };
    *stage = Stage::PageTables;
    let mapped = ["swapper_pg_dir", "init_uts_ns", "_stext"];
    let mapped = mapped.iter().map(|&name| Ok((name, info.symbol(name)?))).collect::<Result<Vec<_>>>()?;
    check_page_tables(view, &mapped)?;
    *stage = Stage::Release;
    let names = names(info)?;
    let uts_version = check_names(view, names, info.release())?;
    *stage = Stage::Symbols;
    if *loads == MAX_LOADS {
        return Err(disagreement(format!("more than {MAX_LOADS} kernels seem to be in memory")));
    }
    *loads += 1;
    let (symbols, source) = read_symbols(view, info, version)?;
    check_own_text(view, &symbols, page)?;
    check_banner(view, &symbols, info.release(), &uts_version)?;
    let build_id = match info.value("BUILD-ID").filter(|id| !id.is_empty()) {
        Some(id) => Some(id.to_owned()),
        None => notes::build_id(view, &symbols)?.map(|id| id.hexadecimal()),
    };
    let layout = final_layout(view, info.release(), &symbols)?;
    let origin = Origin { names, source };
    Ok(Kernel::new(info.release().into(), version, uts_version, build_id, layout, symbols, origin))
}

/// What can be known before the symbols: all that an image can reach counts as image, and there is no direct
/// map.
fn early_layout(memory: &dyn PhysicalMemory, info: &Vmcoreinfo) -> Result<Layout> {
    let unsupported = |what: &str| Error::Unsupported { release: info.release().into(), what: what.into() };
    if info.value("PAGESIZE").is_some_and(|size| size != "4096") {
        return Err(unsupported("its pages are not of 4096 bytes, so it is not for x86-64"));
    }
    if info.number("sme_mask").is_ok_and(|mask| mask != 0) {
        return Err(unsupported("its memory is encrypted (AMD SME or SEV)"));
    }
    let phys_base = info.number("phys_base")? as u64;
    let levels = match info.number("pgtable_l5_enabled") {
        Ok(0) | Err(Error::VmcoreinfoEntry { .. }) => 4,
        Ok(1) => 5,
        Ok(value) => {
            let entry = "NUMBER(pgtable_l5_enabled)".into();
            return Err(Error::VmcoreinfoValue { entry, value: value.to_string() });
        }
        Err(error) => return Err(error),
    };
    let mut layout = Layout {
        direct_map_start: 0,
        direct_map_end: 0,
        image_start: IMAGE_MAP_START,
        image_end: IMAGE_MAP_START + MAX_IMAGE_REACH,
        image_physical: phys_base,
        page_table_root: 0,
        page_table_levels: levels,
        kaslr_offset: info.hexadecimal("KERNELOFFSET")?,
        phys_base,
    };
    let root = info.symbol("swapper_pg_dir")?;
    if !(layout.image_start..layout.image_end).contains(&root) || root % PAGE_SIZE != 0 {
        return Err(disagreement(format!("the page table root {root:#x} is not in the image")));
    }
    layout.page_table_root = layout.translate(memory, root)?;
    Ok(layout)
}

/// Where the names of `init_uts_ns` are.
fn names(info: &Vmcoreinfo) -> Result<u64> {
    let namespace = info.symbol("init_uts_ns")?;
    let offset = match info.offset("uts_namespace.name") {
        // Not said before 5.11, where a reference count of 4 bytes precedes it.
        Err(Error::VmcoreinfoEntry { .. }) => 4,
        offset => offset?,
    };
    namespace.checked_add(offset).ok_or(Error::NotKernel { va: namespace })
}

fn read_symbols(view: View<'_>, info: &Vmcoreinfo, version: (u32, u32)) -> Result<(Symbols, Source)> {
    let tables = match info.symbol("kallsyms_names") {
        // Kernels from 6.0 on say where the tables are.
        Ok(names) => Tables {
            names,
            count: info.symbol("kallsyms_num_syms")?,
            token_table: info.symbol("kallsyms_token_table")?,
            token_index: info.symbol("kallsyms_token_index")?,
            offsets: info.symbol("kallsyms_offsets")?,
            relative_base: match info.symbol("kallsyms_relative_base") {
                Err(Error::VmcoreinfoEntry { .. }) => None,
                base => Some(base?),
            },
        },
        Err(Error::VmcoreinfoEntry { .. }) => kallsyms_search::find(view, info.symbol("_stext")?)?,
        Err(error) => return Err(error),
    };
    let known: Vec<(&str, u64)> =
        KNOWN_SYMBOLS.iter().filter_map(|name| Some((*name, info.symbol(name).ok()?))).collect();
    let long_names = version >= (6, 1);
    let (symbols, _, source) = kallsyms::read(view, &tables, long_names, &known)?;
    Ok((symbols, source))
}

/// The kernel's pointer to its VMCOREINFO must lead to the text at hand, else the text is a copy.
fn check_own_text(view: View<'_>, symbols: &Symbols, page: u64) -> Result<()> {
    let Some(pointer) = symbols.address("vmcoreinfo_data") else { return Ok(()) };
    let Layout { page_table_root, page_table_levels, .. } = *view.layout;
    let text = walk(view.memory, page_table_root, page_table_levels, view.read_u64(pointer)?)?;
    if text == page {
        return Ok(());
    }
    Err(disagreement(format!("the kernel's VMCOREINFO is at {text:#x}, this one at {page:#x} is a copy")))
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
