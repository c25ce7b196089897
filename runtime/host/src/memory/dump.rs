// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory dumps: ELF cores (QEMU's `dump-guest-memory`, `virsh dump --memory-only`) and raw files.
//!
//! A raw file holds memory from physical address 0 on without a gap, as `pmemsave` and most tools for
//! physical machines write it, or it is a copy of a memory backend's file. The latter lacks the hole below
//! 4 GiB: what is beyond the hole in the guest follows at once in the file. Where a raw file is to be split
//! cannot be told from it, so it has to be said; QEMU's `info mtree -f` shows it (2 or 3 GiB, by machine
//! and size).

use super::{Backing, Extent, GuestMemory};
use crate::error::{Error, Result};
use object::elf::{ET_CORE, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, ReadCache};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Where the memory beyond the hole continues.
const FOUR_GIB: u64 = 4 << 30;

/// Most program headers that a dump may have. QEMU writes one for each piece of memory, or one for each
/// mapped piece with paging on.
const MOST_HEADERS: usize = 1 << 20;

/// Opens a memory dump. `split` is where a raw file's memory is to be split (see the module), in bytes.
///
/// # Errors
/// [`Error::File`], [`Error::DumpFormat`].
pub fn open(path: &Path, split: Option<u64>) -> Result<GuestMemory> {
    let on = |action| move |source| Error::File { action, path: path.into(), source };
    let format = |what: String| Error::DumpFormat { path: path.into(), what };
    let metadata = std::fs::metadata(path).map_err(on("open"))?;
    if !metadata.is_file() {
        return Err(format("it is not a regular file".into()));
    }
    let file = File::open(path).map_err(on("open"))?;
    let mut magic = [0; 16];
    let known = metadata.len().min(16) as usize;
    file.read_exact_at(&mut magic[..known], 0).map_err(on("read"))?;
    if let Some(kind) = compressed(&magic) {
        return Err(format(format!(
            "it is {kind}; make a plain one with dump-guest-memory FILE, or convert it with makedumpfile -E or \
             virsh dump --memory-only --format elf"
        )));
    }
    let file = Arc::new(file);
    let pieces = if magic.starts_with(b"\x7fELF") {
        if split.is_some() {
            return Err(format(
                "an ELF dump says itself where its memory is; leave out --memory-split".into(),
            ));
        }
        elf_pieces(&file, metadata.len()).map_err(|what| format(what.to_owned()))?
    } else {
        raw_pieces(metadata.len(), split).map_err(|what| format(what.to_owned()))?
    };
    let extents = pieces.into_iter().map(|(physical, offset)| {
        let file = Arc::clone(&file);
        Extent { physical, offset, file }
    });
    GuestMemory::new(Backing::Dump, extents.collect(), None, format!("memory dump {}", path.display()))
}

/// What a dump is that has to be unpacked first, by its first bytes: `KDUMP_SIGNATURE` of QEMU and
/// makedumpfile, the flattened format of makedumpfile, a snapshot of QEMU, compressed files.
fn compressed(magic: &[u8; 16]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 7] = [
        (b"KDUMP   ", "a compressed kdump"),
        (b"DISKDUMP", "a compressed diskdump"),
        (b"makedumpfile", "a flattened kdump"),
        (b"QEVM", "a saved state of QEMU"),
        (b"LibvirtQemudSave", "a saved state of libvirt"),
        (b"\x1f\x8b", "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    ];
    kinds.iter().find(|(prefix, _)| magic.starts_with(prefix)).map(|(_, kind)| *kind)
}

/// Physical addresses and offset in the file.
type Piece = (Range<u64>, u64);

fn raw_pieces(size: u64, split: Option<u64>) -> Result<Vec<Piece>, &'static str> {
    if size == 0 {
        return Err("it is empty");
    }
    match split {
        None => Ok(vec![(0..size, 0)]),
        Some(split) if split == 0 || split > FOUR_GIB || split % 4096 != 0 => {
            Err("--memory-split must be a multiple of 4096 from 4096 to 4 GiB")
        }
        Some(split) if split >= size => Ok(vec![(0..size, 0)]),
        Some(split) => {
            let end = FOUR_GIB.checked_add(size - split).ok_or("it is too large")?;
            Ok(vec![(0..split, 0), (FOUR_GIB..end, split)])
        }
    }
}

fn elf_pieces(file: &File, file_size: u64) -> Result<Vec<Piece>, &'static str> {
    let malformed = "its ELF headers are malformed; was it truncated?";
    // Through reads and not a mapping, so that a file that shrinks is an error and not a SIGBUS.
    let cache = ReadCache::new(file);
    let header = FileHeader64::<LittleEndian>::parse(&cache)
        .map_err(|_| "it is not a 64-bit little-endian ELF file, so not of an x86-64 guest")?;
    if header.e_type.get(LittleEndian) != ET_CORE {
        return Err("it is an ELF file, but not a core; make one with dump-guest-memory FILE");
    }
    let headers = header.program_headers(LittleEndian, &cache).map_err(|_| malformed)?;
    if headers.len() > MOST_HEADERS {
        return Err("it has too many program headers");
    }
    let mut pieces = Vec::new();
    for load in headers.iter().filter(|header| header.p_type(LittleEndian) == PT_LOAD) {
        let (start, offset) = (load.p_paddr(LittleEndian), load.p_offset(LittleEndian));
        // What is beyond p_filesz was left out of the dump: it is not known, and certainly not 0.
        let size = load.p_filesz(LittleEndian);
        let end = start.checked_add(size).ok_or(malformed)?;
        if offset.checked_add(size).is_none_or(|end| end > file_size) {
            return Err("it is shorter than its headers say; it was truncated, or is still being written");
        }
        if size > 0 {
            pieces.push((start..end, offset));
        }
    }
    pieces.sort_by_key(|(physical, _)| physical.start);
    // With paging on (dump-guest-memory -p) memory that is mapped twice is there twice.
    let mut at = 0;
    pieces.retain_mut(|(physical, offset)| {
        let skip = at.max(physical.start) - physical.start;
        if skip >= physical.end - physical.start {
            return false;
        }
        physical.start += skip;
        *offset += skip;
        at = physical.end;
        true
    });
    if pieces.is_empty() {
        return Err(
            "it holds no memory; a core of a process? The physical addresses of a dump are in its PT_LOADs",
        );
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests;
