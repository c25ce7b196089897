// SPDX-License-Identifier: MIT OR Apache-2.0

//! A made-up machine: physical memory in several segments, and a kernel's address space over it.
//!
//! The addresses are those of Documentation/arch/x86/x86_64/mm.rst of the kernel, moved as KASLR does.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Seek, SeekFrom as Position};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use gpufas::memory::{Backing, Extent, GuestMemory};
use gpufas_kernel::Layout;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek};
use rustix::io::Errno;

use crate::memory::{Memory, PAGE_SIZE, Page};
use crate::page_tables::PageTables;
use crate::zone::{Piece, Zone};

/// Bytes of the pages that the upper levels of page tables map.
pub const MIB2: u64 = 2 << 20;
/// See [`MIB2`].
pub const GIB: u64 = 1 << 30;

/// Pages of the kernel's image.
pub const IMAGE_PAGES: u64 = 12;

/// The lower end of the kernel's image without KASLR: `__START_KERNEL_map` and `CONFIG_PHYSICAL_START`.
const IMAGE_START: u64 = 0xffff_ffff_8100_0000;
/// `MODULES_VADDR`.
pub const MODULES_START: u64 = 0xffff_ffff_c000_0000;
/// Where the local interrupt controllers of a PC are: never memory.
const DEVICE: u64 = 0xfee0_0000;

/// A machine.
pub struct Machine {
    /// Where the kernel is.
    pub layout: Layout,
    /// What of the kernel's address space holds objects, by address.
    pub zones: Vec<Zone>,
    /// Page tables, by physical address.
    pub tables: Memory,
    /// Kernel addresses that are mapped to something else than memory, or look so at first sight.
    pub traps: Vec<u64>,
    /// Physical memory.
    extents: Vec<Extent>,
}

impl Machine {
    /// A machine with page tables of so many levels. It has enough memory for the largest pages at times, if it `may_be_large`.
    pub fn new(random: &mut StdRng, levels: u32, may_be_large: bool) -> Result<Self> {
        let extents = physical_memory(random, may_be_large)?;
        let mut frames = Frames::new(&extents);
        // In the order of the blocks in `physical_memory`.
        let (main_end, is_huge) = (extents[1].physical.end, extents.len() > 5);
        let (direct, vmalloc) = match levels {
            4 => (0xffff_8880_0000_0000, 0xffff_c900_0000_0000),
            _ => (0xff11_0000_0000_0000, 0xffa0_0000_0000_0000),
        };
        let direct = direct + random.random_range(0..512) * GIB;
        let vmalloc = vmalloc + random.random_range(0..512) * GIB;

        let mut zones = Vec::new();
        // Two segments that lie side by side: what lies across is in two places of this process.
        let across = main_end - random.random_range(1..4) * PAGE_SIZE;
        frames.take_at(across, 6)?;
        zones.push(Zone::linear(direct + across, across, 6));
        for block in [0, 1, 3, 4] {
            if random.random_bool(0.6) {
                let start = frames.take(random, block, 6)?;
                zones.push(Zone::linear(direct + start, start, 6));
            }
        }
        let image_start = IMAGE_START + random.random_range(0..256) * MIB2;
        let image_physical = frames.take(random, 1, IMAGE_PAGES)?;
        zones.push(Zone::image(image_start, image_physical, IMAGE_PAGES));

        let mut at = vmalloc;
        for _ in 0..random.random_range(2..5) {
            let pieces = pieces(random, &mut frames, is_huge)?;
            let zone = Zone::mapped(&mut at, pieces);
            // A guard page follows, as vmalloc() leaves one, and something.
            at = zone.end() + random.random_range(4..2000) * PAGE_SIZE;
            zones.push(zone);
        }
        let mut at = MODULES_START + random.random_range(0..10_000) * PAGE_SIZE;
        zones.push(Zone::mapped(&mut at, small_pieces(random, &mut frames, 6)?));
        zones.sort_by_key(Zone::start);
        zones.iter_mut().enumerate().for_each(|(index, zone)| zone.choose_native(index));

        let mut tables = PageTables::new(levels, frames.take_any(random)?);
        let mut new_frame = |random: &mut StdRng| frames.take_any(random);
        for zone in &zones {
            for piece in zone.pieces() {
                tables.map(random, &mut new_frame, piece)?;
            }
        }
        let traps = Self::traps(random, &mut tables, &mut new_frame, &zones)?;
        let layout = Layout {
            direct_map_start: direct,
            direct_map_end: direct + extents.iter().map(|extent| extent.physical.end).max().unwrap_or(0),
            image_start,
            image_end: image_start + IMAGE_PAGES * PAGE_SIZE,
            image_physical,
            page_table_root: tables.root(),
            page_table_levels: levels,
            kaslr_offset: image_start - IMAGE_START,
            phys_base: image_physical.wrapping_sub(image_start - 0xffff_ffff_8000_0000),
        };
        Ok(Self { layout, zones, tables: tables.into_memory(), traps, extents })
    }

