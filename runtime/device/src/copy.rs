// SPDX-License-Identifier: MIT OR Apache-2.0

//! Copies and fills of any size at any address.
//!
//! Everything is checked before the first byte is written. A range is then copied in pieces that cross no
//! page on either side, and a piece by the widest accesses that are aligned on both, so that a field which
//! is aligned is copied by one access.

use gpufas_abi::{Access, FaultKind};

use crate::access;
use crate::budget;
use crate::fault::fault;
use crate::journal;
use crate::physical::Memory;
use crate::target::stack_pointer;
use crate::translate::{PAGE_SIZE, is_kernel, range};

/// Bytes that count like one backward branch of the program.
const BYTES_PER_BRANCH: u64 = 64;

/// One side of a copy.
#[derive(Clone, Copy)]
enum Side {
    /// The program's own memory, as the compiler knows.
    Own(*mut u8),
    /// Kernel or own memory, to be checked.
    Address(u64),
}

impl Side {
    /// The address of the first byte.
    fn start(self) -> u64 {
        match self {
            Self::Own(pointer) => pointer.addr() as u64,
            Self::Address(va) => va,
        }
    }
}

/// A copy or fill in progress.
#[derive(Clone, Copy)]
struct Transfer {
    to: Side,
    from: Source,
    size: u64,
    stack_pointer: u64,
    site: u32,
}

/// What is written.
#[derive(Clone, Copy)]
enum Source {
    Memory(Side),
    /// A byte, repeated 8 times.
    Byte(u64),
}

/// Loads any number of bytes from any address into the program's own memory.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_load_bytes(to: *mut u8, va: u64, size: u64, site: u32) {
    let from = Source::Memory(Side::Address(va));
    Transfer { to: Side::Own(to), from, size, stack_pointer: stack_pointer(), site }.run();
}

/// Stores any number of bytes from the program's own memory to any address.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_store_bytes(va: u64, from: *const u8, size: u64, site: u32) {
    let from = Source::Memory(Side::Own(from.cast_mut()));
    Transfer { to: Side::Address(va), from, size, stack_pointer: stack_pointer(), site }.run();
}

/// `memmove`: each side kernel or own memory, which may overlap.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_copy(to: u64, from: u64, size: u64, site: u32) {
    let from = Source::Memory(Side::Address(from));
    Transfer { to: Side::Address(to), from, size, stack_pointer: stack_pointer(), site }.run();
}

/// `memset`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_fill(to: u64, byte: u8, size: u64, site: u32) {
    let from = Source::Byte(u64::from(byte).wrapping_mul(0x0101_0101_0101_0101));
    Transfer { to: Side::Address(to), from, size, stack_pointer: stack_pointer(), site }.run();
}

impl Transfer {
    #[inline(never)]
    fn run(&self) {
        if self.size == 0 {
            return;
        }
        budget::take(self.size / BYTES_PER_BRANCH, self.site);
        let to = self.to.start();
        let mut backward = false;
        if let Source::Memory(from) = self.from {
            self.check(from, Access::Load, from.start());
            self.check(self.to, Access::Store, from.start());
            // As memmove: forward unless that would overwrite what is still to be read.
            let distance = to.wrapping_sub(from.start());
            backward = distance != 0 && distance < self.size;
        } else {
            self.check(self.to, Access::Store, to);
        }
        let mut done = 0;
        while done < self.size {
            let (offset, length) = self.piece(done, backward);
            self.copy_piece(offset, length, backward);
            done = done.wrapping_add(length);
            if done < self.size {
                budget::poll(self.site);
            }
        }
    }

