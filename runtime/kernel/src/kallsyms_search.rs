// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finding the symbol table of a kernel that does not say where it is: those before 6.0.
//!
//! scripts/kallsyms.c of these kernels writes the tables one after the other, each aligned to 8 bytes:
//! offsets, relative base, number of symbols, names, markers (a `u32` for every 256th symbol: the offset of
//! its name), token table, token index. The token index is found by its form, the others backwards from it;
//! each must fit the others exactly.

use crate::error::{Error, Result};
use crate::kallsyms::Tables;
use crate::layout::View;
use std::ops::Range;

/// Most bytes of the image that are searched, from `_stext` on. A Debian kernel has about 50 MiB.
const MAX_SEARCH: u64 = 256 << 20;
/// Most steps of the whole search. A kernel's takes about as many as it has symbols; what only looks like tables, in very many
/// places, would take hours.
const MAX_STEPS: usize = 1 << 27;
/// Names for which there is one marker.
const NAMES_PER_MARKER: usize = 256;
/// Most bytes of one compressed name, with its length.
const MAX_NAME: usize = 256;
/// Most bytes of one token, with its zero byte.
const MAX_TOKEN: usize = 512;

/// Finds the tables in the image that begins with `_stext` at `start`.
pub(crate) fn find(view: View<'_>, start: u64) -> Result<Tables> {
    let address = view.layout.translate(view.memory, start)?;
    let range = view.memory.ranges().iter().find(|range| range.contains(&address));
    let available = range.map_or(0, |range| range.end - address);
    let reach = view.image().end.saturating_sub(start);
    let image = view.read_image(start, available.min(reach).min(MAX_SEARCH))?;
    let places = search(&image);
    let places =
        places.ok_or_else(|| Error::Kallsyms { what: "it was not found in the kernel's image".into() })?;
    let at = |place: usize| start + place as u64;
    Ok(Tables {
        names: at(places.names),
        count: at(places.names - 8),
        token_table: at(places.token_table),
        token_index: at(places.token_index),
        offsets: at(places.offsets),
        relative_base: Some(at(places.names - 16)),
    })
}

/// Offsets of the tables in the searched bytes.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    offsets: usize,
    names: usize,
    token_table: usize,
    token_index: usize,
}

/// How many steps the search may still take.
struct Steps(usize);

impl Steps {
    /// Takes some; none if there are not as many left.
    fn take(&mut self, steps: usize) -> Option<()> {
        self.0 = self.0.checked_sub(steps)?;
        Some(())
    }
}

/// The first tables in the image.
fn search(image: &[u8]) -> Option<Places> {
    let mut steps = Steps(MAX_STEPS);
    (0..image.len()).step_by(8).find_map(|at| places_before(image, at, &mut steps))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// The tables, if the token index is at `token_index`.
fn places_before(image: &[u8], token_index: usize, steps: &mut Steps) -> Option<Places> {
    let starts = token_starts(image.get(token_index..)?.first_chunk()?)?;
    let token_table = find_token_table(image, token_index, &starts, steps)?;
    let markers = find_markers(image, token_table, steps)?;
    let (names, count) = find_names(image, &markers, steps)?;
    let offsets = names.checked_sub(16)?.checked_sub((4 * count).next_multiple_of(8))?;
    Some(Places { offsets, names, token_table, token_index })
}

/// The offsets of all tokens, if they begin with 0 and increase.
fn token_starts(index: &[u8; 512]) -> Option<[usize; 256]> {
    let start = |i: usize| usize::from(u16::from_le_bytes([index[2 * i], index[2 * i + 1]]));
    let increasing = start(0) == 0 && (1..256).all(|i| start(i - 1) < start(i));
    increasing.then(|| std::array::from_fn(start))
}

/// Where the strings with these offsets begin, somewhere shortly before `end`.
fn find_token_table(image: &[u8], end: usize, starts: &[usize; 256], steps: &mut Steps) -> Option<usize> {
    let last = starts[255];
    let nearest = end.checked_sub(last + 1)? / 8 * 8;
    let candidates = (0..MAX_TOKEN).step_by(8).filter_map(|back| nearest.checked_sub(back));
    // Each byte of the strings may be looked at once.
    let mut candidates = candidates.take_while(|_| steps.take(last).is_some());
    candidates.find(|&table| {
        // Each string ends right before the next one; the last before the padding.
        let ends_before = |i: usize, next: usize| {
            let string = image.get(table + starts[i]..table + next);
            string.and_then(|string| string.iter().position(|&byte| byte == 0)) == Some(next - starts[i] - 1)
        };
        let padded_end = image.get(table + last..end).unwrap_or_default();
        let length = padded_end.iter().position(|&byte| byte == 0);
        (1..256).all(|i| ends_before(i - 1, starts[i]))
            && length.is_some_and(|length| {
                padded_end.len() - length <= 8 && padded_end[length..].iter().all(|&byte| byte == 0)
            })
    })
}

/// The markers that end at `end`, by their place; they increase from 0 on.
fn find_markers(image: &[u8], end: usize, steps: &mut Steps) -> Option<Range<usize>> {
    // A last word of 0 is padding.
    let end = if u32_at(image, end.checked_sub(4)?)? == 0 { end - 4 } else { end };
    let mut start = end.checked_sub(4)?;
    let mut value = u32_at(image, start)?;
    while value != 0 {
        steps.take(1)?;
        start = start.checked_sub(4)?;
        let before = u32_at(image, start)?;
        if before >= value {
            return None;
        }
        value = before;
    }
    (start % 8 == 0).then_some(start..end)
}

/// The place of the names before the markers, and how many they are.
fn find_names(image: &[u8], markers: &Range<usize>, steps: &mut Steps) -> Option<(usize, usize)> {
    let last_marker = u32_at(image, markers.end.checked_sub(4)?)? as usize;
    let blocks = markers.len() / 4;
    let counts = (blocks - 1) * NAMES_PER_MARKER + 1..=blocks * NAMES_PER_MARKER;
    let nearest = markers.start.checked_sub(last_marker)? / 8 * 8;
    let candidates =
        (0..=NAMES_PER_MARKER * MAX_NAME).step_by(8).filter_map(|back| nearest.checked_sub(back));
    candidates
        .filter_map(|names| {
            let count = u32_at(image, names.checked_sub(8)?)? as usize;
            let padding = u32_at(image, names - 4)?;
            (padding == 0 && counts.contains(&count)).then_some((names, count))
        })
        .find(|&(names, count)| names_fit(image, names, count, markers, steps).is_some())
}

/// Whether `count` names from `names` on agree with the markers and end right before them.
fn names_fit(
    image: &[u8],
    names: usize,
    count: usize,
    markers: &Range<usize>,
    steps: &mut Steps,
) -> Option<()> {
    let mut at = names;
    for index in 0..count {
        steps.take(1)?;
        if index % NAMES_PER_MARKER == 0 {
            let marker = u32_at(image, markers.start + index / NAMES_PER_MARKER * 4)?;
            (at - names == marker as usize).then_some(())?;
        }
        at += 1 + usize::from(*image.get(at)?);
    }
    (at <= markers.start && markers.start - at < 8).then_some(())
}

#[cfg(test)]
#[path = "kallsyms_search_tests.rs"]
mod tests;
