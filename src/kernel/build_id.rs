// SPDX-License-Identifier: MIT OR Apache-2.0

//! The GNU build id of the kernel that headers belong to.
//!
//! Headers do not say it; an image of the same build does. Looked at, in this order: what the running kernel says of itself;
//! `vmlinux` in a build folder, from a package with debug information or in /boot; the bootable image in /boot, among the
//! modules, beside headers that were unpacked elsewhere, or among the kernels that tests have fetched. An image counts only if it names the release and the version
//! that the headers name: packages of one release are built more than once. A bootable image must be unpacked for that,
//! which takes about a second; the result is kept in the user's cache folder.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gpufas_abi::manifest::Kernel as ManifestKernel;
use object::{Object, ObjectSection, ReadCache};

use super::boot_image;
use gpufas_kernel::cache;

/// Uncompressed images, `{}` being the release.
const IMAGES: &[&str] =
    &["/usr/lib/debug/boot/vmlinux-{}", "/usr/lib/debug/lib/modules/{}/vmlinux", "/boot/vmlinux-{}"];

/// Bootable images.
const BOOT_IMAGES: &[&str] = &["boot/vmlinuz-{}", "lib/modules/{}/vmlinuz", "usr/lib/modules/{}/vmlinuz"];

/// Largest section of a `vmlinux` that is read: its constants, of which there are about 20 MiB.
const LARGEST_SECTION: u64 = 256 << 20;

/// The build id in lower-case hexadecimal, where it is known. `folders` are those of the headers.
pub fn find(kernel: &ManifestKernel, folders: &[&Path]) -> Option<String> {
    // Without a version there is no telling whether an image is of the same build.
    let version = kernel.version.as_deref()?;
    if let Some(found) = running(kernel, version) {
        return Some(found);
    }
    let found = images(kernel, folders).into_iter().find_map(|image| in_vmlinux(&image, kernel, version));
    found.or_else(|| {
        boot_images(kernel, folders).into_iter().find_map(|image| {
            let text = remembered("build-id", &image, version, || {
                boot_image::build_id(&image, kernel, version).map(String::into_bytes)
            })?;
            String::from_utf8(text).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))
        })
    })
}

/// Where a `vmlinux` of the kernel may be.
pub fn images(kernel: &ManifestKernel, folders: &[&Path]) -> Vec<PathBuf> {
    let built = folders.iter().map(|folder| folder.join("vmlinux"));
    let installed = IMAGES.iter().map(|place| PathBuf::from(place.replace("{}", &kernel.release)));
    built.chain(installed).collect()
}

/// Where a bootable image of the kernel may be.
pub fn boot_images(kernel: &ManifestKernel, folders: &[&Path]) -> Vec<PathBuf> {
    // The root of whatever the headers were unpacked into has them in usr/src/NAME.
    let unpacked = folders.iter().filter_map(|folder| folder.ancestors().nth(3).map(Path::to_owned));
    let fetched = cache::folder().map(|folder| folder.join("kernels").join(&kernel.release));
    let roots = std::iter::once(PathBuf::from("/")).chain(unpacked).chain(fetched);
    roots
        .flat_map(|root| BOOT_IMAGES.iter().map(move |place| root.join(place.replace("{}", &kernel.release))))
        .collect()
}

/// What the running kernel says of itself, if it is the one.
fn running(kernel: &ManifestKernel, version: &str) -> Option<String> {
    if !is_running(kernel, version) {
        return None;
    }
    in_notes(&std::fs::read("/sys/kernel/notes").ok()?)
}

/// Whether a kernel is the running one.
pub fn is_running(kernel: &ManifestKernel, version: &str) -> bool {
    let says = |name: &str, text: &str| {
        std::fs::read_to_string(format!("/proc/sys/kernel/{name}"))
            .is_ok_and(|found| found.trim_end() == text)
    };
    says("osrelease", &kernel.release) && says("version", version)
}

/// The build id in an uncompressed image.
fn in_vmlinux(image: &Path, kernel: &ManifestKernel, version: &str) -> Option<String> {
    let cache = ReadCache::new(std::fs::File::open(image).ok()?);
    let file = object::File::parse(&cache).ok()?;
    let constants = file.section_by_name(".rodata").filter(|section| section.size() <= LARGEST_SECTION)?;
    if !names_itself(constants.data().ok()?, kernel, version) {
        return None;
    }
    file.build_id().ok().flatten().map(hexadecimal)
}

