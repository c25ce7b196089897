// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that look up the layout of structures when they are loaded.

use crate::scratch::{Scratch, finish, kernel, llvm};
use gpufas::program::Program;
use gpufas_abi::manifest::Variant;
use gpufas_abi::relocation::RelocationKind;
use object::{Object, ObjectSymbol};

const SOURCE: &str = "#include <gpufas/gpufas.h>\n#include <linux/sched/signal.h>\n\
    GPUFAS_ENTRY(count, \"count processes\")\n{\n\
    \tstruct task_struct *task;\n\tint n = 0;\n\n\
    \tfor_each_process(task)\n\t\tn += task->comm[0] == 'x';\n\treturn n;\n}\n";

fn variant(scratch: &Scratch, name: &str) -> Variant {
    Program::read(&scratch.path().join(name)).unwrap().manifest().variants[0].clone()
}

#[test]
fn a_relocatable_program_says_what_it_looks_up_and_which_kernels_it_is_for() {
    let scratch = Scratch::new();
    scratch.write("p.c", SOURCE);
    scratch.for_host(&["p.c", "--relocatable"]).succeeds();
    scratch.compile(&["p.c", "--relocatable", "--accept", "6.12,5.10", "--gpu-arch", "sm_80"]).succeeds();
    let relocatable = variant(&scratch, "p.so").relocatable.unwrap();
    // The release with its numbers left out, but for the series.
    let mut words = kernel().release.splitn(3, '.');
    let series = format!("{}.{}", words.next().unwrap(), words.next().unwrap());
    let [own] = &relocatable.accepts[..] else { panic!("{:?}", relocatable.accepts) };
    assert!(own.starts_with(&format!("{series}.#")) && own.ends_with("-amd#"), "{own}");
    let mut offsets: Vec<_> = relocatable
        .table
        .iter()
        .map(|relocation| {
            assert_eq!(relocation.kind, RelocationKind::Offset);
            let [member] = &relocation.place.members[..] else { panic!("{relocation:?}") };
            assert_eq!(relocation.compiled * 8, member.bit_offset);
            format!("{}.{}", relocation.place.structure, member.path)
        })
        .collect();
    offsets.sort();
    assert_eq!(offsets, ["list_head.next", "task_struct.comm", "task_struct.tasks"]);
    let other = variant(&scratch, "p.fatbin").relocatable.unwrap();
    assert_eq!(other.table, relocatable.table, "on both targets");
    assert_eq!(other.accepts, [own.as_str(), "6.12", "5.10"]);
}

#[test]
fn the_table_is_exported_and_holds_what_was_compiled() {
    let scratch = Scratch::new();
    scratch.write("p.c", SOURCE);
    scratch.for_host(&["p.c", "--relocatable"]).succeeds();
    let relocatable = variant(&scratch, "p.so").relocatable.unwrap();
    let file = scratch.read("p.so");
    let file = object::File::parse(file.as_slice()).unwrap();
    let table = file.dynamic_symbols().find(|symbol| symbol.name() == Ok("gpufas_relocation_table")).unwrap();
    assert_eq!(table.size(), relocatable.table.len() as u64 * 8);
    scratch.compile(&["p.c", "--relocatable", "--emit", "ptx", "-o", "p.ptx"]).succeeds();
    let ptx = String::from_utf8(scratch.read("p.ptx")).unwrap();
    let values = relocatable.table.iter().map(|relocation| relocation.compiled);
    let mut bytes: Vec<u8> = values.flat_map(u64::to_le_bytes).collect();
    // PTX leaves zeros at the end out.
    bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
    let bytes: Vec<_> = bytes.iter().map(u8::to_string).collect();
    let size = relocatable.table.len() * 8;
    let expected = format!("gpufas_relocation_table[{size}] = {{{}}}", bytes.join(", "));
    assert!(ptx.contains(&expected), "no {expected}");
    scratch.for_host(&["p.c", "-o", "fixed.so"]).succeeds();
    assert_eq!(variant(&scratch, "fixed.so").relocatable, None);
    let names = llvm("llvm-nm", &["-D".as_ref(), scratch.path().join("fixed.so").as_os_str()]);
    assert!(!names.contains("gpufas_relocation_table"), "{names}");
}

