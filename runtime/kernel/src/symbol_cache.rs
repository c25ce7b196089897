// SPDX-License-Identifier: MIT OR Apache-2.0

//! Symbols of kernels that were found before, on disk.
//!
//! To read them from memory takes some hundred thousand names to be put together. What was read once is kept by the build
//! id, with the digest of the bytes that it was read from, and is used only where the same bytes are in memory: a guest whose
//! table is damaged does not have another one repaired at wrong addresses.

use crate::error::Result;
use crate::kallsyms::{Source, Tables};
use crate::kernel::Kernel;
use crate::memory::PhysicalMemory;
use crate::notes::{self, BuildId};
use crate::symbols::Symbols;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How files begin; another form of them, and another way to read symbols, needs another number.
const MAGIC: [u8; 8] = *b"gpufas-2";
/// Most bytes of a file; a Debian kernel's has 4 to 10 MiB.
const MAX_FILE: u64 = 256 << 20;
/// Most kernels that are kept.
const MAX_KERNELS: usize = 32;
/// Most bytes of a text, with a zero byte: `__NEW_UTS_LEN` + 1, rounded up.
const TEXT: usize = 72;

/// How a file begins. Addresses are as linked.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    /// CRC-32 of all bytes that follow, to the file's end.
    checksum: U32,
    build_id_size: U32,
    build_id: [u8; BuildId::MAX],
    /// Where the build id is.
    build_id_address: U64,
    /// `_text`.
    text: U64,
    /// `init_uts_ns.name`.
    names: U64,
    source: SourceRecord,
    major: U32,
    minor: U32,
    release: [u8; TEXT],
    version: [u8; TEXT],
}

/// What symbols were read from: [`Source`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct SourceRecord {
    names: U64,
    names_size: U64,
    tokens: U64,
    tokens_size: U64,
    token_index: U64,
    offsets: U64,
    count_address: U64,
    /// 0 if there is none.
    base_address: U64,
    base: U64,
    count: U32,
    padding: [u8; 4],
    digest: [u8; 32],
}

impl SourceRecord {
    fn new(source: &Source, kaslr_offset: u64) -> Self {
        let linked = |address: u64| U64::new(address.wrapping_sub(kaslr_offset));
        let Tables { names, count, token_table, token_index, offsets, relative_base } = source.tables;
        Self {
            names: linked(names),
            names_size: U64::new(source.names_size),
            tokens: linked(token_table),
            tokens_size: U64::new(source.tokens_size),
            token_index: linked(token_index),
            offsets: linked(offsets),
            count_address: linked(count),
            base_address: relative_base.map_or(U64::ZERO, linked),
            base: if relative_base.is_some() { linked(source.base) } else { U64::ZERO },
            count: U32::new(source.count),
            padding: [0; 4],
            digest: source.digest,
        }
    }

    fn source(&self, kaslr_offset: u64) -> Source {
        let moved = |address: U64| address.get().wrapping_add(kaslr_offset);
        let has_base = self.base_address != U64::ZERO;
        let tables = Tables {
            names: moved(self.names),
            count: moved(self.count_address),
            token_table: moved(self.tokens),
            token_index: moved(self.token_index),
            offsets: moved(self.offsets),
            relative_base: has_base.then(|| moved(self.base_address)),
        };
        Source {
            tables,
            count: self.count.get(),
            names_size: self.names_size.get(),
            tokens_size: self.tokens_size.get(),
            base: if has_base { moved(self.base) } else { 0 },
            digest: self.digest,
        }
    }
}

/// Where the checksum's bytes begin.
const SUMMED: usize = 12;

/// Symbols of kernels that were found before, in a folder of the user's.
#[derive(Clone, Debug)]
pub struct SymbolCache {
    folder: PathBuf,
}

/// A kernel that was found before. Addresses are as linked.
#[derive(Debug)]
pub(crate) struct KnownKernel {
    file: File,
    pub(crate) release: String,
    pub(crate) version_numbers: (u32, u32),
    pub(crate) version: String,
    pub(crate) build_id: BuildId,
    /// `_text`.
    pub(crate) text: u64,
    /// `init_uts_ns.name`.
    pub(crate) names: u64,
    source: SourceRecord,
}