    /// Ends the program if one of the bytes of a side cannot be accessed. `other` is the address on the
    /// other side; both decide how many stores there will be.
    fn check(&self, side: Side, access: Access, other: u64) {
        let Side::Address(va) = side else { return };
        if va.checked_add(self.size - 1).is_none() {
            let kind = if is_kernel(va) { FaultKind::Unmapped } else { FaultKind::NotKernel };
            fault(kind, access, va, self.size, self.site);
        }
        if access as u32 == Access::Store as u32 && is_kernel(va) {
            journal::check(va, self.size, access::count(va, other, self.size), self.site);
        }
        let mut offset = 0;
        while offset < self.size {
            let memory = self.find(side, offset, self.size - offset, access);
            offset = offset.saturating_add(memory.length);
        }
    }

    /// The next piece, after `done` bytes from the start, or from the end if `backward`: offset and length.
    fn piece(&self, done: u64, backward: bool) -> (u64, u64) {
        let left = self.size - done;
        let to = self.to.start();
        let from = if let Source::Memory(from) = self.from { from.start() } else { to };
        if backward {
            // `left` is also the offset of the end of the piece.
            let in_page = |start: u64| start.wrapping_add(left).wrapping_sub(1) % PAGE_SIZE + 1;
            let length = left.min(in_page(to)).min(in_page(from));
            let offset = left - length;
            // A region whose edges are not pages: byte by byte.
            if self.together(offset, length) < length { (left - 1, 1) } else { (offset, length) }
        } else {
            let in_page = |start: u64| PAGE_SIZE - start.wrapping_add(done) % PAGE_SIZE;
            let length = left.min(in_page(to)).min(in_page(from));
            (done, self.together(done, length))
        }
    }

    /// How many of `length` bytes at an offset lie together on both sides; at least 1.
    fn together(&self, offset: u64, length: u64) -> u64 {
        let to = self.find(self.to, offset, length, Access::Store).length;
        match self.from {
            Source::Memory(from) => length.min(to).min(self.find(from, offset, length, Access::Load).length),
            Source::Byte(_) => length.min(to),
        }
    }

    /// The memory of a side at an offset; at least 1 byte.
    fn find(&self, side: Side, offset: u64, length: u64, access: Access) -> Memory {
        match side {
            Side::Own(pointer) => {
                Memory { pointer: pointer.wrapping_add(offset as usize), physical: 0, length }
            }
            Side::Address(start) => {
                let va = start.wrapping_add(offset);
                match range(va, length, access, self.stack_pointer) {
                    Ok(memory) => memory,
                    Err(kind) => fault(kind, access, va, length, self.site),
                }
            }
        }
    }

    /// Copies a piece that lies together on both sides.
    fn copy_piece(&self, offset: u64, length: u64, backward: bool) {
        let to = self.find(self.to, offset, length, Access::Store);
        let journaled = matches!(self.to, Side::Address(va) if is_kernel(va));
        let from = match self.from {
            Source::Memory(from) => self.find(from, offset, length, Access::Load).pointer,
            Source::Byte(_) => to.pointer,
        };
        let mut done = 0u64;
        while done < length {
            let left = length - done;
            // The address of the next access, or of its end, if backward.
            let edge = if backward { left } else { done } as usize;
            let addresses = to.pointer.wrapping_add(edge).addr() | from.wrapping_add(edge).addr();
            let width = access::width(addresses as u64, left);
            let at = if backward { left - width } else { done };
            // SAFETY: `find` and `together` saw that all bytes of the piece can be accessed; the access lies
            // in the piece and is aligned.
            unsafe {
                let pointer = to.pointer.wrapping_add(at as usize);
                let value = match self.from {
                    Source::Memory(_) => access::load(from.wrapping_add(at as usize), width),
                    Source::Byte(value) => value,
                };
                if journaled {
                    let va = self.to.start().wrapping_add(offset).wrapping_add(at);
                    let memory = Memory { pointer, physical: to.physical.wrapping_add(at), length: width };
                    journal::record(va, &memory, width, self.site);
                }
                access::store(pointer, value, width);
                if journaled {
                    journal::stored(None, access::low(value, width));
                }
            }
            done = done.wrapping_add(width);
        }
    }
}
