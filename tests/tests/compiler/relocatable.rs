// SPDX-License-Identifier: MIT OR Apache-2.0

//! Relocatable code: `-c --emit object`, `cubin`, `ptx`, `asm` and `summary`.

use std::ffi::OsStr;
use std::process::Command;

use object::{Object, ObjectSymbol, SymbolSection};
use serde_json::Value;

use crate::scratch::{Outcome, Scratch, finish, llvm};

/// A source with all that the tests look at.
const SOURCE: &str = "#include <linux/sched/task.h>\n\
    #include <linux/list.h>\n\
    #include <linux/stdarg.h>\n\
    #include <asm/special_insns.h>\n\
    int elsewhere(int x);\n\
    noinline int sum(int count, ...);\n\
    int sum(int count, ...)\n\
    {\n\
    \tva_list list;\n\tint sum = 0;\n\
    \tva_start(list, count);\n\twhile (count--)\n\t\tsum += va_arg(list, int);\n\tva_end(list);\n\
    \treturn sum;\n\
    }\n\
    LIST_HEAD(list);\n\
    int *pointers[2] = { NULL, &init_task.prio };\n\
    noinline int go(int x);\n\
    int go(int x)\n\
    {\n\
    \tif (x > 100)\n\t\treturn native_read_cr4();\n\
    \treturn elsewhere(sum(3, x, 2, 3)) + list_empty(&list) + *pointers[1];\n\
    }\n";

/// What calls it: a runtime that translates nothing.
const DRIVER: &str = "#include <stdio.h>\n#include <stdlib.h>\n\
    int go(int x);\n\
    unsigned long gpufas_symbol_init_task;\n\
    void *gpufas_translate_load(unsigned long va, unsigned long size, unsigned site) { return (void *)va; }\n\
    void *gpufas_translate_store(unsigned long va, unsigned long size, unsigned site) { return (void *)va; }\n\
    unsigned long gpufas_context[128];\n\
    unsigned long gpufas_object(unsigned long va, unsigned long extent) { return 0; }\n\
    void gpufas_stored(unsigned site) {}\n\
    void gpufas_count(unsigned site) {}\n\
    void gpufas_check_stack(unsigned site) {}\n\
    void gpufas_unsupported(const char *text, unsigned site) { fputs(text, stdout); exit(7); }\n\
    void gpufas_fault(unsigned kind, unsigned access, unsigned long va, unsigned long size, unsigned site) { exit(8); }\n\
    int elsewhere(int x) { return x * 1000; }\n\
    void INITIALISE(void);\n\
    int main(int argc, char **argv)\n\
    {\n\
    \tstatic char task[16384];\n\
    \tgpufas_symbol_init_task = (unsigned long)task;\n\
    \tINITIALISE();\n\tINITIALISE();\n\
    \tprintf(\"%d\\n\", go(atoi(argv[1])));\n\
    \treturn 0;\n}\n";

/// Names of the symbols of an object that are defined, and of those that are not.
fn symbols(file: &[u8]) -> (Vec<String>, Vec<String>) {
    let file = object::File::parse(file).unwrap();
    let (mut defined, mut undefined) = (Vec::new(), Vec::new());
    for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
        let names = if symbol.section() == SymbolSection::Undefined { &mut undefined } else { &mut defined };
        names.push(symbol.name().unwrap().to_owned());
    }
    (defined, undefined)
}

#[track_caller]
fn has(names: &[String], wanted: &[&str]) {
    for name in wanted {
        assert!(names.iter().any(|found| found == name), "no {name} in {names:?}");
    }
}

