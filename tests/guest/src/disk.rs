// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest's virtio disks: one to swap to, one with a file system, one that is slow.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::error::{Error, Result};

/// What a disk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Swap space of that many MiB, which the guest uses from the start.
    Swap(u32),
    /// An ext4 file system, mounted at `/disk`.
    Files,
    /// A disk that gives a page in some seconds, once its first MiB was read.
    Slow,
}

/// The modules of Debian's kernels that a disk needs, with those that they need. What a kernel has built in is no module.
pub const MODULES: &[&str] = &["virtio_pci", "virtio_blk"];

/// The same for its file system: ext4 asks for the checksum by name (`MODULE_SOFTDEP` in fs/ext4/super.c).
pub const FILE_SYSTEM_MODULES: &[&str] = &["crc32c_generic", "crc32c-cryptoapi", "ext4"];

/// All of them.
pub const ALL_MODULES: [&[&str]; 2] = [MODULES, FILE_SYSTEM_MODULES];

/// The size of the disk with the file system, and of the slow one, in MiB.
const SIZE_MIB: u32 = 32;

/// The bytes of the slow disk that can be read in a second, and those that can be read before that counts: the
/// kernel looks for partitions first.
const SLOW: (u32, u32) = (1 << 10, 4 << 20);

const PAGE: u64 = 4096;

impl Disk {
    /// The guest's device file, of the disk with that number.
    pub fn device(number: usize) -> String {
        // 26 disks are more than QEMU has slots for.
        format!("/dev/vd{}", char::from(b'a' + (number % 26) as u8))
    }

    /// Makes the image in a folder, and says what QEMU is to be told.
    pub(crate) fn make(self, number: usize, folder: &Path) -> Result<Vec<String>> {
        let path = folder.join(format!("disk{number}"));
        let size = match self {
            Self::Swap(mib) => mib,
            Self::Files | Self::Slow => SIZE_MIB,
        };
        let file = File::create(&path).map_err(Error::file("make", &path))?;
        file.set_len(u64::from(size) << 20).map_err(Error::file("enlarge", &path))?;
        let throttling = match self {
            Self::Swap(mib) => {
                write_swap_header(&file, mib).map_err(Error::file("write", &path))?;
                String::new()
            }
            Self::Files => {
                cache::run(Command::new(mke2fs()).args(["-q", "-t", "ext4", "-F"]).arg(&path))?;
                String::new()
            }
            Self::Slow => format!(",throttling.bps-read={},throttling.bps-read-max={}", SLOW.0, SLOW.1),
        };
        let path = path.display().to_string().replace(',', ",,");
        Ok(vec![
            "-drive".into(),
            format!("if=none,id=disk{number},format=raw,file={path}{throttling}"),
            "-device".into(),
            format!("virtio-blk-pci,drive=disk{number}"),
        ])
    }
}

/// The program that makes file systems. Debian keeps it where only root's PATH leads.
fn mke2fs() -> PathBuf {
    let known = ["/sbin/mke2fs", "/usr/sbin/mke2fs"].map(PathBuf::from);
    known.into_iter().find(|path| path.is_file()).unwrap_or_else(|| "mke2fs".into())
}

/// What mkswap(8) writes: `union swap_header` in include/linux/swap.h, in the first page.
fn write_swap_header(file: &File, mib: u32) -> std::io::Result<()> {
    let last_page = u32::try_from((u64::from(mib) << 20) / PAGE - 1).unwrap_or(u32::MAX);
    // Version, last page, number of bad pages; behind the boot block.
    for (number, word) in [1, last_page, 0].into_iter().enumerate() {
        file.write_all_at(&word.to_le_bytes(), 1024 + 4 * number as u64)?;
    }
    file.write_all_at(b"SWAPSPACE2", PAGE - 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_header_is_what_the_kernel_expects() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = Disk::Swap(2).make(1, folder.path()).unwrap();
        assert!(arguments[1].starts_with("if=none,id=disk1,format=raw,file="), "{arguments:?}");
        let bytes = std::fs::read(folder.path().join("disk1")).unwrap();
        assert_eq!(bytes.len(), 2 << 20);
        assert_eq!(bytes[1024..1036], [1, 0, 0, 0, 255, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[4086..4096], b"SWAPSPACE2");
    }
}
