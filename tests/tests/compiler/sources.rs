// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own sources, compiled along.

use std::path::PathBuf;
use std::sync::OnceLock;

use gpufas_guest::kernels;

use crate::scratch::{Outcome, Scratch};

/// The sources of the kernel that programs are compiled for.
fn tree() -> &'static PathBuf {
    static TREE: OnceLock<PathBuf> = OnceLock::new();
    TREE.get_or_init(|| kernels::find("6.1").and_then(|kernel| kernel.source(&|_| {})).expect("no sources"))
}

/// A file of the tree, as an argument.
fn source(path: &str) -> String {
    tree().join(path).display().to_string()
}

/// Compiles for the host with the kernel's sources at hand.
fn compile(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let tree = tree().display().to_string();
    scratch.for_host(&[&["--kernel-source", tree.as_str()], arguments].concat())
}

#[test]
fn internal_headers_and_generated_files_are_found() {
    let scratch = Scratch::new();
    // By the name alone, from the folder of the source, from arch/x86, from the top, and from what the build makes.
    for file in [
        "kernel/sched/fair.c",
        "mm/oom_kill.c",
        "arch/x86/kernel/dumpstack.c",
        "lib/crc32.c",
        "lib/oid_registry.c",
    ] {
        compile(&scratch, &["-c", &source(file), "-o", "made.o"]).succeeds();
    }
}

#[test]
fn each_source_has_the_names_that_kbuild_gives_it() {
    let scratch = Scratch::new();
    let text = compile(&scratch, &["-###", "-c", &source("lib/list_sort.c")]).messages;
    for define in [
        "KBUILD_BASENAME=\"list_sort\"",
        "KBUILD_MODFILE=\"lib/list_sort\"",
        "__KBUILD_MODNAME=kmod_list_sort",
    ] {
        assert!(text.contains(define), "{define}: {text}");
    }
    scratch.write("mine.c", "int x;\n");
    let text = compile(&scratch, &["-###", "-c", "mine.c"]).messages;
    assert!(text.contains("KBUILD_BASENAME=\"gpufas\"") && !text.contains("kmod_"), "{text}");
}

#[test]
fn sources_of_another_kernel_are_refused() {
    let scratch = Scratch::with_program();
    for folder in ["kernel/sched", "include/linux"] {
        std::fs::create_dir_all(scratch.path().join("tree").join(folder)).unwrap();
    }
    scratch.write("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n");
    scratch
        .for_host(&["--kernel-source", "tree", "-c", "a.c"])
        .fails(1, &["Linux 6.1.1,", "are of Linux 6.1."]);
    scratch.for_host(&["--kernel-source", ".", "-c", "a.c"]).fails(1, &["holds no kernel sources"]);
    scratch.for_host(&["--kernel-source", "absent", "-c", "a.c"]).fails(1, &["absent"]);
}
