// SPDX-License-Identifier: MIT OR Apache-2.0

//! The types of a kernel as its bootable image has them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gpufas_kernel::Types;
use object::{Object, ObjectSection};

/// What unpacks the payload of an image, by how it begins; Debian's kernels use these.
const COMPRESSIONS: &[(&[u8], &[&str])] = &[
    (b"\xfd7zXZ\0", &["xz", "-dc", "--single-stream"]),
    (b"\x28\xb5\x2f\xfd", &["zstd", "-dcq"]),
    (b"\x02\x21\x4c\x18", &["lz4", "-dc"]),
    (b"\x1f\x8b", &["gzip", "-dc"]),
];

/// Reads the types of the kernel in a bootable image (Documentation/arch/x86/boot.rst).
///
/// # Errors
///
/// If it is no such image, or has no types.
pub fn read(image: &Path) -> Result<Types> {
    let file = std::fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let sectors = match *file.get(0x1f1).context("not an image")? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (sectors + 1) * 512 + word(0x248).context("not an image")?;
    let payload =
        file.get(start..start + word(0x24c).context("not an image")?).context("the image is cut off")?;
    let (_, tool) = COMPRESSIONS
        .iter()
        .find(|(magic, _)| payload.starts_with(magic))
        .context("the image is packed in an unknown way")?;
    let mut child = Command::new(tool[0])
        .args(&tool[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    let kernel = std::thread::scope(|scope| {
        // The last bytes are not of the packed kernel; the tool may not want them.
        scope.spawn(move || drop(input.write_all(payload)));
        child.wait_with_output()
    })?
    .stdout;
    ensure!(!kernel.is_empty(), "{} unpacks nothing", tool[0]);
    let elf = object::File::parse(kernel.as_slice())?;
    let types = elf.section_by_name(".BTF").context("the kernel has no types")?;
    Ok(Types::parse(types.data()?.to_owned())?)
}
