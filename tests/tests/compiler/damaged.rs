// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inputs that something has gone wrong with on the way: whatever it is, the compiler says so, and LLVM's crash is not the
//! user's.

use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::scratch::{Outcome, Scratch, finish};

/// Where the random numbers begin.
const SEED: u64 = 0x6770_7566_6173;

/// How many changed files of a kind are tried.
const CHANGED: usize = 60;

/// A program that takes every pass: kernel assembly, symbols, a loop, a log.
const PROGRAM: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/sched/signal.h>\n\
    GPUFAS_ENTRY(go, \"test\", int, x)\n\
    {\n\
    \tstruct task_struct *task;\n\
    \n\
    \tfor_each_process(task)\n\
    \t\tif (task->pid == x && !test_and_set_bit(3, &task->thread_info.flags))\n\
    \t\t\tgpufas_log(\"%s\\n\", task->comm);\n\
    \treturn 0;\n\
    }\n";

/// The program compiled, as bitcode or as text.
fn compiled(scratch: &Scratch, kind: &str) -> Vec<u8> {
    scratch.write("p.c", PROGRAM);
    scratch.compile(&["-c", "--emit", kind, "p.c", "-o", "p"]).succeeds();
    scratch.read("p")
}

/// Compiles a file to the end.
fn compile(scratch: &Scratch, name: &str) -> Outcome {
    finish(&mut scratch.bare(&[name, "--target", "host", "-o", "made.so"]), b"")
}

/// Checks that the compiler has done its work or has said that the input is at fault, and nothing else.
#[track_caller]
fn is_clean(outcome: &Outcome, what: &str) {
    let messages = &outcome.messages;
    match outcome.status {
        Some(0) => {}
        Some(1) => assert!(messages.contains("error: "), "{what}: {messages}"),
        status => panic!("{what}: {status:?}: {messages}"),
    }
    assert!(!messages.contains("internal error"), "{what}: {messages}");
}

#[test]
fn bitcode_may_end_anywhere() {
    let scratch = Scratch::new();
    let whole = compiled(&scratch, "bitcode");
    scratch.write("whole.bc", &whole);
    compile(&scratch, "whole.bc").succeeds();
    // Its last part is a table of strings, without which nothing has a name.
    let lengths =
        (0..16).chain((16..whole.len()).step_by(whole.len() / 48)).chain(whole.len() - 8..whole.len());
    for length in lengths {
        scratch.write("cut.bc", &whole[..length]);
        let outcome = compile(&scratch, "cut.bc").fails(1, &["cut.bc:"]);
        is_clean(&outcome, &format!("cut at {length} of {}", whole.len()));
    }
}

#[test]
fn bitcode_may_be_of_a_later_version() {
    let scratch = Scratch::new();
    let mut bytes = compiled(&scratch, "bitcode");
    // The first block says who wrote the file and, in its last record, in which epoch of the format (LLVM, BitcodeFormat).
    // Behind the magic number are the block's head and its length in words.
    let words = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let end = 12 + words * 4;
    let last = (12 * 8..end * 8).rev().find(|bit| bytes[bit / 8] >> (bit % 8) & 1 != 0).unwrap();
    // The record begins with the number of its abbreviation in 5 bits, 5, of which this is the last bit that is set. Then comes
    // the epoch, which is 0.
    let epoch = last + 3;
    bytes[epoch / 8] |= 1 << (epoch % 8);
    scratch.write("later.bc", &bytes);
    compile(&scratch, "later.bc").fails(1, &["later.bc: ", "another version of LLVM", "Incompatible epoch"]);
    scratch.write("later.ll", "define void @f() attribute_of_the_future {\n  ret void\n}\n");
    compile(&scratch, "later.ll").fails(1, &["later.ll:1:18: error: "]);
}

#[test]
fn attributes_may_name_what_is_none() {
    let scratch = Scratch::new();
    let text = String::from_utf8(compiled(&scratch, "llvm-ir")).unwrap();
    assert!(text.contains("\"target-cpu\"=\"x86-64\""), "{text}");
    // LLVM's optimiser ends the process where it has no code for a CPU.
    scratch.write("cpu.ll", text.replace("\"target-cpu\"=\"x86-64\"", "\"target-cpu\"=\"i286\""));
    compile(&scratch, "cpu.ll").succeeds();
}

#[test]
fn modules_may_be_invalid() {
    let scratch = Scratch::new();
    // With debug information LLVM's reader checks it by itself, and ends the process.
    let invalid = "define i32 @f() {\n  %r = musttail call i32 @f()\n  %s = add i32 %r, 1\n  ret i32 %s\n}\n\
         !llvm.module.flags = !{!0}\n!0 = !{i32 2, !\"Debug Info Version\", i32 3}\n";
    scratch.write("invalid.ll", invalid);
    compile(&scratch, "invalid.ll").fails(1, &["invalid.ll: it is no valid LLVM IR: "]);
}

/// A function with a name of its linkage, the operands of whose description are near the strings.
const DESCRIBED: &str = "define i32 @f() !dbg !4 {\n  ret i32 0, !dbg !8\n}\n\
    !llvm.dbg.cu = !{!0}\n!llvm.module.flags = !{!2}\n\
    !0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, producer: \"who made it\", emissionKind: FullDebug)\n\
    !1 = !DIFile(filename: \"small.c\", directory: \"/where\")\n\
    !2 = !{i32 2, !\"Debug Info Version\", i32 3}\n\
    !4 = distinct !DISubprogram(name: \"f\", linkageName: \"linkage_name_of_f\", scope: !1, file: !1, line: 1, type: !5, \
    unit: !0, spFlags: DISPFlagDefinition)\n\
    !5 = !DISubroutineType(types: !6)\n!6 = !{!7}\n\
    !7 = !DIBasicType(name: \"int\", size: 32, encoding: DW_ATE_signed)\n\
    !8 = !DILocation(line: 1, column: 2, scope: !4)\n";

#[test]
fn debug_information_may_be_damaged_in_what_only_its_use_shows() {
    let scratch = Scratch::new();
    scratch.write("small.ll", DESCRIBED);
    let path = |name: &str| scratch.path().join(name).into_os_string();
    crate::scratch::llvm("llvm-as", &[&path("small.ll"), "-o".as_ref(), &path("small.bc")]);
    let whole = scratch.read("small.bc");
    let strings = whole.windows(7).position(|bytes| bytes == b"small.c").unwrap();
    let mut crashed = 0;
    for place in strings + 54..strings + 60 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            scratch.write("changed.bc", &bytes);
            let outcome = compile(&scratch, "changed.bc");
            is_clean(&outcome, &format!("bit {bit} of byte {place}"));
            crashed += usize::from(outcome.messages.contains("LLVM crashes when it reads this"));
        }
    }
    assert!(crashed > 0, "nothing of it is damaged so");
}

