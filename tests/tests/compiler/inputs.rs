// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inputs: kinds, several of them, and what is none.

use crate::scratch::{ENTRY, HELPER, Scratch, finish};
use gpufas::program::Program;

#[test]
fn files_of_all_kinds_make_one_program() {
    let scratch = Scratch::with_program();
    scratch.for_host(&["a.c", "b.c", "-o", "sources.so"]).succeeds();
    scratch.compile(&["-c", "a.c", "b.c"]).succeeds();
    scratch.compile(&["-c", "b.c", "--emit", "llvm-ir"]).succeeds();
    scratch.compile(&["-c", "b.c", "--emit", "bitcode", "-o", "b.bc"]).succeeds();
    for (inputs, output) in
        [(["a.o", "b.o"], "objects.so"), (["a.c", "b.ll"], "text.so"), (["b.bc", "a.c"], "bitcode.so")]
    {
        scratch.for_host(&[inputs[0], inputs[1], "-o", output]).succeeds();
        let program = Program::read(&scratch.path().join(output)).unwrap();
        assert_eq!(program.manifest().entries[0].name, "go", "{output}");
    }
    // Objects say which kernel they are for; nobody else need.
    finish(scratch.bare(&["a.o", "b.ll", "--target", "host", "-o", "alone.so"]).env("PATH", "/usr/bin"), b"")
        .succeeds();
    let whole = Program::read(&scratch.path().join("sources.so")).unwrap();
    let parts = Program::read(&scratch.path().join("alone.so")).unwrap();
    let (whole, parts) = (&whole.manifest().variants[0], &parts.manifest().variants[0]);
    assert_eq!(whole.kernel, parts.kernel);
    assert_eq!(whole.sites, parts.sites);
}

#[test]
fn standard_input_is_c() {
    let scratch = Scratch::with_program();
    let mut command = scratch.command(&["-", "b.c", "--target", "host", "-o", "-"]);
    let outcome = finish(&mut command, ENTRY.as_bytes()).succeeds();
    assert!(outcome.output.starts_with(b"\x7fELF"));
    let mut command = scratch.command(&["-c", "-"]);
    finish(&mut command, HELPER.as_bytes()).succeeds();
    assert!(scratch.read("a.o").starts_with(b"BC\xc0\xde"));
}

#[test]
fn response_files_stand_for_arguments() {
    let scratch = Scratch::with_program();
    scratch.write("more", "-o 'the program.so' b.c --target\nhost");
    scratch.compile(&["a.c", "@more"]).succeeds();
    assert!(scratch.read("the program.so").starts_with(b"\x7fELF"));
}

#[test]
fn preprocessor_options_reach_clang() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("include")).unwrap();
    scratch.write("include/answer.h", "#define ANSWER 42\n");
    scratch.write(
        "c.c",
        "#include \"answer.h\"\n#if ANSWER != 42 || GIVEN != 7 || defined(GONE)\n#error wrong\n#endif\n#include <linux/list.h>\n",
    );
    let options = ["-Iinclude", "-DGIVEN=7", "-D", "GONE", "-UGONE", "-fsyntax-only", "c.c"];
    scratch.compile(&options).succeeds();
    scratch.compile(&options[1..]).fails(1, &["c.c:1:10: fatal error: 'answer.h' file not found"]);
    scratch
        .compile(&["-include", "include/answer.h", "-Iinclude", "-DGIVEN=7", "-fsyntax-only", "c.c"])
        .succeeds();
    let text = scratch.compile(&["-E", "-Iinclude", "-DGIVEN=7", "c.c"]).succeeds().text();
    assert!(text.contains("struct list_head"), "the kernel's headers are there");
}

#[test]
fn what_is_defined_twice_is_named_with_both_places() {
    let scratch = Scratch::with_program();
    scratch.write("c.c", HELPER);
    scratch.write("d.c", ENTRY);
    scratch.for_host(&["a.c", "b.c", "c.c"]).fails(1, &["c.c: `helper` is also defined in b.c"]);
    scratch.for_host(&["a.c", "b.c", "d.c"]).fails(1, &["d.c: the entry point `go` is also defined in a.c"]);
    scratch.for_host(&["a.c", "b.c", "b.c"]).fails(1, &["b.c: the file is given twice"]);
    assert_eq!(scratch.files(), ["a.c", "b.c", "c.c", "d.c"]);
}

