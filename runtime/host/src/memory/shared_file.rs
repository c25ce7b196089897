// SPDX-License-Identifier: MIT OR Apache-2.0

//! Guest memory in files that QEMU has mapped shared: `memory-backend-file` and `memory-backend-memfd`
//! with `share=on`, and shared anonymous memory.

use super::layout::Region;
use super::process::{self, Piece};
use super::process_maps::Mapping;
use super::{Backing, Extent, GuestMemory};
use crate::error::{Error, Result};
use crate::qmp::Qmp;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that was opened, with the reason if it may not be written.
type Opened = (Arc<File>, Option<io::ErrorKind>);

/// The files that QEMU's process has mapped; none if one of them cannot be opened.
pub(super) fn by_process(pid: i32, pieces: &[Piece<'_>]) -> Result<Option<GuestMemory>> {
    let mut files: HashMap<(u64, u64), Opened> = HashMap::new();
    let mut extents = Vec::new();
    let mut read_only = None;
    for piece in pieces {
        let mapping = piece.mapping;
        let key = (mapping.device, mapping.inode);
        if let std::collections::hash_map::Entry::Vacant(entry) = files.entry(key) {
            let Some((file, reason)) = open_mapped(pid, mapping) else { return Ok(None) };
            entry.insert((Arc::new(file), reason));
        }
        let (file, reason) = &files[&key];
        read_only = read_only.or(*reason);
        let offset = mapping.offset + (piece.address - mapping.addresses.start);
        let extent = Extent { physical: piece.physical.clone(), offset, file: Arc::clone(file) };
        check_size(&extent, &mapping.name)?;
        extents.push(extent);
    }
    let name = pieces.first().map_or("", |piece| piece.mapping.name.as_str());
    GuestMemory::new(Backing::Shared, extents, read_only, format!("shared memory {name}")).map(Some)
}

/// Opens the file behind a mapping, whichever way is permitted; none if there is no way.
fn open_mapped(pid: i32, mapping: &Mapping) -> Option<(File, Option<io::ErrorKind>)> {
    let is_it = |metadata: &std::fs::Metadata, same_name: bool| {
        // Where file systems are stacked (overlayfs, btrfs), the device in maps is not that of stat().
        metadata.ino() == mapping.inode && (metadata.dev() == mapping.device || same_name)
    };
    let open = |path: &Path| process::open(path).ok();
    if let Some(found) = open(&mapping.map_file(pid)) {
        return Some(found);
    }
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let same_name =
            std::fs::read_link(entry.path()).is_ok_and(|name| name.as_os_str() == mapping.name.as_str());
        if std::fs::metadata(entry.path()).is_ok_and(|metadata| is_it(&metadata, same_name))
            && let Some(found) = open(&entry.path())
        {
            return Some(found);
        }
    }
    let path = mapping.rooted_file(pid)?;
    std::fs::metadata(&path).is_ok_and(|metadata| is_it(&metadata, true)).then(|| open(&path)).flatten()
}

/// The files that QEMU names as those of its memory backends; none if there is a backend that is not a
/// shared file with a path.
pub(super) fn by_path(qmp: &mut Qmp, regions: &[Region]) -> Result<Option<GuestMemory>> {
    let mut extents = Vec::new();
    let mut read_only = None;
    let mut name = String::new();
    for region in regions {
        let Some((path, offset)) = file_of_backend(qmp, &region.backend)? else { return Ok(None) };
        let opened = process::open(&path);
        let (file, reason) =
            opened.map_err(|source| Error::MemoryFile { action: "open", path: path.clone(), source })?;
        read_only = read_only.or(reason);
        let file = Arc::new(file);
        for range in &region.ranges {
            let beyond =
                || Error::MemorySize { what: path.display().to_string(), found: offset, expected: u64::MAX };
            let offset = offset.checked_add(range.offset).ok_or_else(beyond)?;
            let extent = Extent { physical: range.physical.clone(), offset, file: Arc::clone(&file) };
            check_size(&extent, &path.display().to_string())?;
            extents.push(extent);
        }
        if name.is_empty() {
            name = format!("shared file {}", path.display());
        }
    }
    GuestMemory::new(Backing::Shared, extents, read_only, name).map(Some)
}

/// Path of a backend's file and offset of its memory therein (`offset` of memory-backend-file, since
/// QEMU 8.1).
fn file_of_backend(qmp: &mut Qmp, backend: &str) -> Result<Option<(PathBuf, u64)>> {
    let object = format!("/objects/{backend}");
    let shared = qmp.property(object.clone(), "share")?.and_then(|value| value.as_bool()).unwrap_or(false);
    let path = qmp.property(object.clone(), "mem-path")?.and_then(|value| value.as_str().map(PathBuf::from));
    let Some(path) = path.filter(|_| shared) else { return Ok(None) };
    let offset = qmp.property(object, "offset")?.and_then(|value| value.as_u64()).unwrap_or(0);
    // In a directory QEMU makes a file without a name (file_ram_open() in system/physmem.c).
    Ok(path.is_file().then_some((path, offset)))
}

/// Checks that the file is long enough for the extent. A device (DAX) has no size to be checked.
fn check_size(extent: &Extent, what: &str) -> Result<()> {
    let metadata = extent.file.metadata().map_err(|source| Error::MemoryFile {
        action: "look at",
        path: what.into(),
        source,
    })?;
    if metadata.file_type().is_char_device() {
        return Ok(());
    }
    let size = extent.physical.end - extent.physical.start;
    let expected = extent.offset.saturating_add(size);
    if metadata.len() < expected {
        return Err(Error::MemorySize { what: what.into(), found: metadata.len(), expected });
    }
    Ok(())
}
