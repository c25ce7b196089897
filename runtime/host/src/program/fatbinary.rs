// SPDX-License-Identifier: MIT OR Apache-2.0

//! A CUDA fatbinary with a manifest behind it.

use gpufas_abi::symbols::MANIFEST_MAGIC;
use std::ops::Range;

/// First bytes of a fatbinary: `FATBIN_MAGIC` 0xba55ed50, of `fatBinaryHeader` in CUDA's
/// fatbinary_section.h. Behind it: version and size of the header as `u16`, size of the rest as `u64`.
const MAGIC: [u8; 4] = 0xba55_ed50_u32.to_le_bytes();

/// Size of the header's known part, in bytes.
const HEADER: usize = 16;

/// The ranges of the file with NVIDIA's containers, and with the manifest.
type Parts = (Vec<Range<usize>>, Range<usize>);

/// The parts of a fatbinary; none if it is none.
pub(super) fn split(file: &[u8]) -> Option<Result<Parts, String>> {
    file.starts_with(&MAGIC).then(|| split_file(file).map_err(Into::into))
}

fn split_file(file: &[u8]) -> Result<Parts, &'static str> {
    let truncated = "its manifest is truncated";
    let mut containers = vec![container(file, 0)?];
    let before_magic =
        file.strip_suffix(&MANIFEST_MAGIC).ok_or("it has no manifest; make it with gpufas-cc")?;
    let (before_size, size) = before_magic.split_last_chunk().ok_or(truncated)?;
    let size = usize::try_from(u64::from_le_bytes(*size)).map_err(|_| truncated)?;
    let start = before_size.len().checked_sub(size).ok_or(truncated)?;
    let mut end = containers[0].end;
    // The compiler dresses the manifest as a container, which reaches to the end of the file.
    while file.get(end..start).is_some_and(|rest| rest.starts_with(&MAGIC)) {
        let next = container(file, end)?;
        end = next.end;
        if end > start {
            break;
        }
        containers.push(next);
    }
    if containers[0].end > start {
        return Err("its fatbinary is truncated");
    }
    Ok((containers, start..before_size.len()))
}

/// The range of the container that begins at `start`.
fn container(file: &[u8], start: usize) -> Result<Range<usize>, &'static str> {
    let truncated = "its fatbinary is truncated";
    let header = file.get(start..).and_then(|rest| rest.first_chunk::<HEADER>()).ok_or(truncated)?;
    let header_size = u16::from_le_bytes([header[6], header[7]]);
    let body = header[8..].try_into().map(u64::from_le_bytes).map_err(|_| truncated)?;
    let body = usize::try_from(body).map_err(|_| truncated)?;
    if usize::from(header_size) < HEADER {
        return Err("its fatbinary has a header of an unknown kind");
    }
    let size = usize::from(header_size).checked_add(body).ok_or(truncated)?;
    let end = start.checked_add(size).filter(|end| *end <= file.len()).ok_or(truncated)?;
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fatbinary(body: &[u8], manifest: &[u8]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend([1, 0, 16, 0]);
        file.extend((body.len() as u64).to_le_bytes());
        file.extend(body);
        file.extend(manifest);
        file.extend((manifest.len() as u64).to_le_bytes());
        file.extend(MANIFEST_MAGIC);
        file
    }

    #[test]
    fn container_and_manifest_are_told_apart() {
        let file = fatbinary(b"code", b"{}");
        let (containers, manifest) = split(&file).unwrap().unwrap();
        assert!(containers.len() == 1 && containers[0] == (0..20) && manifest == (20..22));
        let mut two = file[..20].to_vec();
        two.extend(&file);
        assert_eq!(split(&two), Some(Ok((vec![0..20, 20..40], 40..42))));
    }

    #[test]
    fn what_is_cut_off_is_noticed() {
        let file = fatbinary(b"code", b"{}");
        for length in 4..file.len() {
            assert!(split(&file[..length]).unwrap().is_err(), "{length} bytes");
        }
        assert_eq!(split(b"\x7fELF"), None);
    }

    #[test]
    fn sizes_beyond_the_file_are_noticed() {
        let mut file = fatbinary(b"code", b"{}");
        file[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(split(&file).unwrap().is_err());
        let mut file = fatbinary(b"code", b"{}");
        let at = file.len() - 24;
        file[at..at + 8].copy_from_slice(&3u64.to_le_bytes());
        assert!(split(&file).unwrap().is_err(), "the manifest reaches into the code");
    }

    proptest! {
        #[test]
        fn any_header_is_survived(header: [u8; 12], rest: Vec<u8>, size: u64) {
            let mut file = MAGIC.to_vec();
            file.extend(header);
            file.extend(rest);
            file.extend(size.to_le_bytes());
            file.extend(MANIFEST_MAGIC);
            if let Some(Ok((containers, manifest))) = split(&file) {
                prop_assert!(containers.iter().all(|container| container.end <= manifest.start));
                prop_assert!(!containers.is_empty() && manifest.end <= file.len());
            }
        }
    }
}