#[test]
fn what_is_no_program_is_said_to_be_none() {
    let scratch = Scratch::with_program();
    scratch.compile(&["-c", "a.c"]).succeeds();
    let object = scratch.read("a.o");
    scratch.write("cut.bc", &object[..object.len() / 2]);
    // A fixed sequence that looks like noise.
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    scratch.write("noise.bc", &noise);
    scratch.write("noise.txt", &noise);
    scratch.write("magic.bc", [b"BC\xc0\xde", noise.as_slice()].concat());
    scratch.write("empty.bc", "");
    scratch.write("empty.ll", "");
    scratch.write("large.ll", "words and words ".repeat(700_000));
    scratch.write("note.txt", "hello\n");
    scratch.write("elf.o", b"\x7fELF\x02\x01\x01");
    scratch.write("arm.ll", "target triple = \"aarch64-linux-gnu\"\n");
    scratch.write("gpu.ll", "target triple = \"nvptx64-nvidia-cuda\"\n");
    scratch.write("types.ll", "define i32 @f() {\n  ret i64 0\n}\n");
    scratch.write(
        "invalid.ll",
        "define i32 @f() {\n  %r = musttail call i32 @f()\n  %s = add i32 %r, 1\n  ret i32 %s\n}\n",
    );
    std::fs::create_dir(scratch.path().join("folder.c")).unwrap();
    for (input, reason) in [
        ("cut.bc", "cut.bc: LLVM cannot read it"),
        ("noise.bc", "noise.bc: it is neither LLVM IR nor LLVM bitcode"),
        ("noise.txt", "noise.txt: it is neither LLVM IR nor LLVM bitcode"),
        ("magic.bc", "magic.bc: LLVM cannot read it"),
        ("empty.bc", "empty.bc: it is empty"),
        ("empty.ll", "empty.ll: it is empty"),
        ("large.ll", "large.ll:1:1: error: "),
        ("note.txt", "note.txt: its kind is not known"),
        ("elf.o", "elf.o: it is an ELF file"),
        ("arm.ll", "arm.ll: it is compiled for aarch64-linux-gnu"),
        ("gpu.ll", "gpu.ll: it is compiled for nvptx64-nvidia-cuda"),
        ("types.ll", "types.ll:2:7: error: "),
        ("invalid.ll", "invalid.ll: it is no valid LLVM IR: "),
        ("folder.c", "cannot read folder.c: is a directory"),
        ("none.c", "cannot read none.c: No such file"),
    ] {
        scratch.for_host(&[input, "-o", "out"]).fails(1, &[reason]);
    }
    assert!(!scratch.files().contains(&"out".to_owned()));
}

#[test]
fn parts_for_different_kernels_are_refused() {
    let scratch = Scratch::with_program();
    scratch.compile(&["-c", "a.c"]).succeeds();
    scratch.compile(&["-c", "b.c", "--emit", "llvm-ir"]).succeeds();
    let text = String::from_utf8(scratch.read("b.ll")).unwrap();
    let release = &crate::scratch::kernel().release;
    scratch.write("other.ll", text.replace(&format!("!\"{release}\""), "!\"9.9.9\""));
    let link = |input| finish(&mut scratch.bare(&["a.o", input, "--target", "host"]), b"");
    link("other.ll").fails(1, &["different kernels", release, "9.9.9"]);
    scratch.write("unmarked.ll", "define i32 @helper(i32 %x) {\n  ret i32 %x\n}\n");
    let unmarked = link("unmarked.ll");
    assert_eq!(unmarked.status, Some(0), "{}", unmarked.messages);
    finish(&mut scratch.bare(&["unmarked.ll", "--target", "host"]), b"").fails(1, &["--kernel"]);
}

#[test]
fn a_program_needs_an_entry_point() {
    let scratch = Scratch::with_program();
    scratch.for_host(&["b.c"]).fails(1, &["no entry point", "GPUFAS_ENTRY"]);
    finish(&mut scratch.bare(&[]), b"").fails(1, &["no input"]);
}
