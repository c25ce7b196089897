// SPDX-License-Identifier: MIT OR Apache-2.0

//! Critical sections of a program: what it stored while it held locks of the guest's kernel, or had the guest stand still. A program
//! that ends in one leaves it: what it stored there is taken back, and the locks are released, lest the guest wait for
//! them without end.

use super::words::Words;
use crate::memory::{GuestMemory, MappedMemory};
use gpufas_abi::{After, JournalEntry, JournalKind};
use std::collections::HashMap;
use std::ops::Range;

/// Sections that are known at a time, at most; a program that holds more locks is faulty.
const MOST_OPEN: usize = 256;

/// The stores of a program, and its critical sections.
#[derive(Debug, Default)]
pub(super) struct Sections {
    /// The stores, without the other entries of the journal.
    pub(super) stores: Vec<JournalEntry>,
    /// The sections that the program was in when it ended, outermost first.
    open: Vec<Section>,
    /// Stores, by number, in sections inside of those that have ended.
    ended: Vec<Range<usize>>,
    /// The stores, by number, that have taken or released a lock.
    of_locks: Vec<usize>,
    /// Physical addresses of what stays whatever becomes of the program.
    kept: Vec<Range<u64>>,
}

/// A section that has not ended.
#[derive(Debug)]
struct Section {
    /// [`JournalKind::LockTaken`] or [`JournalKind::PauseBegun`].
    begun: JournalEntry,
    /// How many stores were made before it.
    before: usize,
}

impl Section {
    fn is_pause(&self) -> bool {
        self.begun.kind == JournalKind::PauseBegun as u32
    }
}

/// How critical sections were left that a program ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Locks that were released.
    pub released: usize,
    /// Locks that somebody else had released, or that only the guest's kernel can release, since a waiter has to be kicked.
    pub not_released: usize,
    /// Whether the guest stood still for the program.
    pub paused: bool,
    /// The stores that the program made there, by number, less those that have taken and released locks, and those to what stays.
    pub stores: Vec<usize>,
    /// Whether they were taken back, and if not, why not.
    pub taken_back: Result<(), NotTakenBack>,
    /// Whether nothing is left of all that the program stored.
    pub nothing_left: bool,
}

/// Why stores are still in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTakenBack {
    /// The program returned: it has done what it wanted.
    #[error("the program returned")]
    Returned,
    /// Others may have acted upon some of them.
    #[error("some were made under another lock, which was released")]
    Released,
    /// Somebody else has written there.
    #[error("the guest has written there as well")]
    Changed,
    /// The journal was full, or does not say what was stored.
    #[error("the journal does not have all of them")]
    Unknown,
    /// The pause was over.
    #[error("the guest had gone on")]
    WentOn,
    /// A program on a GPU did not end when asked to.
    #[error("the program may still run")]
    StillRuns,
    /// The guest's memory refused it, perhaps on the way.
    #[error("the guest's memory could not be written")]
    NotWritten,
}

impl Sections {
    /// Reads a journal.
    pub(super) fn new(journal: Vec<JournalEntry>) -> Self {
        let mut sections = Self { stores: Vec::with_capacity(journal.len()), ..Self::default() };
        for entry in journal {
            match JournalKind::from_number(entry.kind) {
                Some(JournalKind::Store) => sections.stores.push(entry),
                Some(JournalKind::Kept) if sections.kept.len() < MOST_OPEN => {
                    sections.kept.push(entry.physical..entry.physical.saturating_add(entry.size.into()));
                }
                Some(kind @ (JournalKind::LockTaken | JournalKind::PauseBegun)) => {
                    if kind == JournalKind::LockTaken {
                        sections.of_locks.extend(sections.stores.len().checked_sub(1));
                    }
                    if sections.open.len() < MOST_OPEN {
                        sections.open.push(Section { begun: entry, before: sections.stores.len() });
                    }
                }
                Some(JournalKind::LockReleased) => sections.end(|begun| {
                    begun.kind == JournalKind::LockTaken as u32 && begun.physical == entry.physical
                }),
                Some(JournalKind::PauseEnded) => sections.end(|begun| {
                    let same = begun.physical == entry.physical && begun.new == entry.new;
                    begun.kind == JournalKind::PauseBegun as u32 && same
                }),
                // Only a faulty program writes others, or so many.
                Some(JournalKind::Kept) | None => {}
            }
        }
        sections
    }

    /// Ends the innermost section that has begun so.
    fn end(&mut self, is_begun: impl Fn(&JournalEntry) -> bool) {
        let Some(number) = self.open.iter().rposition(|section| is_begun(&section.begun)) else { return };
        let section = self.open.remove(number);
        if !section.is_pause() {
            self.of_locks.extend(self.stores.len().checked_sub(1));
        }
        // Disjoint: they end one after another, but may overlap.
        let mut start = section.before;
        while let Some(last) = self.ended.pop_if(|last| last.end > start) {
            start = start.min(last.start);
        }
        self.ended.push(start..self.stores.len());
        if self.open.is_empty() {
            self.ended.clear();
        }
    }

