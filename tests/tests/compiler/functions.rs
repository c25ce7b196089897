// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel functions that programs have in a version of their own are those that the compiler knows of.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use gpufas_tests::releases;

use crate::scratch::{Scratch, finish};

/// The compiler's list.
const FILES: &[(&str, &[&str])] = include!("../../../src/kernel_functions/table.rs");

#[test]
fn each_function_that_is_defined_for_some_kernel_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/include/gpufas/functions");
    let mut missing = BTreeSet::new();
    let mut defined = BTreeSet::new();
    for spec in releases::kernels() {
        let kernel = spec.fetch(&|_| {}).unwrap();
        for (file, names) in FILES {
            let mut command = Command::new(gpufas_tests::tools::tool("GPUFAS_CC").unwrap());
            command.arg("--kernel-headers").arg(&kernel.headers);
            command.args([
                "-c",
                "--emit",
                "llvm-ir",
                "-Werror",
                "-DGPUFAS_LOCKS_CHECK",
                "-DGPUFAS_TARGET_HOST",
            ]);
            let output = command.arg(folder.join(file)).args(["-o", "-"]).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{file} for {}: {errors}", kernel.release);
            let ir = String::from_utf8_lossy(&output.stdout);
            for line in ir.lines().filter(|line| line.starts_with("define ")) {
                let name = line.split_once("@gpufas_kernel_").and_then(|(_, rest)| rest.split_once('('));
                let Some((name, _)) = name else { continue };
                defined.insert(name.to_owned());
                if !names.contains(&name) {
                    missing.insert(format!("{name} of {file}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "not listed: {missing:?}");
    assert!(defined.len() > 100, "only {defined:?}");
    // Some are of old kernels only.
    if releases::is_matrix() {
        let listed = FILES.iter().flat_map(|(_, names)| *names);
        let gone: Vec<_> = listed.filter(|name| !defined.contains(**name)).collect();
        assert!(gone.is_empty(), "defined for no kernel: {gone:?}");
    }
}

/// A program that takes a lock and calls a function of lib/bitmap.c.
const CALLS: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/bitmap.h>\n\
    #include <linux/spinlock.h>\n\
    GPUFAS_ENTRY(calls, \"test\", u64, address)\n\
    {\n\
    \tspinlock_t *lock = (void *)address;\n\
    \tunsigned long map[4] = { address };\n\
    \tspin_lock(lock);\n\
    \tspin_unlock(lock);\n\
    \treturn __bitmap_weight(map, 256);\n\
    }\n";

#[test]
fn they_are_linked_to_bitcode_too() {
    let scratch = Scratch::new();
    scratch.write("calls.c", CALLS);
    scratch.for_host(&["-c", "calls.c", "-o", "calls.o"]).succeeds();
    // Nothing but the bitcode says which kernel it is.
    finish(&mut scratch.bare(&["calls.o", "-o", "calls.so", "--target", "host"]), b"").succeeds();
}

#[test]
fn what_locks_mean_is_the_same_in_all_of_a_program() {
    let scratch = Scratch::new();
    scratch.write("calls.c", CALLS);
    scratch.for_host(&["-c", "calls.c", "-o", "calls.o", "--locks", "take"]).succeeds();
    let link = ["calls.o", "-o", "calls.so"];
    scratch.for_host(&link).fails(1, &["compiled with --locks take", "linked with --locks check"]);
    scratch.for_host(&[&link[..], &["--locks", "take"]].concat()).succeeds();
    // What is not said is said, too; also where no lock is taken, and whichever part comes first.
    scratch.write("other.c", "int nothing(void) { return 0; }\n");
    scratch.for_host(&["-c", "other.c", "-o", "other.o"]).succeeds();
    for inputs in [["calls.o", "other.o"], ["other.o", "calls.o"]] {
        for (linked, compiled) in [("check", "take"), ("take", "check")] {
            let locks = ["-o", "calls.so", "--locks", linked];
            let said =
                [&*format!("compiled with --locks {compiled}"), &*format!("linked with --locks {linked}")];
            scratch.for_host(&[&inputs[..], &locks].concat()).fails(1, &said);
        }
    }
}

/// A program that takes a lock of which readers count themselves on their own CPUs, in each way that there is.
const READERS: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/percpu-rwsem.h>\n\
    #include <linux/version.h>\n\
    GPUFAS_ENTRY(readers, \"test\", u64, address)\n\
    {\n\
    \tstruct percpu_rw_semaphore *lock = (void *)address;\n\
    \tpercpu_down_read(lock);\n\
    \tpercpu_up_read(lock);\n\
    #if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)\n\
    \tpercpu_down_read_freezable(lock, true);\n\
    \tpercpu_up_read(lock);\n\
    #endif\n\
    \treturn percpu_down_read_trylock(lock);\n\
    }\n";

#[test]
fn counts_of_readers_are_a_matter_of_locks_on_every_kernel() {
    let scratch = Scratch::new();
    scratch.write("readers.c", READERS);
    for spec in releases::kernels() {
        let headers = spec.fetch(&|_| {}).unwrap().headers;
        let ir = |locks: &str| {
            let arguments =
                ["readers.c", "--target", "host", "--emit", "llvm-ir", "-o", "-", "--locks", locks];
            let mut command = scratch.bare(&arguments);
            finish(command.arg("--kernel-headers").arg(&headers), b"")
        };
        let changes =
            |ir: &str| ir.contains("@gpufas_translate_store(") || ir.contains("@gpufas_translate_atomic(");
        assert!(!changes(&ir("check").succeeds().text()), "{}", spec.name);
        assert!(changes(&ir("take").succeeds().text()), "{}", spec.name);
        ir("refuse").fails(1, &["--locks refuse makes an error"]);
    }
}
