// SPDX-License-Identifier: MIT OR Apache-2.0

//! Small copies from kernel memory into a variable of the program's own, as of a name: loads and stores, which are translated as
//! any others.

use crate::llvm::{Builder, Value};
use crate::memory_class::own_place;

use super::Pass;

/// The most loads that a copy becomes.
const MOST: usize = 8;

/// The widest of them, in bytes.
const WIDEST: u64 = 8;

impl<'c> Pass<'_, 'c> {
    /// Makes such a copy of an intrinsic's, all loads before all stores. Says whether it was one.
    pub(super) fn small_copy(&mut self, function: Value<'c>, call: Value<'c>) -> bool {
        let &[to, from, size, is_volatile] = call.arguments().as_slice() else { return false };
        let Some(size) = size.as_unsigned().filter(|_| is_volatile.is_null()) else { return false };
        let is_from_kernel = own_place(self.module, from).is_none();
        let is_into_own = own_place(self.module, to).is_some_and(|place| place.holds(size));
        if !is_from_kernel || !is_into_own {
            return false;
        }
        let alignment = |argument| call.argument_alignment(argument).unwrap_or(1);
        let Some(pieces) = pieces(size, alignment(1)) else { return false };
        let builder = Builder::before(self.module.context(), call);
        let loads: Vec<_> = pieces
            .iter()
            .map(|&(offset, width)| {
                let ty = builder.integer(8 * width as u32);
                builder.load(ty, builder.offset(from, builder.u64(offset)), width as u32)
            })
            .collect();
        for (&(offset, width), load) in pieces.iter().zip(&loads) {
            let width = width.min(alignment(0));
            builder.store(*load, builder.offset(to, builder.u64(offset)), width as u32);
        }
        call.erase();
        for load in loads {
            self.load(function, load);
        }
        true
    }
}

/// Offsets and widths, in bytes, of the aligned loads that copy `size` bytes; none if they are too many, or if the runtime, which sees the
/// address, might make wider ones: a field that the kernel writes at once is read at once.
fn pieces(size: u64, alignment: u64) -> Option<Vec<(u64, u64)>> {
    let natural = size.checked_ilog2().map_or(1, |bits| 1 << bits).min(WIDEST);
    if alignment < natural {
        return None;
    }
    let widest = alignment.clamp(1, WIDEST);
    let mut pieces = Vec::new();
    let mut offset = 0;
    while offset < size {
        let width = widest.min(1 << (size - offset).ilog2());
        pieces.push((offset, width));
        offset += width;
        if pieces.len() > MOST {
            return None;
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_aligned_and_leave_nothing_out() {
        assert_eq!(pieces(16, 8), Some(vec![(0, 8), (8, 8)]));
        assert_eq!(pieces(20, 16), Some(vec![(0, 8), (8, 8), (16, 4)]));
        assert_eq!(pieces(7, 4), Some(vec![(0, 4), (4, 2), (6, 1)]));
        assert_eq!(pieces(8, 1), None);
        assert_eq!(pieces(16, 4), None);
        assert_eq!(pieces(72, 8), None);
        assert_eq!(pieces(1 << 40, 8), None);
        assert_eq!(pieces(0, 8), Some(vec![]));
    }
}
