// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inputs that are unusual, but nobody's fault: many, long, oddly named.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use crate::scratch::{ENTRY, Scratch, finish};

/// A program that calls what is not there.
const WRONG: &str =
    "#include <gpufas/gpufas.h>\nint nowhere(void);\nGPUFAS_ENTRY(go, \"test\") { return nowhere(); }\n";

/// How many files one command line is tried with.
const MANY: usize = 2000;

#[test]
fn there_may_be_thousands_of_inputs() {
    let scratch = Scratch::new();
    let mut program = "#include <gpufas/gpufas.h>\n".to_owned();
    let (mut names, mut sum) = ("main.c".to_owned(), String::new());
    for number in 0..MANY {
        // Bitcode, so that what is tried is this compiler and not so many starts of clang.
        let text = format!(
            "target triple = \"x86_64-linux-gnu\"\n@state = internal global i32 {number}\n\
             define i32 @part{number}(i32 %x) {{\n  %s = load volatile i32, ptr @state\n  %r = add i32 %x, %s\n  ret i32 %r\n}}\n"
        );
        scratch.write(&format!("{number}.ll"), text);
        names.push_str(&format!("\n{number}.ll"));
        program.push_str(&format!("int part{number}(int x);\n"));
        sum.push_str(&format!("\tx = part{number}(x);\n"));
    }
    program.push_str(&format!("GPUFAS_ENTRY(go, \"test\", int, x)\n{{\n{sum}\treturn x;\n}}\n"));
    scratch.write("main.c", program);
    scratch.write("list", names);
    scratch.for_host(&["@list", "-Wno-gpufas", "-o", "made.so"]).succeeds();
    assert!(scratch.read("made.so").starts_with(b"\x7fELF"));
    // What is wrong with one of them is said of that one.
    scratch.write("1999.ll", "define i32 @part7(i32 %x) {\n  ret i32 %x\n}\n");
    let outcome = scratch.for_host(&["@list", "-Wno-gpufas", "-o", "made.so"]);
    outcome.fails(1, &["1999.ll: `part7` is also defined in 7.ll"]);
}

#[test]
fn a_file_is_given_once() {
    let scratch = Scratch::with_program();
    scratch.compile(&["-c", "b.c"]).succeeds();
    for twice in ["b.c", "b.o"] {
        scratch.for_host(&["a.c", twice, twice]).fails(1, &[&format!("{twice}: the file is given twice")]);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let scratch = Scratch::with_program();
    std::fs::create_dir(scratch.path().join("folder.bc")).unwrap();
    scratch.write("none.c", "");
    scratch.write("nothing.c", "\n");
    scratch.for_host(&["a.c", "b.c", "none.c", "nothing.c"]).succeeds();
    scratch.for_host(&["none.c"]).fails(1, &["no entry point"]);
    scratch.for_host(&["folder.bc"]).fails(1, &["cannot read folder.bc: is a directory"]);
    scratch.for_host(&["/proc/self/mem"]).fails(1, &["/proc/self/mem"]);
    std::os::unix::fs::symlink("loop.c", scratch.path().join("loop.c")).unwrap();
    scratch.for_host(&["loop.c"]).fails(1, &["cannot read loop.c: "]);
    scratch.write("secret.bc", "");
    let secret = scratch.path().join("secret.bc");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything, and finds it empty.
    let reason = if std::fs::read(&secret).is_ok() { "it is empty" } else { "Permission denied" };
    scratch.for_host(&["secret.bc"]).fails(1, &["secret.bc", reason]);
}

#[test]
fn texts_may_hold_anything() {
    let scratch = Scratch::with_program();
    scratch.write("nul.c", b"int f(void);\nint f(void) { return '\0'; }\n");
    let outcome = scratch.for_host(&["a.c", "b.c", "nul.c"]);
    assert!(matches!(outcome.status, Some(0 | 1)), "{}", outcome.messages);
    scratch.write("nul.ll", b"define i32 @f() {\n  ret i32 \0\n}\n");
    scratch.for_host(&["nul.ll"]).fails(1, &["nul.ll: it is neither LLVM IR nor LLVM bitcode"]);
    // A line that is longer than anybody reads.
    let wide = format!(
        "#include <linux/sched.h>\n{}GPUFAS_ENTRY(more, \"x\") {{ {} schedule(); return 0; }}\n",
        "#include <gpufas/gpufas.h>\n",
        ";".repeat(1_000_000)
    );
    scratch.write("wide.c", wide);
    let outcome = scratch.for_host(&["wide.c"]).fails(1, &["wide.c:3: error: ", "call of `schedule`"]);
    assert!(outcome.messages.len() < 10_000, "the whole line is shown");
    scratch.write("latin.c", b"// \xe4\xf6\xfc\nint f(void);\nint f(void) { return 1; }\n");
    scratch.for_host(&["a.c", "b.c", "latin.c"]).succeeds();
}

#[test]
fn names_are_what_the_shell_gives() {
    let scratch = Scratch::with_program();
    for name in [
        "with space.c",
        "./-dash.c",
        "\u{fc}mlaut.c",
        "quote'\".c",
        "semi;colon.c",
        "a=b.c",
        "$HOME.c",
        "%s.c",
        "new\nline.c",
    ] {
        scratch.write(name, ENTRY);
        scratch.for_host(&[name, "b.c", "-o", "made.so"]).succeeds();
        scratch.write(name, WRONG);
        scratch.for_host(&[name, "b.c"]).fails(1, &["error: call of `nowhere`"]);
    }
    let mut command = scratch.bare(&[]);
    command.arg(OsStr::from_bytes(b"\xff\xfe.c"));
    finish(&mut command, b"").fails(1, &["is not in UTF-8"]);
}