#[test]
fn an_object_for_the_host_is_linked_with_others_and_run() {
    let scratch = Scratch::new();
    scratch.write("part.c", SOURCE);
    scratch.for_host(&["-c", "part.c", "--emit", "object"]).succeeds();
    let (defined, undefined) = symbols(&scratch.read("part.o"));
    has(&defined, &["go", "sum", "list", "pointers"]);
    has(&undefined, &["elsewhere", "gpufas_symbol_init_task", "gpufas_translate_load", "gpufas_unsupported"]);
    let initialise = defined.iter().find(|name| name.starts_with("gpufas_initialise_part_")).unwrap();

    scratch.write("driver.c", DRIVER);
    let define = format!("-DINITIALISE={initialise}");
    let (driver, part) = (scratch.path().join("driver.c"), scratch.path().join("part.o"));
    let program = scratch.path().join("program");
    let arguments = ["-O1", "-w", &define, "-o"].map(OsStr::new);
    let files = [program.as_os_str(), driver.as_os_str(), part.as_os_str()];
    llvm("clang", &[arguments.as_slice(), &files].concat());
    let run = |argument: &str| -> Outcome { finish(Command::new(&program).arg(argument), b"") };
    assert_eq!(run("10").succeeds().text(), "15001\n");
    let ended = run("101");
    let text = ended.text();
    assert_eq!(ended.status, Some(7), "{text}");
    for part in
        ["arch/x86/include/asm/special_insns.h:", "cr4", "native_read_cr4, called at part.c:", " in go)\n"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_cubin_leaves_undefined_what_others_define() {
    let scratch = Scratch::new();
    scratch.write("part.c", SOURCE);
    scratch.compile(&["-c", "part.c", "--emit", "cubin", "--gpu-arch", "sm_90"]).succeeds();
    let (defined, undefined) = symbols(&scratch.read("part.cubin"));
    has(&defined, &["go", "sum", "list", "pointers"]);
    // An assembler that is not told to leave it to a linker makes a variable of its own of it.
    has(&undefined, &["elsewhere", "gpufas_symbol_init_task", "gpufas_translate_load", "gpufas_unsupported"]);
    let ptx = scratch.compile(&["-c", "part.c", "--emit", "ptx", "-o", "-"]).succeeds().text();
    assert!(ptx.contains(".extern .global .align 8 .u64 gpufas_symbol_init_task;"), "{ptx}");
    assert!(ptx.contains(".extern .func  (.param .b32 func_retval0) elsewhere"), "{ptx}");
    assert_eq!(scratch.files(), ["part.c", "part.cubin"]);
}

#[test]
fn bitcode_becomes_relocatable_code_later() {
    let scratch = Scratch::new();
    scratch.write("part.c", SOURCE);
    scratch.compile(&["-c", "part.c"]).succeeds();
    assert!(scratch.read("part.o").starts_with(b"BC\xc0\xde"), "-c alone makes bitcode");
    scratch.for_host(&["-c", "part.o", "--emit", "object", "-o", "later.o"]).succeeds();
    scratch.for_host(&["-c", "part.c", "--emit", "object", "-o", "at-once.o"]).succeeds();
    assert!(scratch.read("later.o") == scratch.read("at-once.o"), "the way makes no difference");
}

#[test]
fn commands_are_shown_for_each_input() {
    let scratch = Scratch::with_program();
    let shown = scratch.compile(&["-c", "a.c", "b.c", "--emit", "cubin", "--gpu-arch", "sm_90", "-###"]);
    assert_eq!(shown.status, Some(0));
    let lines: Vec<_> = shown.messages.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[1].contains("ptxas") && lines[1].contains(" -c "), "{lines:#?}");
    assert_eq!(scratch.files(), ["a.c", "b.c"]);
}

#[test]
fn a_summary_says_what_each_function_needs() {
    let scratch = Scratch::new();
    scratch.write(
        "part.c",
        format!("{SOURCE}static inline int unused(int x) {{ return go(x) + current->prio; }}\n"),
    );
    let summary = |options: &[&str]| -> Value {
        let arguments = [&["-c", "part.c", "--emit", "summary", "-w", "-o", "-"], options].concat();
        serde_json::from_slice(&scratch.for_host(&arguments).succeeds().output).unwrap()
    };
    let functions = &summary(&[])["functions"];
    let go = &functions["go"];
    assert_eq!(go["visible"], true);
    assert_eq!(go["undefined"], serde_json::json!(["elsewhere"]));
    assert_eq!(go["calls"], serde_json::json!(["sum"]));
    assert!(go["refused"]["privileged-instruction"].as_str().unwrap().contains("cr4"), "{go}");
    assert_eq!(functions["sum"]["refused"], serde_json::json!({}));
    assert_eq!(functions["unused"], Value::Null);
    let all = &summary(&["-fkeep-inline-functions"])["functions"];
    assert_eq!(all["unused"]["calls"], serde_json::json!(["go"]));
    assert!(all.as_object().unwrap().len() > 300, "the functions of all headers");
}

#[test]
fn weak_symbols_are_addresses_that_may_be_null() {
    let scratch = Scratch::new();
    scratch.write(
        "weak.c",
        "extern int variable __attribute__((weak));\n\
        int function(int) __attribute__((weak));\n\
        int f(int x) { return &variable ? variable : function ? function(x) : 5; }\n",
    );
    scratch.for_host(&["-c", "--emit", "object", "weak.c", "-o", "weak.o"]).succeeds();
    let (_, undefined) = symbols(&scratch.read("weak.o"));
    assert!(!undefined.iter().any(|name| name == "function" || name == "variable"), "{undefined:?}");
    for name in ["gpufas_symbol_variable", "gpufas_symbol_function", "gpufas_callee"] {
        assert!(undefined.iter().any(|undefined| undefined == name), "{name}: {undefined:?}");
    }
    // ptxas has no weak functions that somebody else defines.
    scratch
        .compile(&["-c", "--emit", "cubin", "--gpu-arch", "sm_90", "weak.c", "-o", "weak.cubin"])
        .succeeds();
}
