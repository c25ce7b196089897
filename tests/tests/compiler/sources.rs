// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own sources, compiled along.

use std::path::PathBuf;
use std::sync::OnceLock;

use gpufas::program::Program;
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
fn a_program_includes_headers_that_lie_beside_the_kernels_sources() {
    let scratch = Scratch::new();
    // Who called a function is nobody of the running kernel: tracepoints in these headers would tell.
    scratch.write(
        "p.c",
        "#include <gpufas/gpufas.h>\n#include \"kernel/sched/sched.h\"\n\
         unsigned long caller(struct rq *rq)\n{\n\treturn rq->nr_running ? _RET_IP_ : 1;\n}\n",
    );
    scratch.for_host(&["-c", "p.c"]).fails(1, &["'kernel/sched/sched.h' file not found"]);
    let text = compile(&scratch, &["-c", "p.c", "--emit", "llvm-ir", "-o", "-"]).succeeds().text();
    assert!(text.contains("@caller(") && !text.contains("returnaddress"), "{text}");
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

/// A program that compiles a file of the kernel along.
const SORTS: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/list.h>\n\
    #include <linux/list_sort.h>\n\
    #include <linux/oom.h>\n\
    static int order(void *priv, const struct list_head *a, const struct list_head *b)\n\
    {\n\
    \treturn a < b;\n\
    }\n\
    GPUFAS_ENTRY(sorts, \"test\", unsigned long, list)\n\
    {\n\
    \tlist_sort(NULL, (struct list_head *)list, order);\n\
    \treturn 0;\n\
    }\n";

#[test]
fn a_function_that_is_missing_is_named_with_the_file_that_defines_it() {
    let scratch = Scratch::new();
    scratch.write("sorts.c", SORTS);
    compile(&scratch, &["sorts.c", "-o", "sorts.so"])
        .fails(1, &["sorts.c:11", "call of `list_sort`, which is not defined", "lib/list_sort.c defines it"]);
    compile(&scratch, &["sorts.c", &source("lib/list_sort.c"), "-o", "sorts.so"]).succeeds();
}

#[test]
fn what_a_source_defines_is_looked_up_in_the_running_kernel() {
    let scratch = Scratch::new();
    scratch.write(
        "taint.c",
        "#include <gpufas/gpufas.h>\n\
        #include <linux/kernel.h>\n\
        GPUFAS_ENTRY(taint, \"test\") { return get_taint() + panic_timeout; }\n",
    );
    let symbols = |arguments: &[&str]| {
        let panic = source("kernel/panic.c");
        compile(&scratch, &[&["taint.c", panic.as_str(), "-o", "taint.so"], arguments].concat()).succeeds();
        let program = Program::read(&scratch.path().join("taint.so")).unwrap();
        let variant = &program.manifest().variants[0];
        (variant.symbols.clone(), variant.contents.clone())
    };
    let (found, contents) = symbols(&[]);
    assert_eq!(found, ["kernel/panic.c:tainted_mask", "panic_timeout"]);
    // What tells its variable from another file's of that name.
    let [contents] = contents.as_slice() else { panic!("{contents:?}") };
    assert_eq!(contents.file, "kernel/panic.c");
    assert!(contents.names.iter().any(|name| name == "tainted_mask"), "{contents:?}");
    assert_eq!(symbols(&["--own", "tainted_mask"]).0, ["panic_timeout"]);
    assert!(symbols(&["--own", "kernel/panic.c:*"]).0.is_empty());
    assert_eq!(symbols(&["--own", "*", "--kernel-symbol", "panic*"]).0, ["panic_timeout"]);
}
