// SPDX-License-Identifier: MIT OR Apache-2.0

//! One kernel that runs (or ran) in a target's memory.

use crate::error::{Error, Result};
use crate::find;
use crate::layout::{Layout, View};
use crate::memory::PhysicalMemory;
use crate::newest;
use crate::symbols::Symbols;
use crate::types::Types;

/// A kernel in a target's memory: who it is and where everything is.
///
/// It holds no reference to the memory, which may change or vanish at any time; whatever reads memory takes
/// it as an argument.
#[derive(Clone, Debug)]
pub struct Kernel {
    release: String,
    version_numbers: (u32, u32),
    version: String,
    build_id: Option<String>,
    layout: Layout,
    symbols: Symbols,
}

impl Kernel {
    /// Finds the kernel that runs in `memory`, without any help from it: see [`find_all`](Self::find_all).
    ///
    /// If more than one is there (a machine that was reset keeps the old kernel's memory until it is used
    /// again), it is the one whose clock is furthest.
    ///
    /// # Errors
    /// [`Error::NoKernel`] if there is no trace of one, [`Error::NoUsableKernel`] if there are traces only or
    /// a kernel that cannot be handled, [`Error::SeveralKernels`]; [`Error::Unreadable`] if the memory fails.
    pub fn find(memory: &dyn PhysicalMemory) -> Result<Self> {
        newest::choose(Self::find_all(memory)?, memory)
    }

    /// Finds all kernels in `memory`: searches it for VMCOREINFO texts and takes those that prove right,
    /// then reads each kernel's symbol table.
    ///
    /// # Errors
    /// As [`find`](Self::find); the result is never empty.
    pub fn find_all(memory: &dyn PhysicalMemory) -> Result<Vec<Self>> {
        find::find_all(memory)
    }

    pub(crate) fn new(
        release: String,
        version_numbers: (u32, u32),
        version: String,
        build_id: Option<String>,
        layout: Layout,
        mut symbols: Symbols,
    ) -> Self {
        symbols.set_image(layout.image_start..layout.image_end);
        Self { release, version_numbers, version, build_id, layout, symbols }
    }

    /// The release, as `uname -r` prints it: `6.1.0-56-amd64`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The version, as `uname -v` prints it: `#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Major and minor number of the release: (6, 1).
    pub fn version_numbers(&self) -> (u32, u32) {
        self.version_numbers
    }

    /// The linker's build id in hexadecimal, if the image has one.
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// Where the kernel lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The image's symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The run-time address of a symbol that must be there.
    ///
    /// # Errors
    /// [`Error::NoSymbol`].
    pub fn symbol(&self, name: &str) -> Result<u64> {
        let missing = || Error::NoSymbol { release: self.release.clone(), name: name.into() };
        self.symbols.address(name).ok_or_else(missing)
    }

    /// The physical address of kernel virtual address `va`.
    ///
    /// # Errors
    /// Those of [`Layout::translate`].
    pub fn translate(&self, memory: &dyn PhysicalMemory, va: u64) -> Result<u64> {
        self.layout.translate(memory, va)
    }

    /// Fills `buffer` from kernel virtual address `va` on; the range may cross pages.
    ///
    /// # Errors
    /// Those of [`Layout::read`].
    pub fn read(&self, memory: &dyn PhysicalMemory, va: u64, buffer: &mut [u8]) -> Result<()> {
        self.layout.read(memory, va, buffer)
    }

    /// The kernel's types, from the BTF data between `__start_BTF` and `__stop_BTF` of its image.
    ///
    /// # Errors
    /// [`Error::NoTypes`] if the kernel carries none, [`Error::MalformedTypes`], [`Error::UnknownKind`];
    /// those of reading memory.
    pub fn types(&self, memory: &dyn PhysicalMemory) -> Result<Types> {
        let bounds = (self.symbols.address("__start_BTF"), self.symbols.address("__stop_BTF"));
        let (Some(start), Some(stop)) = bounds else {
            return Err(Error::NoTypes { release: self.release.clone() });
        };
        Types::parse(self.view(memory).read_image(start, stop.saturating_sub(start))?)
    }

    pub(crate) fn view<'a>(&'a self, memory: &'a dyn PhysicalMemory) -> View<'a> {
        View { memory, layout: &self.layout }
    }
}
