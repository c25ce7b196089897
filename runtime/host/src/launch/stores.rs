// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program's stores to the guest: what was there before, and what after each.

use super::sections::NotTakenBack;
use crate::memory::GuestMemory;
use gpufas_abi::{After, JournalEntry};
use std::collections::{BTreeMap, HashMap};

/// Bytes of a store whose contents are known, at most.
const KNOWN: u32 = 8;

/// Stores of more bytes than that, at most; what was before more of them is taken for unknown. The runtime
/// makes no such store, so that there are many only if the journal is corrupt.
const MOST_LARGE: usize = 1024;

/// A store to the guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// The record that the program made before it.
    pub entry: JournalEntry,
    /// What was there after it, as [`JournalEntry::old`]; none if that is not known.
    pub new: Option<u64>,
    /// Whether it was taken back.
    pub taken_back: bool,
}

/// Adds to each store what it stored: what the next store to the same place found, or what is there in
/// the end. `read` reads a byte of the guest's memory as it is in the end.
pub(super) fn with_new_values(
    journal: Vec<JournalEntry>,
    mut read: impl FnMut(u64) -> Option<u8>,
) -> Vec<Store> {
    // Backwards, with what each byte was before the stores that were already seen.
    let mut later: HashMap<u64, u8> = HashMap::new();
    let mut unknown = Intervals::default();
    let mut large = 0;
    let mut stores = Vec::with_capacity(journal.len());
    for entry in journal.into_iter().rev() {
        let known = entry.size.min(KNOWN);
        let is_told = entry.after != After::Unknown as u32;
        let mut new = Some(if is_told { entry.new } else { 0 });
        for index in (0..u64::from(known)).filter(|_| !is_told) {
            let byte = entry.physical.checked_add(index).and_then(|at| match later.get(&at) {
                Some(byte) => Some(*byte),
                None if unknown.contains(at) => None,
                None => read(at),
            });
            new = new.zip(byte).map(|(new, byte)| new | u64::from(byte) << (8 * index));
        }
        for (index, byte) in (0..u64::from(known)).zip(entry.old.to_le_bytes()) {
            later.insert(entry.physical.wrapping_add(index), byte);
        }
        if entry.size > KNOWN {
            large += 1;
        }
        if entry.size > KNOWN && large <= MOST_LARGE {
            let tail = entry.physical.saturating_add(u64::from(KNOWN));
            let end = entry.physical.saturating_add(u64::from(entry.size));
            later.retain(|at, _| !(tail..end).contains(at));
            unknown.add(tail, end);
        }
        let new = new.filter(|_| known > 0 && large <= MOST_LARGE);
        stores.push(Store { entry, new, taken_back: false });
    }
    stores.reverse();
    stores
}

/// Puts back what was in the guest's memory before the stores, while nothing else writes there. Nothing is put back if it is
/// not known of every byte.
///
/// # Errors
/// [`NotTakenBack::Unknown`] if it is not known; [`NotTakenBack::NotWritten`], with some of it put back.
pub(super) fn undo(memory: &GuestMemory, stores: &[Store], lost: u64) -> Result<(), NotTakenBack> {
    if lost > 0 || stores.iter().any(|store| store.entry.size > KNOWN) {
        return Err(NotTakenBack::Unknown);
    }
    for Store { entry, .. } in stores.iter().rev() {
        let old = &entry.old.to_le_bytes()[..entry.size as usize];
        memory.write(entry.physical, old).map_err(|_| NotTakenBack::NotWritten)?;
    }
    Ok(())
}

/// Disjoint intervals: end by start.
#[derive(Default)]
struct Intervals(BTreeMap<u64, u64>);

impl Intervals {
    fn contains(&self, at: u64) -> bool {
        self.0.range(..=at).next_back().is_some_and(|(_, end)| at < *end)
    }

    fn add(&mut self, mut start: u64, mut end: u64) {
        // Takes in all that overlap or touch.
        while let Some((&first, &last)) = self.0.range(..=end).next_back() {
            if last < start {
                break;
            }
            start = start.min(first);
            end = end.max(last);
            self.0.remove(&first);
        }
        self.0.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(physical: u64, size: u32, old: u64) -> JournalEntry {
        JournalEntry { address: physical | 1 << 63, physical, old, size, ..JournalEntry::default() }
    }

    #[test]
    fn a_later_store_to_a_part_says_what_an_earlier_one_left() {
        let journal = vec![entry(0x10, 4, 0), entry(0x11, 1, 0xbb), entry(0x20, 2, 7)];
        let stores = with_new_values(journal, |at| Some(at as u8));
        let new: Vec<_> = stores.iter().map(|store| store.new.unwrap()).collect();
        assert_eq!(new, [0x1312_bb10, 0x11, 0x2120]);
    }

    #[test]
    fn what_only_a_large_store_covers_is_unknown() {
        let journal = vec![entry(0x18, 1, 1), entry(0x10, 1, 1), entry(0x10, 64, 0x0505)];
        let stores = with_new_values(journal, |_| Some(9));
        assert_eq!(stores[0].new, None, "in the part of the large store whose old bytes are not recorded");
        assert_eq!(stores[1].new, Some(5));
        assert_eq!(stores[2].new, Some(0x0909_0909_0909_0909));
    }

    #[test]
    fn intervals_join() {
        let mut intervals = Intervals::default();
        for (start, end) in [(10, 20), (30, 40), (15, 30), (0, 5)] {
            intervals.add(start, end);
        }
        assert_eq!(intervals.0, BTreeMap::from([(0, 5), (10, 40)]));
        assert!(intervals.contains(39) && !intervals.contains(40) && !intervals.contains(7));
    }

    proptest! {
        /// Stores are made on a byte array; what is reconstructed must be what was stored.
        #[test]
        fn values_are_those_that_were_stored(stores in prop::collection::vec((0..24u64, 0..4u32, any::<u64>()), 0..20)) {
            let mut memory = [0u8; 32];
            let mut journal = Vec::new();
            let mut stored = Vec::new();
            for (at, log2, value) in stores {
                let size = 1usize << log2;
                let range = at as usize..at as usize + size;
                let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
                journal.push(entry(at, size as u32, number(&memory[range.clone()])));
                memory[range.clone()].copy_from_slice(&value.to_le_bytes()[..size]);
                stored.push(number(&memory[range]));
            }
            let found = with_new_values(journal, |at| Some(memory[at as usize]));
            let found: Vec<_> = found.iter().map(|store| store.new.unwrap()).collect();
            prop_assert_eq!(found, stored);
        }

        #[test]
        fn any_journal_is_survived(entries in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u64>()), 0..50)) {
            let journal = entries.into_iter().map(|(physical, size, old)| entry(physical, size, old)).collect();
            let _ = with_new_values(journal, |_| None);
        }
    }
}
