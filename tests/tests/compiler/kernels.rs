// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the compiler finds out about a kernel.

use std::ffi::OsStr;
use std::path::Path;

use crate::scratch::{Scratch, kernel, llvm};
use gpufas::program::Program;

fn build_id(scratch: &Scratch, headers: &Path) -> Option<String> {
    let mut command = scratch.bare(&["a.c", "b.c", "--target", "host", "-o", "p.so"]);
    crate::scratch::finish(command.arg("--kernel-headers").arg(headers), b"").succeeds();
    Program::read(&scratch.path().join("p.so")).unwrap().manifest().variants[0].kernel.build_id.clone()
}

#[test]
fn release_and_version_come_from_the_headers() {
    let scratch = Scratch::with_program();
    scratch.for_host(&["a.c", "b.c", "-o", "p.so"]).succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let found = &program.manifest().variants[0].kernel;
    assert_eq!(found.release, kernel().release);
    assert!(found.version.as_ref().is_some_and(|version| version.starts_with("#1 SMP")), "{found:?}");
    // The image lies beside the headers.
    let id = found.build_id.as_ref().expect("no build id");
    assert!(id.len() == 40 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    let mut other = scratch.command(&["a.c", "--kernel", "9.9.9"]);
    crate::scratch::finish(&mut other, b"").fails(1, &["9.9.9", &kernel().release]);
}

#[test]
fn a_vmlinux_in_the_build_folder_says_the_build_id_if_it_is_of_the_same_build() {
    let scratch = Scratch::with_program();
    // A build folder of its own: nothing lies beside it.
    let root = tempfile::tempdir().unwrap();
    let build = root.path().join("a/b/build");
    std::fs::create_dir_all(&build).unwrap();
    for entry in std::fs::read_dir(&kernel().headers).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "Makefile" {
            std::os::unix::fs::symlink(entry.path(), build.join(entry.file_name())).unwrap();
        }
    }
    std::os::unix::fs::symlink(&kernel().common_headers, build.join("source")).unwrap();
    scratch.for_host(&["a.c", "b.c", "-o", "p.so"]).succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let version = program.manifest().variants[0].kernel.version.clone().unwrap();
    let link = |version: &str, id: &str| {
        let banner = format!("Linux version {} (someone) (clang) {version}\\0A", kernel().release);
        let source = format!(
            "target triple = \"x86_64-linux-gnu\"\n@_start = constant [{} x i8] c\"{banner}\\00\", section \".rodata\"\n",
            banner.len() - 2 + 1
        );
        scratch.write("vmlinux.ll", source);
        let (text, object, image) =
            (scratch.path().join("vmlinux.ll"), scratch.path().join("vmlinux.o"), build.join("vmlinux"));
        llvm("llc", &["-filetype=obj".as_ref(), "-o".as_ref(), object.as_os_str(), text.as_os_str()]);
        let id = format!("--build-id=0x{id}");
        llvm("ld.lld", &[OsStr::new(&id), "-o".as_ref(), image.as_os_str(), object.as_os_str()]);
    };
    link(&version, "0123456789abcdef");
    assert_eq!(build_id(&scratch, &build).as_deref(), Some("0123456789abcdef"));
    link("#1 SMP of another day", "fedcba9876543210");
    assert_ne!(build_id(&scratch, &build).as_deref(), Some("fedcba9876543210"));
}
