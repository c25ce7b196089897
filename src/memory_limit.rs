// SPDX-License-Identifier: MIT OR Apache-2.0

//! A limit of memory while LLVM reads what somebody else has written.
//!
//! Its reader makes tables as long as numbers in the file say. Of a number that is wrong by one bit it would fill all of the
//! machine's memory, which ends in something else being killed.

/// What may be needed beside what grows with the file, in bytes.
const AT_LEAST: u64 = 1 << 30;

/// How many bytes may be needed for each byte of the file.
const FOR_EACH_BYTE: u64 = 64;

/// The limit, until it is dropped. Where it is exceeded, LLVM ends the process.
pub struct MemoryLimit {
    before: libc::rlimit,
}

impl MemoryLimit {
    /// Sets the limit for reading a file of so many bytes; none if the system does not say what is used.
    pub fn for_file(size: u64) -> Option<Self> {
        let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
        // SAFETY: asks for a number.
        let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let used = pages.saturating_mul(page);
        let most = used.saturating_add(AT_LEAST).saturating_add(size.saturating_mul(FOR_EACH_BYTE));
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a pointer to a local, which it fills in.
        if unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut before) } != 0 || before.rlim_cur <= most {
            return None;
        }
        set(libc::rlimit { rlim_cur: most, ..before }).then_some(Self { before })
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // It cannot fail: what is set is what was allowed before.
        set(self.before);
    }
}

fn set(limit: libc::rlimit) -> bool {
    // SAFETY: a pointer to a local, which it reads.
    unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_limited_until_the_end() {
        let large = || Vec::<u8>::new().try_reserve_exact(8 << 30).is_ok();
        let before = large();
        let limit = MemoryLimit::for_file(1 << 20);
        assert!(limit.is_some() && !large());
        drop(limit);
        assert_eq!(large(), before);
    }
}
