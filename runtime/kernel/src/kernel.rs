// SPDX-License-Identifier: MIT OR Apache-2.0

//! One kernel that runs (or ran) in a target's memory.

use crate::error::{Error, Result};
use crate::find;
use crate::kallsyms::Source;
use crate::layout::{Layout, View};
use crate::memory::PhysicalMemory;
use crate::newest;
use crate::running::{self, PageTables};
use crate::symbol_cache::SymbolCache;
use crate::symbols::Symbols;
use crate::types::Types;

/// Most bytes of type information; a Debian kernel has about 6 MiB.
const MAX_TYPE_INFORMATION: u64 = 128 << 20;

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
    origin: Origin,
}

/// What a kernel was known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// Where the names of `init_uts_ns` are.
    pub(crate) names: u64,
    /// What the symbols were read from.
    pub(crate) source: Source,
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

    /// Finds the kernel that CPUs run by the page tables that they use, without a search, if it is among those that `known`
    /// keeps: then all that says which kernel it is, and what its symbols were read from, has been compared with what is in memory.
    ///
    /// None if that fails for whatever reason; then [`find`](Self::find) says what there is, and
    /// [`SymbolCache::store`] keeps it.
    pub fn find_known(
        memory: &dyn PhysicalMemory,
        page_tables: &[PageTables],
        known: &SymbolCache,
    ) -> Option<Self> {
        running::find(memory, page_tables, known)
    }

    pub(crate) fn new(
        release: String,
        version_numbers: (u32, u32),
        version: String,
        build_id: Option<String>,
        layout: Layout,
        mut symbols: Symbols,
        origin: Origin,
    ) -> Self {
        symbols.set_image(layout.image_start..layout.image_end);
        Self { release, version_numbers, version, build_id, layout, symbols, origin }
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

    /// What it was known by.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
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
        let size = stop.saturating_sub(start);
        if size > MAX_TYPE_INFORMATION {
            return Err(Error::MalformedTypes { offset: size, what: "it is larger than any kernel's" });
        }
        Types::parse(self.view(memory).read_image(start, size)?)
    }

    pub(crate) fn view<'a>(&'a self, memory: &'a dyn PhysicalMemory) -> View<'a> {
        View { memory, layout: &self.layout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kallsyms::Tables;
    use crate::memory::MemorySlices;
    use crate::symbols::SymbolsBuilder;

    #[test]
    fn no_memory_is_taken_for_more_type_information_than_a_kernel_has() {
        const START: u64 = 0xffff_ffff_8100_0000;
        let size = 2 * MAX_TYPE_INFORMATION;
        let mut symbols = SymbolsBuilder::default();
        assert!(symbols.push("__start_BTF", b'D', START) && symbols.push("__stop_BTF", b'D', START + size));
        let layout = Layout {
            direct_map_start: 0,
            direct_map_end: 0,
            image_start: START,
            image_end: START + size,
            image_physical: 0,
            page_table_root: 0,
            page_table_levels: 4,
            kaslr_offset: 0,
            phys_base: 0,
        };
        let places =
            Tables { names: 0, count: 0, token_table: 0, token_index: 0, offsets: 0, relative_base: None };
        let source =
            Source { tables: places, count: 0, names_size: 0, tokens_size: 0, base: 0, digest: [0; 32] };
        let origin = Origin { names: 0, source };
        let kernel = Kernel::new("6.1".into(), (6, 1), "#1".into(), None, layout, symbols.finish(), origin);
        let page = [0; 4096];
        let error = kernel.types(&MemorySlices::new([(0, &page[..])])).unwrap_err();
        assert!(matches!(error, Error::MalformedTypes { what, .. } if what.contains("larger")), "{error}");
    }
}