    /// Pages behind zones that are no memory: a device, a page that is swapped out, one beyond all memory.
    fn traps(
        random: &mut StdRng,
        tables: &mut PageTables,
        new_frame: &mut impl FnMut(&mut StdRng) -> Result<u64>,
        zones: &[Zone],
    ) -> Result<Vec<u64>> {
        let mut traps = Vec::new();
        for zone in zones.iter().filter(|zone| zone.is_mapped()) {
            let virtual_start = zone.end() + random.random_range(0..3) * PAGE_SIZE;
            let physical = *[DEVICE, 1 << 51, 0x9f000, 0xa0000].choose(random).unwrap_or(&DEVICE);
            traps.push(virtual_start + random.random_range(0..PAGE_SIZE / 8) * 8);
            if random.random_bool(0.3) {
                continue;
            }
            let piece = Piece { virtual_start, physical, size: PAGE_SIZE };
            tables.map(random, new_frame, piece)?;
            if random.random_bool(0.3) {
                tables.mark_absent(virtual_start);
            }
        }
        Ok(traps)
    }

    /// The machine's memory as the library has it.
    pub fn guest_memory(&self, backing: Backing) -> Result<GuestMemory> {
        Ok(GuestMemory::new(backing, self.extents.clone(), None, "a made-up machine".into())?)
    }

    /// Ranges of physical memory, by address.
    pub fn physical_ranges(&self) -> impl Iterator<Item = &Range<u64>> {
        self.extents.iter().map(|extent| &extent.physical)
    }

    /// The physical address of a byte in a zone.
    pub fn physical(&self, address: u64) -> Option<u64> {
        self.zones.iter().find_map(|zone| zone.physical(address))
    }

    /// The contents of a kernel's address space by physical address, page tables included.
    pub fn lay_out(&self, contents: &Memory) -> Memory {
        let mut physical = self.tables.clone();
        for (address, page) in contents.pages() {
            physical.insert(self.physical(address).expect("all contents are in zones"), *page);
        }
        physical
    }

    /// Writes physical memory.
    pub fn write(&self, address: u64, page: &Page) -> Result<()> {
        let extent = self.extents.iter().find(|extent| extent.physical.contains(&address));
        let extent = extent.context("not physical memory")?;
        let offset = extent.offset + (address - extent.physical.start);
        extent.file.write_all_at(page, offset).context("cannot write physical memory")
    }

    /// All pages of physical memory that hold something else than zeros.
    pub fn read(&self) -> Result<Memory> {
        /// Bytes that are read at a time: a GPU that was given access to memory has made all of it pages in use.
        const CHUNK: u64 = 256 * PAGE_SIZE;
        let mut memory = Memory::default();
        let mut chunk = vec![0; CHUNK as usize];
        for extent in &self.extents {
            let end = extent.offset + (extent.physical.end - extent.physical.start);
            let mut at = extent.offset;
            while at < end {
                at = match seek(&extent.file, SeekFrom::Data(at)) {
                    Ok(data) => data & !(PAGE_SIZE - 1),
                    Err(Errno::NXIO) => break,
                    Err(error) => return Err(error).context("cannot search physical memory"),
                };
                if at >= end {
                    break;
                }
                let hole = seek(&extent.file, SeekFrom::Hole(at)).context("cannot search physical memory")?;
                let size = hole.next_multiple_of(PAGE_SIZE).min(end).min(at + CHUNK) - at;
                let bytes = &mut chunk[..size as usize];
                extent.file.read_exact_at(bytes, at).context("cannot read physical memory")?;
                for (offset, part) in (0..).step_by(PAGE_SIZE as usize).zip(bytes.chunks(PAGE_SIZE as usize))
                {
                    let mut page = [0; PAGE_SIZE as usize];
                    page[..part.len()].copy_from_slice(part);
                    if page != [0; PAGE_SIZE as usize] {
                        memory.insert(extent.physical.start + (at + offset - extent.offset), page);
                    }
                }
                at += size;
            }
        }
        Ok(memory)
    }
}

