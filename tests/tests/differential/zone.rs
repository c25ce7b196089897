// SPDX-License-Identifier: MIT OR Apache-2.0

//! A contiguous part of the kernel's address space, and where the same is in a process for the native run.

use std::ops::Range;

use crate::machine::{GIB, MIB2, MODULES_START};
use crate::memory::PAGE_SIZE;

/// Where the zones of a native run are: nothing of a Linux process lies there by itself.
const NATIVE_START: u64 = 0x1000_0000_0000;

/// Distance of zones in a native run; more than the largest of them.
const NATIVE_DISTANCE: u64 = 16 * GIB;

/// Where the kernel's image is in a native run. The linker must know it.
pub const NATIVE_IMAGE: u64 = NATIVE_START + 64 * NATIVE_DISTANCE;

/// Pages on each side of the edge of a large page in which objects are placed.
const EDGE_PAGES: u64 = 4;

/// How a zone's addresses become physical ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    DirectMap,
    Image,
    PageTables,
}

/// A page of the kernel's address space.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The kernel's address.
    pub virtual_start: u64,
    /// The physical address.
    pub physical: u64,
    /// Bytes; a size that page tables can map.
    pub size: u64,
}

/// A contiguous part of the kernel's address space.
#[derive(Clone, Debug)]
pub struct Zone {
    kind: Kind,
    pieces: Vec<Piece>,
    native: u64,
}

impl Zone {
    /// A part of the direct map.
    pub fn linear(start: u64, physical: u64, pages: u64) -> Self {
        Self { kind: Kind::DirectMap, pieces: contiguous(start, physical, pages), native: 0 }
    }

    /// The kernel's image.
    pub fn image(start: u64, physical: u64, pages: u64) -> Self {
        Self { kind: Kind::Image, pieces: contiguous(start, physical, pages), native: 0 }
    }

    /// Pages, given by size and physical address, that follow each other from `at` on, or from a higher address
    /// so that large ones are at multiples of their size. Leaves the zone's start in `at`.
    pub fn mapped(at: &mut u64, pages: Vec<(u64, u64)>) -> Self {
        let small =
            pages.iter().take_while(|(size, _)| *size == PAGE_SIZE).map(|(size, _)| size).sum::<u64>();
        let largest = pages.iter().map(|(size, _)| *size).max().unwrap_or(PAGE_SIZE);
        *at = (*at + small).next_multiple_of(largest) - small;
        let mut virtual_start = *at;
        let pieces = pages
            .into_iter()
            .map(|(size, physical)| {
                let piece = Piece { virtual_start, physical, size };
                virtual_start += size;
                piece
            })
            .collect();
        Self { kind: Kind::PageTables, pieces, native: 0 }
    }

    /// Chooses where the zone is in a native run; `index` is its number by address. Order and alignment are kept
    /// (the image's within 2 MiB).
    pub fn choose_native(&mut self, index: usize) {
        self.native = match self.kind {
            Kind::Image => NATIVE_IMAGE,
            _ if self.start() >= MODULES_START => NATIVE_IMAGE + NATIVE_DISTANCE + self.start() % GIB,
            _ => NATIVE_START + index as u64 * NATIVE_DISTANCE + self.start() % GIB,
        };
    }

    /// First address.
    pub fn start(&self) -> u64 {
        self.pieces.first().map_or(0, |piece| piece.virtual_start)
    }

    /// Address after the last byte.
    pub fn end(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.virtual_start + piece.size)
    }

    /// First address in a native run.
    pub fn native(&self) -> u64 {
        self.native
    }

    /// Whether only page tables say where it is.
    pub fn is_mapped(&self) -> bool {
        self.kind == Kind::PageTables
    }

    /// Its pages.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.pieces.iter().copied()
    }

    /// The physical address of a byte, if it is in the zone.
    pub fn physical(&self, address: u64) -> Option<u64> {
        let inside = |piece: &&Piece| address.wrapping_sub(piece.virtual_start) < piece.size;
        self.pieces.iter().find(inside).map(|piece| piece.physical + (address - piece.virtual_start))
    }

    /// The address in a native run of a byte in the zone or right behind it.
    pub fn to_native(&self, address: u64) -> Option<u64> {
        (self.start()..=self.end()).contains(&address).then(|| self.native + (address - self.start()))
    }

    /// The reverse of [`to_native`](Self::to_native).
    pub fn to_kernel(&self, native: u64) -> Option<u64> {
        let size = self.end() - self.start();
        (self.native..=self.native + size).contains(&native).then(|| self.start() + (native - self.native))
    }

    /// The parts in which objects are placed: all of a zone of small pages, else those around the edges and
    /// somewhere inside of large ones.
    pub fn windows(&self) -> Vec<Range<u64>> {
        let edge = EDGE_PAGES * PAGE_SIZE;
        let mut windows: Vec<Range<u64>> = Vec::new();
        let mut add = |window: Range<u64>| match windows.last_mut() {
            Some(last) if last.end >= window.start => last.end = window.end,
            _ => windows.push(window),
        };
        for piece in &self.pieces {
            let (start, end) = (piece.virtual_start, piece.virtual_start + piece.size);
            if piece.size == PAGE_SIZE {
                add(start..end);
            } else {
                add(start..start + edge);
                let middle = start + piece.size / 3 / MIB2.min(piece.size / 2) * MIB2 + 7 * PAGE_SIZE;
                add(middle..middle + edge);
                add(end - edge..end);
            }
        }
        windows
    }
}

fn contiguous(start: u64, physical: u64, pages: u64) -> Vec<Piece> {
    (0..pages)
        .map(|index| index * PAGE_SIZE)
        .map(|offset| Piece { virtual_start: start + offset, physical: physical + offset, size: PAGE_SIZE })
        .collect()
}
