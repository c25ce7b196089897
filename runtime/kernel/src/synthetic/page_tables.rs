// SPDX-License-Identifier: MIT OR Apache-2.0

//! Page tables as the processor reads them.

/// Present, writable, accessed, dirty, as the kernel's own entries are; and NX, which is above the address.
const FLAGS: u64 = 1 << 63 | 0x63;
const LARGE: u64 = 1 << 7;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Builds page tables in `memory`, whose first byte has physical address 0.
pub(crate) struct PageTables {
    pub(crate) root: u64,
    pub(crate) levels: u32,
    /// Where the next table will lie; all memory up to `end` is for tables.
    next: u64,
    end: u64,
}

impl PageTables {
    /// An empty root table at `root`, further tables from `next` up to `end`.
    pub(crate) fn new(root: u64, levels: u32, next: u64, end: u64) -> Self {
        Self { root, levels, next, end }
    }

    /// Maps the page of `1 << shift` bytes at `va` to `physical`; `shift` is 12, 21 or 30.
    pub(crate) fn map(&mut self, memory: &mut [u8], va: u64, physical: u64, shift: u32) {
        assert_eq!((va % (1 << shift), physical % (1 << shift)), (0, 0), "aligned");
        let mut table = self.root;
        let mut level = self.levels - 1;
        loop {
            let level_shift = 12 + 9 * level;
            let entry = (table + (va >> level_shift) % 512 * 8) as usize;
            let old = u64::from_le_bytes(memory[entry..][..8].try_into().unwrap());
            let new = if level_shift == shift {
                let large = if level == 0 { 0 } else { LARGE };
                physical | FLAGS | large
            } else if old & 1 != 0 {
                old
            } else {
                assert!(self.next < self.end, "room for tables");
                self.next += 4096;
                (self.next - 4096) | FLAGS
            };
            memory[entry..][..8].copy_from_slice(&new.to_le_bytes());
            if level_shift == shift {
                return;
            }
            table = new & ADDRESS;
            level -= 1;
        }
    }
}