#[test]
fn variants_may_be_relocatable() {
    let scratch = Scratch::new();
    scratch.write("p.c", SOURCE);
    let other =
        gpufas_guest::kernels::find("6.12").and_then(|kernel| kernel.fetch(&|_| {})).expect("no kernel");
    let mut command = scratch.command(&["p.c", "--relocatable", "--target", "host"]);
    finish(command.arg("--kernel-headers").arg(&other.headers), b"").succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let [one, two] = &program.manifest().variants[..] else { panic!("two kernels") };
    let accepts = |variant: &Variant| variant.relocatable.as_ref().unwrap().accepts.clone();
    assert!(accepts(one)[0].starts_with("6.1.#") && accepts(two)[0].starts_with("6.12.#"));
    let compiled = |variant: &Variant| {
        let table = &variant.relocatable.as_ref().unwrap().table;
        table.iter().map(|relocation| relocation.compiled).collect::<Vec<_>>()
    };
    assert_ne!(compiled(one), compiled(two), "`tasks` has moved between them");
}

#[test]
fn objects_can_be_linked_into_a_relocatable_program() {
    let scratch = Scratch::with_program();
    scratch.write("c.c", SOURCE);
    scratch.compile(&["-c", "c.c", "-o", "fixed.o"]).succeeds();
    scratch.compile(&["-c", "c.c", "--relocatable"]).succeeds();
    scratch.for_host(&["c.c", "-o", "source.so", "--relocatable"]).succeeds();
    scratch.for_host(&["c.o", "-o", "object.so", "--relocatable"]).succeeds();
    assert_eq!(variant(&scratch, "source.so"), variant(&scratch, "object.so"));
    let fixed = ["fixed.o", "-o", "fixed.so", "--relocatable"];
    scratch.for_host(&fixed).fails(1, &["`struct.task_struct`", "gpufas-cc -c --relocatable"]);
    // The other way round, what is not relocated would go wrong on another kernel.
    scratch.write("d.c", "int first_char(const char *text)\n{\n\treturn text[0];\n}\n");
    scratch.write(
        "e.c",
        SOURCE
            .replace("GPUFAS_ENTRY", "int first_char(const char *text);\nGPUFAS_ENTRY")
            .replace("task->comm[0]", "first_char(task->comm)"),
    );
    scratch.compile(&["-c", "e.c", "--relocatable"]).succeeds();
    scratch.compile(&["-c", "d.c", "-o", "d-fixed.o"]).succeeds();
    scratch.for_host(&["e.o", "d-fixed.o", "-o", "mixed.so"]).fails(
        1,
        &["`first_char` was compiled without --relocatable", "give --relocatable to each gpufas-cc"],
    );
    // There is nothing to look up in it.
    scratch.for_host(&["e.o", "d-fixed.o", "-o", "mixed.so", "--relocatable"]).succeeds();
    scratch
        .compile(&["-c", "c.c", "--relocatable", "--emit", "object", "--target", "host"])
        .fails(1, &["--relocatable is for whole programs"]);
}

#[test]
fn options_that_need_it_say_so() {
    let scratch = Scratch::new();
    scratch.write("p.c", format!("#include <gpufas/relocate.h>\n{SOURCE}"));
    scratch.for_host(&["p.c"]).fails(1, &["compiled with --relocatable"]);
    scratch.for_host(&["p.c", "--relocatable"]).succeeds();
    scratch.for_host(&["p.c", "--accept", "6.12"]).fails(1, &["--relocatable"]);
    for wrong in ["6", "six.one", "6.1.0", "6.", "6.1,"] {
        scratch.for_host(&["p.c", "--relocatable", "--accept", wrong]).fails(1, &["--accept", "as in 6.1"]);
    }
}

