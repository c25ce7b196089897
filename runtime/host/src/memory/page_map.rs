// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which pages of a process have ever been touched (`/proc/PID/pagemap`, see
//! Documentation/admin-guide/mm/pagemap.rst of the kernel).

use super::mapping::page_size;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bits of an entry: the page is in memory, or swapped out.
const TOUCHED: u64 = 1 << 63 | 1 << 62;

/// Entries that are read at a time.
const ENTRIES: usize = 512;

/// Most entries that are read for one answer.
const MOST_ENTRIES: u64 = 1 << 24;

/// How many bytes from `address` of the process on it has never touched, in whole pages; 0 if it cannot be
/// told. In anonymous memory these are zeros.
pub(super) fn untouched(page_map: &File, address: u64) -> u64 {
    let page = page_size() as u64;
    let first = address / page;
    let mut count = 0;
    let mut buffer = [0; ENTRIES * 8];
    while count < MOST_ENTRIES {
        let Some(offset) = (first + count).checked_mul(8) else { break };
        if page_map.read_exact_at(&mut buffer, offset).is_err() {
            break;
        }
        let (entries, _) = buffer.as_chunks();
        let touched = |entry: &[u8; 8]| u64::from_le_bytes(*entry) & TOUCHED != 0;
        if let Some(index) = entries.iter().position(touched) {
            count += index as u64;
            break;
        }
        count += ENTRIES as u64;
    }
    (count * page).saturating_sub(address % page)
}

#[cfg(test)]
mod tests {
    use super::super::mapping::Mapping;
    use super::*;

    #[test]
    fn pages_of_our_own_are_told_apart() {
        let page = page_size();
        let mapping = Mapping::private_zeros(2000 * page).unwrap();
        let base = mapping.base().as_ptr();
        // SAFETY: the page is in the mapping. No huge page, lest its neighbours are touched too.
        unsafe {
            libc::madvise(base.cast(), 2000 * page, libc::MADV_NOHUGEPAGE);
            base.add(1500 * page).write_volatile(1);
        }
        let page_map = File::open("/proc/self/pagemap").unwrap();
        let at = |index: usize| untouched(&page_map, base as u64 + (index * page) as u64) / page as u64;
        assert_eq!((at(0), at(1499), at(1500)), (1500, 1, 0));
        assert!(at(1501) >= 499);
        assert_eq!(untouched(&page_map, base as u64 + 100), (1500 * page - 100) as u64);
        assert_eq!(untouched(&page_map, u64::MAX), 0);
    }
}
