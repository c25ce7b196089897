// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the translations that are part of a program serve: of each linear region the largest piece.

use gpufas_abi::{AddressSpace, Window};
use gpufas_kernel::PAGE_SIZE;

/// What a window's offset is a multiple of: the widest access that is translated as one.
const ALIGNMENT: u64 = 16;

/// The windows on the direct map and on the kernel's image.
///
/// Without one, since a region is none of the kernel's or does not begin at a page, the runtime translates.
pub fn of(space: &AddressSpace) -> [Window; 2] {
    [
        open(space, (space.direct_map_start, space.direct_map_end), 0),
        open(space, (space.image_start, space.image_end), space.image_physical),
    ]
}

/// The largest window on the addresses from `start` to `end`, whose physical addresses begin at `physical`.
fn open(space: &AddressSpace, (start, end): (u64, u64), physical: u64) -> Window {
    const IN_PAGE: u64 = PAGE_SIZE - 1;
    let mut largest = Window::default();
    let is_kernel = start.cast_signed() < 0;
    if !is_kernel || (start | physical) & IN_PAGE != 0 {
        return largest;
    }
    let region_end = physical.saturating_add(end.saturating_sub(start) & !IN_PAGE) & !IN_PAGE;
    for segment in space.segments.iter().take(space.segment_count as usize) {
        // Whole pages only, and only where an address keeps its alignment.
        let Some(segment_start) = segment.start.checked_next_multiple_of(PAGE_SIZE) else { continue };
        let first = segment_start.max(physical);
        let size = (segment.end & !IN_PAGE).min(region_end).saturating_sub(first);
        let shift = segment.base.wrapping_sub(segment.start);
        if shift.is_multiple_of(ALIGNMENT) && size > largest.size {
            largest = Window {
                start: start.wrapping_add(first - physical),
                size,
                offset: shift.wrapping_add(physical).wrapping_sub(start),
            };
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use gpufas_abi::Segment;
    use gpufas_abi::context::MAX_SEGMENTS;
    use proptest::prelude::*;

    use super::*;

    const DIRECT_MAP: u64 = 0xffff_8880_0000_0000;
    const IMAGE: u64 = 0xffff_ffff_8100_0000;

    /// Where a program finds a physical byte.
    fn find(space: &AddressSpace, physical: u64) -> Option<u64> {
        let segments = &space.segments[..space.segment_count as usize];
        let segment = segments.iter().find(|segment| (segment.start..segment.end).contains(&physical))?;
        Some(segment.base.wrapping_add(physical - segment.start))
    }

    /// Where a program finds the byte at an address of a region.
    fn model(space: &AddressSpace, va: u64) -> Option<u64> {
        if (space.direct_map_start..space.direct_map_end).contains(&va) {
            return find(space, va - space.direct_map_start);
        }
        let inside = va.checked_sub(space.image_start).filter(|_| va < space.image_end)?;
        find(space, space.image_physical.checked_add(inside)?)
    }

    /// Segments of up to 20 pages, with holes or without, some of them not at a page, and found at any even address.
    fn space() -> impl Strategy<Value = AddressSpace> {
        let odd = prop_oneof![4 => Just(0u64), 1 => 1u64..PAGE_SIZE];
        let base =
            prop_oneof![3 => (1u64..1 << 30).prop_map(|page| page * PAGE_SIZE), 1 => (1u64 << 20)..1 << 40];
        let segment = (0u64..4, odd.clone(), 1u64..20, odd, base);
        let segments = prop::collection::vec(segment, 0..MAX_SEGMENTS);
        (segments, 0u64..300, 0u64..300, 0u64..30).prop_map(|(pieces, pages, image, image_pages)| {
            let mut space = AddressSpace {
                direct_map_start: DIRECT_MAP,
                direct_map_end: DIRECT_MAP + pages * PAGE_SIZE,
                image_start: IMAGE,
                image_end: IMAGE + image_pages * PAGE_SIZE,
                image_physical: image * PAGE_SIZE,
                segment_count: pieces.len() as u32,
                ..AddressSpace::default()
            };
            let mut end = 0;
            for (to, (hole, before, pages, behind, base)) in space.segments.iter_mut().zip(pieces) {
                let start = end + hole * PAGE_SIZE + before;
                end = start + pages * PAGE_SIZE + behind;
                *to = Segment { start, end, base };
            }
            space
        })
    }

    proptest! {
        /// Every byte of a window is found where it is, a window is whole pages and keeps alignments, and no other piece is larger.
        #[test]
        fn windows_agree_with_model(space in space()) {
            let windows = of(&space);
            let regions = [
                (space.direct_map_start, space.direct_map_end),
                (space.image_start, space.image_end),
            ];
            for (window, (start, end)) in windows.iter().zip(regions) {
                prop_assert!(window.size == 0 || (start <= window.start && window.start + window.size <= end));
                prop_assert_eq!((window.start | window.size) % PAGE_SIZE, 0);
                prop_assert_eq!(window.offset % ALIGNMENT, 0);
                let found = |va: u64| model(&space, va).map(|at| at.wrapping_sub(va));
                for va in (window.start..window.start + window.size).step_by(512) {
                    prop_assert_eq!(found(va), Some(window.offset));
                    prop_assert_eq!(found(va + 511), Some(window.offset));
                }
                // The longest run of pages that keep one distance, if that is one that keeps alignments.
                let (mut longest, mut run, mut last) = (0, 0, None);
                for va in (start..end).step_by(PAGE_SIZE as usize) {
                    let offset = found(va).filter(|offset| offset % ALIGNMENT == 0);
                    let is_whole = offset.is_some() && (0..PAGE_SIZE).all(|byte| found(va + byte) == offset);
                    run = match is_whole {
                        true if offset == last => run + PAGE_SIZE,
                        true => PAGE_SIZE,
                        false => 0,
                    };
                    last = offset.filter(|_| is_whole);
                    longest = longest.max(run);
                }
                prop_assert!(window.size >= longest, "{:#x} bytes, but there are {longest:#x}", window.size);
            }
        }
    }

    #[test]
    fn what_is_no_region_has_no_window() {
        let mut space = AddressSpace { segment_count: 1, ..AddressSpace::default() };
        space.segments[0] = Segment { start: 0, end: 1 << 30, base: 1 << 40 };
        assert_eq!(of(&space), [Window::default(); 2], "all is 0");
        space.direct_map_start = DIRECT_MAP;
        space.direct_map_end = DIRECT_MAP + (1 << 31);
        (space.image_start, space.image_end) = (IMAGE, IMAGE + (2 << 20));
        for physical in [8, u64::MAX - 4095, u64::MAX] {
            space.image_physical = physical;
            assert_eq!(of(&space)[1], Window::default(), "{physical:#x}");
        }
        assert_eq!(of(&space)[0].size, 1 << 30);
        (space.image_start, space.image_end) = (1 << 20, 2 << 20);
        space.image_physical = 0;
        assert_eq!(of(&space)[1], Window::default(), "not the kernel's half");
    }
}
