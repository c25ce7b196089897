// SPDX-License-Identifier: MIT OR Apache-2.0

//! Page tables as the kernel writes them (arch/x86/include/asm/pgtable_types.h), with whatever is in the bits
//! that do not matter.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::memory::{Memory, PAGE_SIZE};
use crate::zone::Piece;

/// `_PAGE_PRESENT`.
const PRESENT: u64 = 1 << 0;
/// `_PAGE_PSE`: a large page; in an entry of the lowest level `_PAGE_PAT`.
const LARGE: u64 = 1 << 7;
/// `_PAGE_PAT_LARGE`.
const PAT_LARGE: u64 = 1 << 12;
/// Writable, user, caching, accessed, dirty, global, bits for software: 1 to 6 and 8 to 11.
const FLAGS: u64 = 0xf7e;
/// `_PAGE_NX`, protection keys and bits for software, 52 to 63.
const HIGH_FLAGS: u64 = 0xfff << 52;
/// Entries of a table.
const ENTRIES: usize = 512;

/// Tables under construction.
pub struct PageTables {
    levels: u32,
    root: u64,
    tables: BTreeMap<u64, [u64; ENTRIES]>,
}

impl PageTables {
    /// Empty tables whose first one is at a physical address.
    pub fn new(levels: u32, root: u64) -> Self {
        Self { levels, root, tables: BTreeMap::from([(root, [0; ENTRIES])]) }
    }

    /// Physical address of the top-level table.
    pub fn root(&self) -> u64 {
        self.root
    }

    /// Maps a page. `new_frame` gives pages for tables.
    pub fn map(
        &mut self,
        random: &mut StdRng,
        new_frame: &mut impl FnMut(&mut StdRng) -> Result<u64>,
        piece: Piece,
    ) -> Result<()> {
        let mut table = self.root;
        let mut level = self.levels - 1;
        loop {
            let size = PAGE_SIZE << (9 * level);
            let index = (piece.virtual_start / size) as usize % ENTRIES;
            let flags = PRESENT | (random.random::<u64>() & (FLAGS | HIGH_FLAGS));
            if size == piece.size {
                let kind = match level {
                    0 => random.random::<u64>() & LARGE,
                    _ => LARGE | (random.random::<u64>() & PAT_LARGE),
                };
                if self.tables[&table][index] & PRESENT != 0 {
                    bail!("{:#x} is mapped twice", piece.virtual_start);
                }
                self.set(table, index, piece.physical | flags | kind);
                return Ok(());
            }
            let entry = self.tables[&table][index];
            table = if entry & PRESENT == 0 {
                let new = new_frame(random)?;
                self.tables.insert(new, [0; ENTRIES]);
                self.set(table, index, new | flags);
                new
            } else {
                entry & 0x000f_ffff_ffff_f000
            };
            level -= 1;
        }
    }

    /// Clears the present bit of a small page's entry and leaves the rest, as for a page that is swapped out.
    pub fn mark_absent(&mut self, address: u64) {
        let mut table = self.root;
        for level in (0..self.levels).rev() {
            let index = (address >> (12 + 9 * level)) as usize % ENTRIES;
            let entry = self.tables[&table][index];
            if level == 0 {
                self.set(table, index, entry & !PRESENT);
            }
            table = entry & 0x000f_ffff_ffff_f000;
        }
    }

    fn set(&mut self, table: u64, index: usize, entry: u64) {
        if let Some(table) = self.tables.get_mut(&table) {
            table[index] = entry;
        }
    }

    /// The tables' pages by physical address.
    pub fn into_memory(self) -> Memory {
        let mut memory = Memory::default();
        for (address, entries) in self.tables {
            let mut page = [0; PAGE_SIZE as usize];
            for (bytes, entry) in page.chunks_exact_mut(8).zip(entries) {
                bytes.copy_from_slice(&entry.to_le_bytes());
            }
            memory.insert(address, page);
        }
        memory
    }
}
