// SPDX-License-Identifier: MIT OR Apache-2.0

//! `--emit header`: a kernel's types as a C header.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use gpufas::program::Program;
use gpufas_kernel::{Tag, Types};
use gpufas_tests::{releases, type_table};

use crate::scratch::{Scratch, finish, kernel};

/// Assertions on all structures and members that a type table has, and how many there are.
fn assertions(types: &Types) -> (String, usize) {
    let (mut text, mut count) = (String::new(), 0);
    // Those of one name are numbered; structures and unions share their names.
    let mut numbers: HashMap<(bool, String), u32> = HashMap::new();
    for structure in types.structures().unwrap() {
        let number = numbers.entry((structure.tag == Tag::Typedef, structure.name.clone())).or_default();
        *number += 1;
        let keyword = match structure.tag {
            Tag::Struct => "struct ",
            Tag::Union => "union ",
            Tag::Typedef => "",
        };
        let mut name = format!("{keyword}{}", structure.name);
        if *number > 1 {
            write!(name, "___{number}").unwrap();
        }
        writeln!(text, "_Static_assert(sizeof({name}) == {}, \"{name}\");", structure.size).unwrap();
        count += 1;
        for member in structure.members.iter().filter(|member| member.field.bits.is_none()) {
            let (path, offset, size) = (&member.path, member.field.offset, member.field.size);
            writeln!(
                text,
                "_Static_assert(__builtin_offsetof({name}, {path}) == {offset}, \"{name}.{path}\");"
            )
            .unwrap();
            if size != 0 {
                writeln!(text, "_Static_assert(sizeof((({name} *)0)->{path}) == {size}, \"{name}.{path}\");")
                    .unwrap();
            }
            count += 1;
        }
    }
    (text, count)
}

fn emit(scratch: &Scratch, image: &Path, more: &[&str]) {
    let mut command = scratch.bare(&["--emit", "header", "-o", "types.h", "--btf"]);
    finish(command.arg(image).args(more), b"").succeeds();
}

fn check_with_clang(scratch: &Scratch, source: &str) {
    let mut command = Command::new("clang-22");
    command.current_dir(scratch.path()).args(["--target=x86_64-linux-gnu", "-fsyntax-only", "-Wall", source]);
    finish(&mut command, b"").succeeds();
}

#[test]
fn every_structure_has_the_layout_of_the_kernel() {
    for spec in releases::kernels() {
        let kernel = spec.fetch(&|_| {}).unwrap();
        let scratch = Scratch::new();
        emit(&scratch, &kernel.vmlinuz, &[]);
        let (text, count) = assertions(&type_table::read(&kernel.vmlinuz).unwrap());
        assert!(count > 40_000, "only {count} structures and members in {}", kernel.release);
        scratch.write("a.c", format!("#include \"types.h\"\n{text}"));
        check_with_clang(&scratch, "a.c");
    }
}

#[test]
fn the_compiler_finds_no_difference_not_even_in_bit_fields() {
    let scratch = Scratch::new();
    emit(&scratch, &kernel().vmlinuz, &[]);
    scratch.write("a.c", "#include \"types.h\"\n");
    let outcome = scratch.compile(&["a.c", "--check-layout", "all"]).succeeds();
    let summary: serde_json::Value = serde_json::from_slice(&outcome.output).unwrap();
    assert!(summary["compared"].as_u64().unwrap() > 8000, "{summary}");
    assert_eq!(summary["different"], serde_json::json!([]));
}

/// Types of the scheduler's own header, and what of theirs no common header declares.
const RUN_QUEUE: &[&str] = &[
    "--type",
    "rq",
    "--type",
    "struct cfs_rq",
    "--type=rt_rq",
    "--type",
    "dl_rq",
    "--type",
    "rt_prio_array",
];

/// A program that uses it beside the kernel's own headers.
const PROGRAM: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/sched.h>\n\
    #include <linux/rcuwait.h>\n\
    #include <linux/stop_machine.h>\n\
    #include \"types.h\"\n\
    GPUFAS_ENTRY(go, \"test\", u64, address)\n\
    {\n\
    \tstruct rq *rq = (struct rq *)address;\n\
    \treturn rq->nr_running + rq->cfs.nr_running + rq->curr->pid;\n\
    }\n";

#[test]
fn types_that_no_header_has_go_beside_those_of_the_headers() {
    let scratch = Scratch::new();
    emit(&scratch, &kernel().vmlinuz, RUN_QUEUE);
    scratch.write("a.c", PROGRAM);
    scratch.for_host(&["a.c", "-o", "p.so"]).succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let structures = &program.manifest().variants[0].structures;
    let names: Vec<_> = structures.iter().map(|structure| structure.name.as_str()).collect();
    assert!(["rq", "cfs_rq", "task_struct"].iter().all(|name| names.contains(name)), "{names:?}");
    // It says what it takes to be declared.
    let header = String::from_utf8(scratch.read("types.h")).unwrap();
    assert!(header.contains(" *   struct rcuwait\n") && !header.contains("struct rcuwait {"), "{header}");
}

#[test]
fn what_other_headers_declare_differently_is_an_error() {
    let scratch = Scratch::new();
    emit(&scratch, &kernel().vmlinuz, &["--type", "rt_prio_array"]);
    let with = |list_head: &str| {
        scratch.write("a.c", format!("struct list_head {{ {list_head} }};\n#include \"types.h\"\n"));
        let mut command = Command::new("clang-22");
        finish(command.current_dir(scratch.path()).args(["-fsyntax-only", "a.c"]), b"")
    };
    with("struct list_head *next, *prev;").succeeds();
    with("struct list_head *next;").fails(1, &["struct rt_prio_array is not as in the kernel"]);
}

#[test]
fn what_makes_no_header_is_said() {
    let scratch = Scratch::with_program();
    let image = kernel().vmlinuz.to_str().unwrap();
    let fails = |arguments: &[&str], texts: &[&str]| {
        finish(&mut scratch.bare(arguments), b"").fails(1, texts);
    };
    fails(&["--emit", "header"], &["--btf FILE"]);
    fails(&["--emit", "header", "--btf", image, "a.c"], &["takes no inputs", "a.c"]);
    fails(&["--emit", "header", "--btf", image, "--btf", image], &["of one kernel"]);
    fails(&["--emit", "header", "--btf", "a.c"], &["a.c: ", "(BTF)"]);
    fails(&["--emit", "header", "--btf", image, "--type", "no_such"], &["no type no_such"]);
    fails(&["--type", "rq", "a.c"], &["--emit header"]);
    fails(&["--emit", "header", "--btf", "a.c", "-o", "a.c"], &["a.c"]);
    assert_eq!(scratch.files(), ["a.c", "b.c"]);
    // Without -o it is shown.
    let shown = finish(&mut scratch.bare(&["--emit=header", "--type=pid_t", "--btf", image]), b"").succeeds();
    assert!(shown.text().contains("typedef __kernel_pid_t pid_t;\n"), "{}", shown.text());
}
