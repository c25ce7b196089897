// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making sure that what was found is the guest's memory, by comparing a few words with what QEMU reads.

use super::GuestMemory;
use super::flat_view::hexadecimal;
use crate::error::{Error, Result};
use crate::qmp::Qmp;
use gpufas_kernel::PhysicalMemory;

/// Words that are looked at, for some that are not 0.
const LOOKED_AT: u64 = 192;
/// Words that are compared, at most. QEMU answers each by itself, after whatever else it does meanwhile.
const COMPARED: usize = 12;

/// Compares words all over memory with what QEMU's monitor (`xp`) reads there. The guest may be running,
/// so a word counts only if it is the same before and after QEMU has read it.
///
/// # Errors
/// [`Error::WrongMemory`] if what differs outweighs what agrees; those of [`Qmp::execute`].
pub(super) fn verify(qmp: &mut Qmp, memory: &GuestMemory) -> Result<()> {
    let (mut agree, mut differ, mut differing) = (0, 0, 0);
    for address in samples(memory) {
        // A word that cannot be read is for the first real access to report.
        let Some(before) = word(memory, address) else { continue };
        let answer = qmp.human(format!("xp /1gx {address:#x}"))?;
        let Some(theirs) = parse(&answer) else {
            return Err(Error::QmpAnswer { command: "xp".into(), what: answer.trim().to_owned() });
        };
        if word(memory, address) != Some(before) {
            continue;
        }
        if before != theirs {
            differ += 1;
            differing = address;
        } else if before != 0 {
            agree += 1;
        }
    }
    // A word may have changed twice in between; a file that is not the memory differs nearly everywhere.
    if differ > agree {
        return Err(Error::WrongMemory { what: memory.name().into(), address: differing });
    }
    Ok(())
}

/// Addresses of words to compare: those spread over memory that are not 0, since most memory is.
fn samples(memory: &GuestMemory) -> Vec<u64> {
    let mut found = Vec::new();
    for range in memory.ranges() {
        let pages = (range.end - range.start) / 4096;
        let spread = (0..LOOKED_AT).map(|index| range.start + pages.saturating_mul(index) / LOOKED_AT * 4096);
        found.extend(spread.filter(|&address| word(memory, address).is_some_and(|word| word != 0)));
    }
    if found.is_empty() {
        // All is 0 here: see whether it is for QEMU.
        found.extend(memory.ranges().iter().flat_map(|range| [range.start, range.start + 0x400]));
    }
    found.dedup();
    spread(&found, COMPARED)
}

/// At most `count` of some, the first and the last among them.
fn spread(all: &[u64], count: usize) -> Vec<u64> {
    if all.len() <= count {
        return all.to_vec();
    }
    (0..count).map(|index| all[(all.len() - 1) * index / (count - 1)]).collect()
}

fn word(memory: &GuestMemory, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}

/// The word in `0000000001000000: 0x0000000000000000`.
fn parse(answer: &str) -> Option<u64> {
    hexadecimal(answer.trim().split_once(": 0x")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread() {
        assert_eq!(spread(&[1, 2, 3], 3), [1, 2, 3]);
        assert_eq!(spread(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 3), [1, 5, 9]);
        let many: Vec<u64> = (0..1000).collect();
        let some = spread(&many, COMPARED);
        assert!(some.len() == COMPARED && some.is_sorted() && some[0] == 0 && some[COMPARED - 1] == 999);
    }

    #[test]
    fn words_are_understood() {
        assert_eq!(parse("0000000001000000: 0x00000000deadbeef\r\n"), Some(0xdead_beef));
        assert_eq!(parse("Cannot access memory"), None);
    }
}