fn change_bytes(scratch: &Scratch, kind: &str, name: &str) {
    let whole = compiled(scratch, kind);
    let mut random = StdRng::seed_from_u64(SEED);
    let (mut made, mut refused) = (0, 0);
    for case in 0..CHANGED {
        let mut bytes = whole.clone();
        for _ in 0..1 << random.random_range(0..5) {
            let place = random.random_range(0..bytes.len());
            // One that is elsewhere in the file is more often taken.
            let byte =
                if random.random() { random.random() } else { whole[random.random_range(0..whole.len())] };
            bytes[place] = byte;
        }
        scratch.write(name, &bytes);
        let outcome = compile(scratch, name);
        if !matches!(outcome.status, Some(0 | 1)) {
            // For whoever looks into it.
            std::fs::write(std::env::temp_dir().join(name), &bytes).expect("cannot write");
        }
        is_clean(&outcome, &format!("case {case} of seed {SEED:#x}"));
        if outcome.status == Some(0) { made += 1 } else { refused += 1 }
    }
    assert!(made > 0 && refused > 0, "{made} were compiled, {refused} refused: the changes are of one kind");
}

#[test]
fn bytes_of_bitcode_may_be_wrong() {
    change_bytes(&Scratch::new(), "bitcode", "changed.bc");
}

#[test]
fn bytes_of_text_may_be_wrong() {
    change_bytes(&Scratch::new(), "llvm-ir", "changed.ll");
}

#[test]
fn ir_may_be_of_another_machine() {
    let scratch = Scratch::new();
    scratch.write("p.c", "int f(int x) { return x; }\n");
    for machine in ["aarch64-linux-gnu", "i386-linux-gnu", "nvptx64-nvidia-cuda", "bpfel"] {
        let mut clang = Command::new("clang-22");
        clang.args(["-c", "-emit-llvm", "-O1", "p.c", "-o", "p.bc", "-target", machine]);
        finish(clang.current_dir(scratch.path()), b"").succeeds();
        compile(&scratch, "p.bc").fails(1, &["p.bc: it is compiled for ", "x86_64-linux-gnu"]);
    }
}

#[test]
fn a_kernel_may_have_the_headers_of_another() {
    let scratch = Scratch::with_program();
    let headers = crate::scratch::kernel().headers.display().to_string();
    let arguments =
        ["a.c", "b.c", "--kernel", "6.12.1-other", "--kernel-headers", &headers, "--target", "host"];
    let outcome = finish(&mut scratch.bare(&arguments), b"");
    outcome.fails(1, &["6.12.1-other", &crate::scratch::kernel().release]);
}
