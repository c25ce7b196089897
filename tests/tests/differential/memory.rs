// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bytes by address, as pages of which most are missing.

use std::collections::BTreeMap;

/// Bytes of a page.
pub const PAGE_SIZE: u64 = 4096;

/// Contents of a page.
pub type Page = [u8; PAGE_SIZE as usize];

/// Bytes at addresses of any kind: the kernel's, physical ones, those of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pages: BTreeMap<u64, Box<Page>>,
}

impl Memory {
    /// Adds a page, or replaces it.
    pub fn insert(&mut self, address: u64, page: Page) {
        assert!(address.is_multiple_of(PAGE_SIZE), "{address:#x} is no address of a page");
        self.pages.insert(address, Box::new(page));
    }

    /// The pages that there are, by address.
    pub fn pages(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.pages.iter().map(|(address, page)| (*address, &**page))
    }

    /// The page at an address.
    pub fn page(&self, address: u64) -> Option<&Page> {
        self.pages.get(&address).map(|page| &**page)
    }

    /// Takes a page out.
    pub fn remove(&mut self, address: u64) {
        self.pages.remove(&address);
    }

    /// The byte at an address, if it is there.
    pub fn byte(&self, address: u64) -> Option<u8> {
        let page = self.pages.get(&(address & !(PAGE_SIZE - 1)))?;
        Some(page[(address % PAGE_SIZE) as usize])
    }

    /// The little-endian number of 8 bytes, if they are there.
    pub fn word(&self, address: u64) -> Option<u64> {
        let inside = (address % PAGE_SIZE) as usize;
        let page = self.pages.get(&(address & !(PAGE_SIZE - 1)))?;
        if let Some(bytes) = page[inside..].first_chunk() {
            return Some(u64::from_le_bytes(*bytes));
        }
        let mut bytes = [0; 8];
        for (index, byte) in (0..).zip(&mut bytes) {
            *byte = self.byte(address.wrapping_add(index))?;
        }
        Some(u64::from_le_bytes(bytes))
    }

    /// Changes bytes.
    ///
    /// # Panics
    ///
    /// If they are not there.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (address, bytes);
        while !rest.is_empty() {
            let inside = (at % PAGE_SIZE) as usize;
            let (part, tail) = rest.split_at(rest.len().min(PAGE_SIZE as usize - inside));
            let page = self.pages.get_mut(&(at - inside as u64));
            let page = page.unwrap_or_else(|| panic!("there is no memory at {at:#x}"));
            page[inside..inside + part.len()].copy_from_slice(part);
            at = at.wrapping_add(part.len() as u64);
            rest = tail;
        }
    }
}