    /// Leaves the sections that a program ended in, if it ended in any. `returned` says that it did so by itself; `lost` is the number of
    /// stores that are not known. The program must not run any more. `mapped` is `memory`.
    pub(super) fn leave(
        &self,
        memory: &GuestMemory,
        mapped: &MappedMemory,
        lost: u64,
        returned: bool,
    ) -> Option<Left> {
        let outermost = self.open.first().filter(|_| memory.is_writable())?;
        let words = Words::new(memory, mapped);
        let pause = self.open.iter().find(|section| section.is_pause()).map(|section| &section.begun);
        let mut of_locks = vec![false; self.stores.len()];
        self.of_locks.iter().for_each(|number| of_locks[*number] = true);
        let counts = |number: &usize| {
            let store = &self.stores[*number];
            let is_none = store.after == After::Exchanged as u32 && store.old == store.new;
            !of_locks[*number] && !is_none && !self.is_kept(store)
        };
        let stores: Vec<usize> = (outermost.before..self.stores.len()).filter(counts).collect();
        let taken_back = if returned {
            Err(NotTakenBack::Returned)
        } else if lost > 0 {
            Err(NotTakenBack::Unknown)
        } else if self.ended.iter().any(|ended| ended.clone().any(|number| counts(&number))) {
            Err(NotTakenBack::Released)
        } else {
            let entries = stores.iter().map(|number| &self.stores[*number]);
            take_back(&words, &entries.collect::<Vec<_>>(), pause)
        };
        let locks = self.open.iter().rev().filter(|section| !section.is_pause());
        let (released, not_released): (Vec<bool>, _) =
            locks.map(|section| release(&words, &section.begun)).partition(|released| *released);
        let before = (0..outermost.before).any(|number| counts(&number));
        let nothing_left =
            taken_back.is_ok() && !before && !self.stores.iter().any(|store| self.is_kept(store));
        Some(Left {
            released: released.len(),
            not_released: not_released.len(),
            paused: pause.is_some(),
            stores,
            taken_back,
            nothing_left,
        })
    }

    /// Whether a store stays, whatever becomes of the program.
    fn is_kept(&self, store: &JournalEntry) -> bool {
        let end = store.physical.saturating_add(store.size.into());
        self.kept.iter().any(|kept| kept.start < end && store.physical < kept.end)
    }
}

/// Releases a lock, if it is held as it was taken.
fn release(words: &Words<'_>, taken: &JournalEntry) -> bool {
    let JournalEntry { physical, size, old: mask, new: value, .. } = *taken;
    words.update(physical, size, |now| (now & mask == value & mask).then(|| now.wrapping_sub(value)))
}

/// Takes stores back: all of them, or none, unless the guest writes there at this moment.
fn take_back(
    words: &Words<'_>,
    stores: &[&JournalEntry],
    pause: Option<&JournalEntry>,
) -> Result<(), NotTakenBack> {
    let has_gone_on = || pause.is_some_and(|pause| words.load(pause.physical, 8) != Some(pause.new));
    if has_gone_on() {
        return Err(NotTakenBack::WentOn);
    }
    let mut bytes = HashMap::new();
    let steps = stores.iter().rev().map(|store| Step::new(words, store, pause.is_some(), &mut bytes));
    let steps: Vec<Step> = steps.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let done = steps.iter().take_while(|step| step.back(words)).count();
    let failure = if done < steps.len() {
        NotTakenBack::Changed
    } else if has_gone_on() {
        NotTakenBack::WentOn
    } else {
        return Ok(());
    };
    // All or nothing.
    steps[..done].iter().rev().for_each(|step| step.forth(words));
    Err(failure)
}

/// A store to be taken back.
struct Step {
    physical: u64,
    size: u32,
    /// What was there before.
    old: u64,
    /// What is there since.
    new: u64,
    /// The bits that matter. Of a flag that was set or cleared in one step only that one: others change the other flags of its word
    /// in the same way.
    mask: u64,
}

impl Step {
    /// How to take a store back, when all later ones are; none if it has changed nothing. `bytes` are those that differ by then from
    /// what is there now. While the guest stands still nobody else has written there.
    fn new(
        words: &Words<'_>,
        store: &JournalEntry,
        stands: bool,
        bytes: &mut HashMap<u64, u8>,
    ) -> Result<Option<Self>, NotTakenBack> {
        let JournalEntry { physical, old, size, .. } = *store;
        let mut now = words.load(physical, size).ok_or(NotTakenBack::Unknown)?.to_le_bytes();
        for (at, byte) in (physical..).zip(&mut now[..size as usize]) {
            *byte = bytes.get(&at).copied().unwrap_or(*byte);
        }
        let now = u64::from_le_bytes(now);
        let is_unknown = store.after == After::Unknown as u32;
        let new = match (is_unknown, stands) {
            (false, _) => store.new,
            (true, true) => now,
            // The last one may not have been made.
            (true, false) if now == old => old,
            (true, false) => return Err(NotTakenBack::Unknown),
        };
        let changed = old ^ new;
        if changed == 0 {
            return Ok(None);
        }
        let is_flag = store.after == After::Exchanged as u32 && changed.is_power_of_two();
        let step = Self { physical, size, old, new, mask: if is_flag { changed } else { u64::MAX } };
        let before = step.replaced(now, new, old).ok_or(NotTakenBack::Changed)?;
        bytes.extend((physical..).zip(before.to_le_bytes()).take(size as usize));
        Ok(Some(step))
    }

    /// What is there now, with one value of the bits that matter for the other; none if it is not the one.
    fn replaced(&self, now: u64, from: u64, to: u64) -> Option<u64> {
        ((now ^ from) & self.mask == 0).then_some(now & !self.mask | to & self.mask)
    }

    fn back(&self, words: &Words<'_>) -> bool {
        words.update(self.physical, self.size, |now| self.replaced(now, self.new, self.old))
    }

    fn forth(&self, words: &Words<'_>) {
        words.update(self.physical, self.size, |now| self.replaced(now, self.old, self.new));
    }
}