impl SymbolCache {
    /// What is kept in a folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Keeps the symbols of a kernel that was found in `memory`, if it has a build id. Of other kernels the latest stay.
    ///
    /// # Errors
    /// What the file system says, or the memory.
    pub fn store(&self, kernel: &Kernel, memory: &dyn PhysicalMemory) -> io::Result<()> {
        let Some((name, bytes)) = encode(kernel, memory).map_err(io::Error::other)? else { return Ok(()) };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        if !self.is_own() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&bytes)?;
        // Readers see all of it or nothing.
        file.persist(self.folder.join(name))?;
        for (path, _) in self.files().into_iter().skip(MAX_KERNELS) {
            // Another process may have done so.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// The kernels that are kept, the latest first. What cannot be read, or others could have written, is none.
    pub(crate) fn kernels(&self) -> impl Iterator<Item = KnownKernel> {
        let files = if self.is_own() { self.files() } else { Vec::new() };
        files.into_iter().take(MAX_KERNELS).filter_map(|(path, _)| KnownKernel::open(&path))
    }

    /// Whether the folder is the user's own, and only the user writes to it.
    fn is_own(&self) -> bool {
        fs::symlink_metadata(&self.folder).is_ok_and(|metadata| metadata.is_dir() && is_own(&metadata))
    }

    /// The files, the latest first.
    fn files(&self) -> Vec<(PathBuf, std::time::SystemTime)> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let with_time = |entry: fs::DirEntry| {
            // Names are build ids; files that are being written have others.
            let is_id = entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_hexdigit);
            let metadata = entry.metadata().ok().filter(|metadata| is_id && metadata.is_file())?;
            Some((entry.path(), metadata.modified().ok()?))
        };
        let mut files: Vec<_> = entries.filter_map(|entry| with_time(entry.ok()?)).collect();
        files.sort_by(|(_, a), (_, b)| b.cmp(a));
        files
    }
}

impl KnownKernel {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        // With what is in it memory is written to, so nobody else may have made it.
        if !is_own(&metadata) || metadata.len() > MAX_FILE {
            return None;
        }
        let mut bytes = [0; size_of::<Header>()];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let header = Header::ref_from_bytes(&bytes).ok().filter(|header| header.magic == MAGIC)?;
        let bytes = header.build_id.get(..header.build_id_size.get() as usize)?.to_vec();
        Some(Self {
            release: text(&header.release)?,
            version_numbers: (header.major.get(), header.minor.get()),
            version: text(&header.version)?,
            build_id: BuildId { bytes, address: header.build_id_address.get() },
            text: header.text.get(),
            names: header.names.get(),
            source: header.source,
            file,
        })
    }

    /// What its symbols were read from, in an image that was moved by `kaslr_offset`.
    pub(crate) fn source(&self, kaslr_offset: u64) -> Source {
        self.source.source(kaslr_offset)
    }

    /// Its symbols, for an image that was moved by `kaslr_offset`. None if the file is damaged.
    pub(crate) fn symbols(&self, kaslr_offset: u64) -> Option<Symbols> {
        let size = self.file.metadata().ok()?.len().min(MAX_FILE) as usize;
        let mut header = [0; size_of::<Header>()];
        let mut symbols = vec![0; size.checked_sub(header.len())?];
        self.file.read_exact_at(&mut header, 0).ok()?;
        self.file.read_exact_at(&mut symbols, header.len() as u64).ok()?;
        let checksum = Header::ref_from_bytes(&header).ok()?.checksum.get();
        if checksum_of(&header, &symbols) != checksum {
            return None;
        }
        Symbols::from_bytes(symbols, kaslr_offset)
    }
}

fn is_own(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

fn checksum_of(header: &[u8], symbols: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header.get(SUMMED..).unwrap_or_default());
    hasher.update(symbols);
    hasher.finalize()
}

/// The file of a kernel and its name, if it can have one.
fn encode(kernel: &Kernel, memory: &dyn PhysicalMemory) -> Result<Option<(String, Vec<u8>)>> {
    let offset = kernel.layout().kaslr_offset;
    let Some(id) = notes::build_id(kernel.view(memory), kernel.symbols())? else { return Ok(None) };
    let mut header = Header::new_zeroed();
    let texts = [(&mut header.release, kernel.release()), (&mut header.version, kernel.version())];
    for (field, text) in texts {
        // One zero byte must be left.
        let Some(place) = field.get_mut(..text.len()).filter(|_| text.len() < TEXT) else { return Ok(None) };
        place.copy_from_slice(text.as_bytes());
    }
    header.magic = MAGIC;
    header.build_id_size = U32::new(id.bytes.len() as u32);
    header.build_id[..id.bytes.len()].copy_from_slice(&id.bytes);
    header.build_id_address = U64::new(id.address.wrapping_sub(offset));
    header.text = U64::new(kernel.layout().image_start.wrapping_sub(offset));
    header.names = U64::new(kernel.origin().names.wrapping_sub(offset));
    header.source = SourceRecord::new(&kernel.origin().source, offset);
    let (major, minor) = kernel.version_numbers();
    (header.major, header.minor) = (U32::new(major), U32::new(minor));
    let symbols = kernel.symbols().to_bytes(offset);
    header.checksum = U32::new(checksum_of(header.as_bytes(), &symbols));
    Ok(Some((id.hexadecimal(), [header.as_bytes(), &symbols].concat())))
}

fn text(field: &[u8; TEXT]) -> Option<String> {
    let end = field.iter().position(|&byte| byte == 0)?;
    str::from_utf8(&field[..end]).ok().map(str::to_owned)
}
