// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel's type information (BTF): from the running kernel, from an image of the same release and version, or from a file
//! that the user names.

use std::path::Path;

use gpufas_kernel::Types;
use object::{Object, ObjectSection};

use super::{Kernel, boot_image, build_id};
use crate::error::{Error, Result};

/// Largest file that is read.
const LARGEST_FILE: u64 = 1 << 30;

/// The section that holds it.
const SECTION: &str = ".BTF";

/// Reads type information from a file: BTF as it is (`/sys/kernel/btf/vmlinux`), an ELF file with a section of it, or a bootable
/// image.
///
/// # Errors
///
/// [`Error::Read`]; [`Error::Input`] for a file that has none, or none that is understood.
pub fn read(path: &Path) -> Result<Types> {
    let not = |reason: String| Error::Input { path: path.display().to_string(), reason };
    let metadata = path.metadata().map_err(Error::read(path))?;
    if !metadata.is_file() {
        return Err(not("it is no regular file".into()));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(not(format!("it is larger than {} MiB", LARGEST_FILE >> 20)));
    }
    let file = std::fs::read(path).map_err(Error::read(path))?;
    let types = if boot_image::is_one(&file) {
        let kernel = boot_image::whole(&file).ok_or_else(|| {
            not("the kernel in it cannot be unpacked; is the tool for its compression (xz, zstd, lz4, ...) installed?".into())
        })?;
        in_elf(&kernel).ok_or_else(|| not("the kernel in it has no type information (.BTF)".into()))?
    } else if file.starts_with(b"\x7fELF") {
        in_elf(&file).ok_or_else(|| not("it has no type information (.BTF)".into()))?
    } else {
        file
    };
    Types::parse(types).map_err(|error| not(error.to_string()))
}

/// The type information of a kernel, if it can be found on this machine.
pub fn find(kernel: &Kernel) -> Option<Types> {
    let (identity, folders) = (&kernel.identity, kernel.folders());
    // Without a version there is no telling whether an image is of the same build.
    let version = identity.version.as_deref()?;
    if build_id::is_running(identity, version)
        && let Some(types) =
            std::fs::read("/sys/kernel/btf/vmlinux").ok().and_then(|types| Types::parse(types).ok())
    {
        return Some(types);
    }
    let of_image = |image: &Path| {
        image.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= LARGEST_FILE)?;
        let file = std::fs::read(image).ok()?;
        build_id::names_itself(&file, identity, version).then_some(())?;
        in_elf(&file)
    };
    let images = build_id::images(identity, &folders);
    let found = images.iter().find_map(|image| of_image(image)).or_else(|| {
        build_id::boot_images(identity, &folders).iter().find_map(|image| {
            build_id::remembered("btf", image, version, || {
                in_elf(&boot_image::kernel(image, identity, version)?)
            })
        })
    });
    found.and_then(|types| Types::parse(types).ok())
}

fn in_elf(file: &[u8]) -> Option<Vec<u8>> {
    let file = object::File::parse(file).ok()?;
    let data = file.section_by_name(SECTION)?.data().ok()?;
    Some(data.to_owned())
}