#[test]
fn the_difference_of_two_pointers_relies_on_the_size_of_what_they_point_to() {
    let scratch = Scratch::new();
    let structures = ["returned long", "element int", "small char", "cast short", "taken long", "chosen int"];
    let mut source = "#include <gpufas/gpufas.h>\n#include <gpufas/relocate.h>\n".to_owned();
    for (name, word) in structures.iter().filter_map(|structure| structure.split_once(' ')) {
        source.push_str(&format!("struct GPUFAS_KERNEL_TYPE {name} {{ {word} word; }};\n"));
    }
    source.push_str(
        "static noinline struct returned *one(unsigned long at) { return (void *)at; }\n\
         static noinline struct small *byte(unsigned long at) { return (void *)at; }\n\
         GPUFAS_ENTRY(go, \"test\", unsigned long, at, int, i)\n{\n\
         \tstruct element **elements = (void *)at;\n\
         \tstruct taken *(*take)(unsigned long) = i ? (void *)one : (void *)byte;\n\
         \tlong sum = one(at) - one(at + 8);\n\n\
         \tsum += elements[i] - elements[i + 1];\n\
         \tsum += byte(at) - byte(i);\n\
         \tsum += (struct cast *)at - (struct cast *)elements;\n\
         \tsum += take(at) - take(i);\n\
         \tsum += (i ? (struct chosen *)at : NULL) - ({ struct chosen *of = (void *)elements; of; });\n\
         \treturn sum;\n}\n",
    );
    scratch.write("p.c", source);
    scratch.for_host(&["p.c", "--relocatable"]).succeeds();
    let relocatable = variant(&scratch, "p.so").relocatable.unwrap();
    let found: Vec<_> = relocatable.same_size.iter().map(|one| (one.name.as_str(), one.size)).collect();
    for (name, size) in
        [("returned", 8), ("element", 4), ("small", 1), ("cast", 2), ("taken", 8), ("chosen", 4)]
    {
        assert!(found.contains(&(name, size)), "no {name} in {found:?}");
    }
}

#[test]
fn constants_can_be_looked_up() {
    let scratch = Scratch::new();
    let source = |expression: &str| {
        format!(
            "#include <gpufas/gpufas.h>\n#include <gpufas/relocate.h>\n#include <linux/pid.h>\n#include <linux/sched.h>\n\
             GPUFAS_ENTRY(go, \"test\", u64, task)\n{{\n\
             \treturn ((struct task_struct *)task)->pid + {expression};\n}}\n"
        )
    };
    scratch.write("p.c", source("gpufas_enumerator(enum pid_type, PIDTYPE_TGID)"));
    scratch.for_host(&["p.c", "--relocatable"]).succeeds();
    let made = variant(&scratch, "p.so");
    let looked_up =
        |relocation: &&gpufas_abi::relocation::Relocation| relocation.kind == RelocationKind::Enumerator;
    let relocatable = made.relocatable.unwrap();
    let found: Vec<_> = relocatable.table.iter().filter(looked_up).collect();
    let [constant] = found[..] else { panic!("{found:?}") };
    assert_eq!((constant.place.structure.as_str(), constant.compiled), ("pid_type", 1));
    assert_eq!(constant.place.members[0].path, "PIDTYPE_TGID");
    assert!(
        made.enumerators.iter().all(|constant| constant.name != "PIDTYPE_TGID"),
        "{:?}",
        made.enumerators
    );
    scratch.write("q.c", source("PIDTYPE_TGID"));
    scratch.for_host(&["q.c", "--relocatable"]).succeeds();
    let made = variant(&scratch, "q.so");
    assert!(made.relocatable.unwrap().table.iter().all(|relocation| !looked_up(&relocation)));
    assert!(
        made.enumerators.iter().any(|constant| constant.name == "PIDTYPE_TGID"),
        "{:?}",
        made.enumerators
    );
}
