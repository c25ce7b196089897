// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings of this process.

use crate::error::{Error, Result};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;

/// Size of a page of this machine, in bytes.
pub fn page_size() -> usize {
    // SAFETY: sysconf takes no pointers.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// A mapping; dropping it unmaps it.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    size: usize,
}

// SAFETY: a mapping belongs to the process, not to a thread, and is only accessed through raw pointers.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `size` bytes of `file` from `offset` on, shared: stores reach the file.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn shared(file: &File, offset: u64, size: usize, writable: bool) -> Result<Self> {
        let protection = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        Self::map(
            size,
            protection,
            libc::MAP_SHARED | libc::MAP_NORESERVE,
            Some((file, offset)),
            "map the guest's memory",
        )
    }

    /// Maps `size` bytes of `file` from its beginning, shared and without access rights: accesses raise
    /// SIGSEGV until a page is given some.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn inaccessible(file: &File, size: usize) -> Result<Self> {
        let flags = libc::MAP_SHARED | libc::MAP_NORESERVE;
        Self::map(
            size,
            libc::PROT_NONE,
            flags,
            Some((file, 0)),
            "reserve address space for the guest's memory",
        )
    }

    /// Maps `size` bytes of zeros, shared with children.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn shared_zeros(size: usize) -> Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        Self::map(size, protection, libc::MAP_SHARED | libc::MAP_ANONYMOUS, None, "allocate memory")
    }

    /// Maps `size` bytes of zeros that belong to this process alone, only allocated when touched.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn private_zeros(size: usize) -> Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Self::map(size, protection, flags, None, "allocate memory")
    }

    fn map(
        size: usize,
        protection: libc::c_int,
        flags: libc::c_int,
        file: Option<(&File, u64)>,
        action: &'static str,
    ) -> Result<Self> {
        let (descriptor, offset) = file.map_or((-1, 0), |(file, offset)| (file.as_raw_fd(), offset));
        let offset = libc::off_t::try_from(offset)
            .map_err(|_| Error::System { action, source: std::io::ErrorKind::InvalidInput.into() })?;
        // SAFETY: without MAP_FIXED a new mapping changes no memory that is in use.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, descriptor, offset) };
        if base == libc::MAP_FAILED {
            return Err(Error::last(action));
        }
        let base = NonNull::new(base.cast()).ok_or_else(|| Error::last(action))?;
        Ok(Self { base, size })
    }

    /// Address of the first byte.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Takes the access rights from the first `size` bytes, a multiple of the page size: a guard.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn guard(&self, size: usize) -> Result<()> {
        assert!(size <= self.size, "the guard is part of the mapping");
        // SAFETY: the range is part of this mapping, which nothing refers to but through it.
        let status = unsafe { libc::mprotect(self.base.as_ptr().cast(), size, libc::PROT_NONE) };
        if status == 0 { Ok(()) } else { Err(Error::last("protect memory")) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping, and its owner is gone.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.size) };
    }
}

/// A file in memory without a name in any file system. It is closed on exec.
///
/// # Errors
/// [`Error::System`].
pub fn memory_file(name: &std::ffi::CStr, size: u64) -> Result<File> {
    let action = "create a file in memory";
    // SAFETY: `name` is NUL-terminated and lives through the call.
    let descriptor = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(Error::last(action));
    }
    // SAFETY: the descriptor is new and owned by nobody else.
    let file = unsafe { File::from_raw_fd(descriptor) };
    file.set_len(size).map_err(|source| Error::System { action, source })?;
    Ok(file)
}