/// Segments of physical memory: a low one with an odd end, two side by side in different files, one behind the
/// hole below 4 GiB, one far up, and at times, if it `may_be_large`, one that is large enough for the largest pages.
fn physical_memory(random: &mut StdRng, may_be_large: bool) -> Result<Vec<Extent>> {
    let main_end = (16 << 20) + random.random_range(0..64) * PAGE_SIZE;
    let high = (4 << 30) + random.random_range(0..32) * MIB2;
    let far = 1 << random.random_range(37..44);
    let mut blocks = vec![
        (0..0x9_fc00, 0),
        (1 << 20..main_end, 0),
        (main_end..main_end + (8 << 20), 1),
        (high..high + (6 << 20), 0),
        (far..far + (5 << 20), 1),
    ];
    if may_be_large && random.random_bool(0.3) {
        let start = random.random_range(16..64) * GIB;
        blocks.push((start..start + GIB, 2));
    }
    let mut files = Vec::new();
    for _ in 0..3 {
        let descriptor = memfd_create(c"gpufas-differential", MemfdFlags::CLOEXEC);
        files.push(File::from(descriptor.context("cannot create a file in memory")?));
    }
    let files: Vec<_> = files.into_iter().map(Arc::new).collect();
    let mut extents = Vec::new();
    for (physical, file) in blocks {
        let file = Arc::clone(&files[file]);
        let used = (&*file).seek(Position::End(0)).context("cannot size a file in memory")?;
        let offset = used.next_multiple_of(PAGE_SIZE) + random.random_range(0..3) * PAGE_SIZE;
        let end = offset + (physical.end - physical.start);
        file.set_len(end.next_multiple_of(PAGE_SIZE)).context("cannot size a file in memory")?;
        extents.push(Extent { physical, offset, file });
    }
    Ok(extents)
}

/// Pages of different sizes that follow each other in the kernel's address space: sizes and physical addresses.
fn pieces(random: &mut StdRng, frames: &mut Frames, is_huge: bool) -> Result<Vec<(u64, u64)>> {
    let mut pieces = small_pieces(random, frames, 4)?;
    match random.random_range(0..4) {
        0 | 1 => pieces.extend(small_pieces(random, frames, 8)?),
        3 if is_huge && !frames.huge_taken => {
            pieces.push((GIB, frames.take_huge()));
            pieces.extend(small_pieces(random, frames, 4)?);
        }
        _ => {
            for _ in 0..random.random_range(1..3) {
                pieces.extend(frames.take_large(random).map(|physical| (MIB2, physical)));
            }
            pieces.extend(small_pieces(random, frames, 4)?);
        }
    }
    Ok(pieces)
}

fn small_pieces(random: &mut StdRng, frames: &mut Frames, count: u64) -> Result<Vec<(u64, u64)>> {
    (0..count).map(|_| Ok((PAGE_SIZE, frames.take_any(random)?))).collect()
}

/// Pages of physical memory that are not in use yet.
struct Frames {
    blocks: Vec<Range<u64>>,
    taken: HashSet<u64>,
    /// Where large pages can be; taken, too.
    large: Vec<u64>,
    huge_taken: bool,
}

impl Frames {
    fn new(extents: &[Extent]) -> Self {
        let blocks: Vec<_> = extents.iter().map(|extent| extent.physical.clone()).collect();
        let mut large = Vec::new();
        // Neither side by side nor at the blocks' ends.
        for block in [2, 3] {
            let start = (blocks[block].start + 6 * PAGE_SIZE).next_multiple_of(MIB2);
            large.extend((start..blocks[block].end - MIB2).step_by(2 * MIB2 as usize));
        }
        let pages = large.iter().flat_map(|start| (*start..start + MIB2).step_by(PAGE_SIZE as usize));
        let taken = pages.collect();
        Self { blocks, taken, large, huge_taken: false }
    }

    /// Takes a large page, if one is left.
    fn take_large(&mut self, random: &mut StdRng) -> Option<u64> {
        let index = (0..self.large.len()).choose(random)?;
        Some(self.large.swap_remove(index))
    }

    /// Takes `count` pages from an address on.
    fn take_at(&mut self, start: u64, count: u64) -> Result<()> {
        let pages: Vec<_> = (0..count).map(|index| start + index * PAGE_SIZE).collect();
        ensure!(!pages.iter().any(|page| self.taken.contains(page)), "pages at {start:#x} are taken");
        self.taken.extend(pages);
        Ok(())
    }

    /// Takes `count` pages side by side from a block.
    fn take(&mut self, random: &mut StdRng, block: usize, count: u64) -> Result<u64> {
        let size = count * PAGE_SIZE;
        let range = self.blocks[block].clone();
        let last = (range.end - size) / PAGE_SIZE;
        for _ in 0..10_000 {
            let start = random.random_range(range.start.div_ceil(PAGE_SIZE)..=last) * PAGE_SIZE;
            if self.take_at(start, count).is_ok() {
                return Ok(start);
            }
        }
        anyhow::bail!("no {count} pages are left in {range:x?}")
    }

    /// Takes a page anywhere but in the large block.
    fn take_any(&mut self, random: &mut StdRng) -> Result<u64> {
        let block = random.random_range(0..5);
        self.take(random, block, 1)
    }

    /// Takes the whole of the large block.
    fn take_huge(&mut self) -> u64 {
        self.huge_taken = true;
        self.blocks[5].start
    }
}