/// Whether there is a text like `linux_banner` of init/version.c: `Linux version RELEASE (BUILDER) (COMPILER) VERSION`.
pub fn names_itself(constants: &[u8], kernel: &ManifestKernel, version: &str) -> bool {
    let start = format!("Linux version {} (", kernel.release);
    let end = format!(") {version}\n");
    memchr::memmem::find_iter(constants, start.as_bytes()).any(|at| {
        let text = &constants[at..constants.len().min(at + 1024)];
        let line = memchr::memchr(b'\n', text).and_then(|newline| text.get(..=newline));
        line.is_some_and(|line| line.ends_with(end.as_bytes()))
    })
}

/// What is found in a bootable image, which is unpacked once only. `what` names the folder in the cache.
pub fn remembered(
    what: &str,
    image: &Path,
    version: &str,
    find: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let metadata = image.metadata().ok()?;
    let mut hasher = DefaultHasher::new();
    (image, metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino(), version)
        .hash(&mut hasher);
    let memory = cache::folder().map(|folder| folder.join(format!("{what}/{:016x}", hasher.finish())));
    let known = memory.as_deref().and_then(|memory| std::fs::read(memory).ok());
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        return Some(known);
    }
    let found = find();
    if let (Some(memory), Some(found)) = (memory, &found) {
        // What is not remembered is found again.
        let _ = memory.parent().map(std::fs::create_dir_all);
        let _ = crate::output::write(&memory, found);
    }
    found
}

/// Looks for the GNU build id in a sequence of ELF notes of a little-endian machine (`NT_GNU_BUILD_ID` is 3).
pub fn in_notes(notes: &[u8]) -> Option<String> {
    let number = |at: usize| {
        let bytes = notes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let mut at = 0_usize;
    loop {
        let (name_size, size, kind) = (number(at)?, number(at.checked_add(4)?)?, number(at.checked_add(8)?)?);
        let name = at.checked_add(12)?;
        let content = name.checked_add(name_size.checked_next_multiple_of(4)?)?;
        let end = content.checked_add(size)?;
        let bytes = notes.get(content..end)?;
        if kind == 3 && notes.get(name..name.checked_add(name_size)?) == Some(b"GNU\0") && !bytes.is_empty() {
            return Some(hexadecimal(bytes));
        }
        at = content.checked_add(size.checked_next_multiple_of(4)?)?;
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn kernel() -> ManifestKernel {
        ManifestKernel {
            release: "6.1.0-1-amd64".into(),
            version: Some("#1 SMP Debian".into()),
            build_id: None,
        }
    }

    pub fn note(kind: u32, name: &[u8], content: &[u8]) -> Vec<u8> {
        let sizes = [name.len() as u32, content.len() as u32, kind];
        let mut note: Vec<u8> = sizes.iter().flat_map(|number| number.to_le_bytes()).collect();
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_note_is_found_among_others_and_nothing_in_rubbish() {
        let mut notes = note(1, b"Xen\0", b"abcde");
        notes.extend(note(3, b"Linux\0", b"no"));
        notes.extend(note(3, b"GNU\0", &[0xab, 0x01]));
        assert_eq!(in_notes(&notes).as_deref(), Some("ab01"));
        for length in 0..notes.len() - 2 {
            assert_eq!(in_notes(&notes[..length]), None);
        }
        assert_eq!(in_notes(&[0xff; 64]), None);
        assert_eq!(in_notes(&[0; 64]), None);
    }

    #[test]
    fn an_image_must_be_of_the_same_release_and_version() {
        let banner = b"xxLinux version 6.1.0-1-amd64 (builder) (gcc, GNU ld) #1 SMP Debian\n\0";
        let mut other = kernel();
        assert!(names_itself(banner, &other, "#1 SMP Debian"));
        assert!(!names_itself(banner, &other, "#1 SMP"));
        assert!(!names_itself(banner, &other, "SMP Debian"));
        other.release.push('0');
        assert!(!names_itself(banner, &other, "#1 SMP Debian"));
    }
}
