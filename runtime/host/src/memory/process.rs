// SPDX-License-Identifier: MIT OR Apache-2.0

//! Guest memory by way of QEMU's process: which process it is, what it has mapped where, and reading and
//! writing memory that is private to it (`/proc/PID/mem`).

use super::layout::{self, Region};
use super::process_maps::{self, Mapping};
use super::{Backing, Extent, GuestMemory, shared_file};
use crate::error::{Error, Result};
use crate::qmp::Qmp;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A piece of a region: where it is for the guest, and where in QEMU.
pub(super) struct Piece<'a> {
    pub(super) physical: Range<u64>,
    /// Virtual address in QEMU.
    pub(super) address: u64,
    pub(super) mapping: &'a Mapping,
}

/// The memory as QEMU's process has it: as a file if all of it is mapped shared from files that can be
/// opened, else as the memory of the process.
pub(super) fn attach(qmp: &mut Qmp, regions: &[Region]) -> Result<GuestMemory> {
    let pid = find(qmp)?;
    let access = |action| move |source| Error::ProcessAccess { action, pid, source };
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).map_err(access("read the memory map"))?;
    let mappings = process_maps::parse(&maps);
    let mut pieces = Vec::new();
    for region in regions {
        let base = layout::host_address(qmp, region)?;
        for range in &region.ranges {
            let not_mapped = || Error::NotMapped { region: region.name.clone(), address: base, pid };
            let start = base.checked_add(range.offset).ok_or_else(not_mapped)?;
            let size = range.physical.end - range.physical.start;
            let end = start.checked_add(size).ok_or_else(not_mapped)?;
            let cover = process_maps::cover(&mappings, start..end).ok_or_else(not_mapped)?;
            if cover.is_empty() || cover.iter().any(|(mapping, _)| !mapping.writable) {
                return Err(not_mapped());
            }
            pieces.extend(cover.into_iter().map(|(mapping, addresses)| {
                let physical = range.physical.start + (addresses.start - start);
                let size = addresses.end - addresses.start;
                Piece { physical: physical..physical + size, address: addresses.start, mapping }
            }));
        }
    }
    if pieces.iter().all(|piece| piece.mapping.shared)
        && let Some(memory) = shared_file::by_process(pid, &pieces)?
    {
        return Ok(memory);
    }
    private(pid, &pieces)
}

/// The memory by way of `/proc/PID/mem`.
fn private(pid: i32, pieces: &[Piece<'_>]) -> Result<GuestMemory> {
    let path = format!("/proc/{pid}/mem");
    let (file, read_only) = open(Path::new(&path)).map_err(|source| Error::ProcessAccess {
        action: "open the memory",
        pid,
        source,
    })?;
    let file = Arc::new(file);
    let extent = |piece: &Piece<'_>| Extent {
        physical: piece.physical.clone(),
        offset: piece.address,
        file: Arc::clone(&file),
    };
    let extents = pieces.iter().map(extent).collect();
    let memory = GuestMemory::new(
        Backing::Private,
        extents,
        read_only,
        format!("private memory of QEMU (process {pid})"),
    )?;
    // A private mapping of a file has data also where the process has touched nothing.
    let anonymous = pieces.iter().all(|piece| piece.mapping.inode == 0);
    let page_map = anonymous.then(|| File::open(format!("/proc/{pid}/pagemap")).ok()).flatten();
    Ok(memory.with_page_map(page_map))
}

/// Opens a file for reading and, if that is permitted, writing; with the reason if it is not.
pub(super) fn open(path: &Path) -> io::Result<(File, Option<io::ErrorKind>)> {
    match File::options().read(true).write(true).open(path) {
        Ok(file) => Ok((file, None)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            File::open(path).map(|file| (file, Some(error.kind())))
        }
        Err(error) => Err(error),
    }
}

/// The process that runs the guest. It is the one that has the guest's first CPU as a thread. The peer of
/// the socket need not be it: libvirt makes the socket and hands it to QEMU.
fn find(qmp: &mut Qmp) -> Result<i32> {
    let peer = qmp.peer();
    let thread = qmp.cpus()?.first().map(|cpu| cpu.thread);
    let Some(thread) = thread.filter(|thread| *thread > 0) else {
        return peer.ok_or(Error::NoProcess { peer });
    };
    if let Some(pid) = peer.filter(|pid| Path::new(&format!("/proc/{pid}/task/{thread}")).exists()) {
        return Ok(pid);
    }
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    // In another PID namespace the number may be that of any process, so be sure that it is a QEMU.
    let is_qemu = |pid: &i32| {
        std::fs::read_link(format!("/proc/{pid}/exe"))
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().contains("qemu")))
            .unwrap_or(false)
    };
    group.filter(is_qemu).ok_or(Error::NoProcess { peer })
}
