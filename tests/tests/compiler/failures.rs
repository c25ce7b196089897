// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the compiler fails: exit status, message, and nothing left behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::scratch::{Scratch, compiler, finish};

#[test]
fn what_is_missing_on_the_machine_is_named_with_the_remedy() {
    let scratch = Scratch::with_program();
    let empty = scratch.path().join("none");
    std::fs::create_dir(&empty).unwrap();
    let with = |arguments: &[&str], variable: &str, value: &Path| {
        finish(scratch.command(arguments).env(variable, value), b"")
    };
    with(&["a.c", "b.c"], "GPUFAS_CLANG", Path::new("/nonexistent/clang")).fails(2, &["/nonexistent/clang"]);
    scratch.compile(&["a.c", "b.c", "--cuda-path", "none"]).fails(2, &["ptxas", "none"]);
    scratch.compile(&["a.c", "b.c", "--gpu-arch", "sm_70"]).fails(2, &["sm_70", "sm_80"]);
    finish(&mut scratch.bare(&["a.c", "--kernel", "0.0.1-none"]), b"")
        .fails(2, &["linux-headers-0.0.1-none", "--kernel-headers"]);
    finish(&mut scratch.bare(&["a.c", "--kernel-headers", "none"]), b"").fails(2, &["utsrelease.h"]);
    finish(&mut scratch.bare(&["a.c"]), b"").fails(1, &["--kernel"]);
    with(&["a.c", "b.c"], "TMPDIR", &empty.join("gone")).fails(2, &["cannot write"]);
    let file = scratch.path().join("a.c");
    with(&["-c", "a.c"], "XDG_CACHE_HOME", &file)
        .fails(2, &["headers of recovery programs", "GPUFAS_INCLUDE"]);
    assert_eq!(scratch.files(), ["a.c", "b.c", "none"]);
}

#[test]
fn what_cannot_be_written_is_an_error_before_anything_is_compiled() {
    let scratch = Scratch::with_program();
    scratch.write("b.ll", "define i32 @helper(i32 %x) {\n  ret i32 %x\n}\n");
    std::os::unix::fs::symlink("b.ll", scratch.path().join("link")).unwrap();
    std::fs::create_dir(scratch.path().join("folder")).unwrap();
    for (output, status, reason) in [
        ("b.ll", 1, "the output b.ll is the input b.ll"),
        ("./link", 1, "the output ./link is the input b.ll"),
        ("folder", 2, "cannot write folder"),
        ("none/out", 2, "cannot write none/out"),
        ("a.c/out", 2, "cannot write a.c/out"),
        ("/dev/full", 2, "cannot write /dev/full: No space left"),
    ] {
        scratch.for_host(&["a.c", "b.ll", "-o", output]).fails(status, &[reason]);
    }
    scratch.write("folder/a.c", "");
    scratch.compile(&["-c", "a.c", "folder/a.c"]).fails(1, &["two of the inputs", "a.o"]);
    scratch.for_host(&["a.c", "b.ll", "-MD", "-MF", "a.c"]).fails(1, &["a.c"]);
    scratch.for_host(&["a.c", "b.ll", "-o", "x", "-MD", "-MF", "x"]).fails(1, &["x is the output"]);
    scratch.for_host(&["a.c", "b.ll", "-o", "-", "-MD"]).fails(1, &["-MF"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = scratch.command(&["-c", "b.ll", "-o", "-"]);
    let output = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write standard output"));
    assert_eq!(scratch.read("b.ll"), b"define i32 @helper(i32 %x) {\n  ret i32 %x\n}\n");
    assert_eq!(scratch.files(), ["a.c", "b.c", "b.ll", "folder", "link"]);
}

/// The reproducer that a message names.
#[track_caller]
fn reproducer(messages: &str) -> PathBuf {
    let (_, rest) = messages.split_once("with the files in ").unwrap_or_else(|| panic!("{messages}"));
    PathBuf::from(rest.split_once(':').unwrap().0)
}

#[test]
fn a_crash_inside_llvm_becomes_a_message_and_a_reproducer() {
    let scratch = Scratch::with_program();
    // The parser goes down one level of its stack for each.
    let deep = format!("@x = external global {}i8{}\n", "[1 x ".repeat(300_000), "]".repeat(300_000));
    scratch.write("deep.ll", &deep);
    // The x86-64 that programs are made for has no vectors of unknown length, and LLVM ends the process where it meets them.
    scratch.write(
        "scalable.ll",
        "define i32 @f(i32 %x) {\n\
         \x20 %v = insertelement <vscale x 4 x i32> poison, i32 %x, i32 0\n\
         \x20 %w = shufflevector <vscale x 4 x i32> %v, <vscale x 4 x i32> poison, <vscale x 4 x i32> zeroinitializer\n\
         \x20 %e = extractelement <vscale x 4 x i32> %w, i32 %x\n  ret i32 %e\n}\n",
    );
    let temporary = tempfile::tempdir().unwrap();
    let compile = |arguments: &[&str]| {
        let mut command = scratch.command(arguments);
        finish(command.args(["--target", "host", "-o", "out"]).env("TMPDIR", temporary.path()), b"")
    };
    let first_input = "define void @first() {\n  ret void\n}\n";
    scratch.write("first one.ll", first_input);
    let outcome = compile(&["first one.ll", "deep.ll"])
        .fails(2, &["internal error while reading deep.ll", "segmentation fault"]);
    let kept = reproducer(&outcome.messages);
    let first = outcome.messages;
    assert!(kept.starts_with(temporary.path()));
    // All inputs, since it may be two together that LLVM's linker fails at.
    assert_eq!(std::fs::read(kept.join("inputs/000001-firstone.ll")).unwrap(), first_input.as_bytes());
    assert_eq!(std::fs::read(kept.join("inputs/000002-deep.ll")).unwrap(), deep.as_bytes());

    let outcome = compile(&["--passes", "optimize", "scalable.ll"])
        .fails(2, &["internal error while running the pass optimize: LLVM: ", "scalable"]);
    let kept = reproducer(&outcome.messages);
    let command = std::fs::read_to_string(kept.join("command")).unwrap();
    assert!(
        command.contains(&compiler().display().to_string()) && command.contains(" optimize scalable.ll "),
        "{command}"
    );
    assert!(std::fs::read(kept.join("program.bc")).unwrap().starts_with(b"BC\xc0\xde"));
    // The files alone do it again, wherever they are.
    std::fs::remove_file(scratch.path().join("scalable.ll")).unwrap();
    std::fs::remove_file(scratch.path().join("first one.ll")).unwrap();
    for (messages, stage) in [(first, "reading "), (outcome.messages, "running the pass optimize: LLVM: ")] {
        let (_, script) = messages.split_once("note: sh ").unwrap_or_else(|| panic!("{messages}"));
        let (script, _) = script.split_once(" does it again\n").unwrap_or_else(|| panic!("{messages}"));
        let copy = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new("cp");
        finish(command.arg("-r").arg(Path::new(script).parent().unwrap()).arg(copy.path()), b"").succeeds();
        let script = copy.path().join("crash/reproduce");
        let mut command = std::process::Command::new("sh");
        command.arg(script).current_dir("/").env("TMPDIR", copy.path());
        finish(&mut command, b"").fails(2, &["internal error while ", stage]);
    }
    scratch.write("scalable.ll", "");
    assert_eq!(scratch.files(), ["a.c", "b.c", "deep.ll", "scalable.ll"]);
    // Two reproducers, and nothing else.
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 2);
}

#[test]
fn a_compiler_that_is_stopped_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt;
    let scratch = Scratch::with_program();
    let temporary = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT", "HUP"] {
        // It waits for the rest of its input.
        let mut command = scratch.command(&["-", "b.c", "-o", "out.fatbin"]);
        command.env("TMPDIR", temporary.path()).stdin(Stdio::piped()).stderr(Stdio::null());
        gpufas_tests::command::heed_signals(&mut command);
        let mut child = command.spawn().unwrap();
        let begun = || std::fs::read_dir(temporary.path()).unwrap().count() > 0;
        while !begun() {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut kill = std::process::Command::new("kill");
        finish(kill.arg(format!("-{signal}")).arg(child.id().to_string()), b"").succeeds();
        let status = child.wait().unwrap();
        assert!(status.signal().is_some(), "{signal}: {status}");
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "{signal}");
        assert_eq!(scratch.files(), ["a.c", "b.c"], "{signal}");
    }
}

#[test]
fn whatever_ends_the_process_that_compiles_is_said() {
    let scratch = Scratch::with_program();
    let temporary = tempfile::tempdir().unwrap();
    for (ended, (signal, reason)) in [
        ("SEGV", "internal error while running clang on -: it crashed with a segmentation fault"),
        ("ABRT", "internal error while running clang on -: it was ended by signal 6"),
        ("KILL", "it was killed, most likely because the machine ran out of memory"),
    ]
    .into_iter()
    .enumerate()
    {
        // It waits for the rest of what clang is to read.
        let mut command = scratch.command(&["-", "b.c", "-o", "out.fatbin"]);
        command.env("TMPDIR", temporary.path()).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut parent = command.spawn().unwrap();
        let child = loop {
            assert!(parent.try_wait().unwrap().is_none(), "it ended by itself");
            let of_process = |id: &str| std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            let child = of_process(&parent.id().to_string()).unwrap().trim().to_owned();
            let folders = std::fs::read_dir(temporary.path()).unwrap().map(|folder| folder.unwrap().path());
            let stages = folders.map(|folder| std::fs::read_to_string(folder.join("crash/stage")));
            // What was left by the one before ended there, too.
            let begun =
                stages.filter(|stage| stage.as_ref().is_ok_and(|stage| stage == "running clang on -"));
            if !child.is_empty() && begun.count() > ended {
                break child;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut kill = std::process::Command::new("kill");
        finish(kill.arg(format!("-{signal}")).arg(child), b"").succeeds();
        drop(parent.stdin.take());
        let output = parent.wait_with_output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{signal}: {messages}");
        assert!(messages.contains(reason), "{signal}: {messages}");
        assert!(!messages.contains("does it again"), "{signal}: nothing was read: {messages}");
    }
    // What could say more is kept, and only that.
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 2);
    assert_eq!(scratch.files(), ["a.c", "b.c"]);
}

#[test]
fn a_failing_tool_is_reported_with_what_it_said() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::with_program();
    std::fs::create_dir_all(scratch.path().join("cuda/bin")).unwrap();
    for (tool, script) in [
        (
            "ptxas",
            "case $1 in --help) echo \"--Ofast-compile 'sm_90'\";; --version) echo V1.2.3;; *) echo 'wrong mood' >&2; exit 3;; esac",
        ),
        ("fatbinary", "exit 1"),
    ] {
        let path = format!("cuda/bin/{tool}");
        scratch.write(&path, format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(scratch.path().join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let compile =
        |options: &[&str]| scratch.compile(&[&["a.c", "b.c", "--cuda-path", "cuda"], options].concat());
    compile(&[]).fails(2, &["ptxas failed: wrong mood", "3"]);
    compile(&["--gpu-arch", "sm_80"]).fails(2, &["ptxas 1.2.3 does not know sm_80; it knows sm_90"]);
    scratch.write(
        "cuda/bin/ptxas",
        "#!/bin/sh\ncase $1 in --help) echo \"'sm_90'\";; *) echo V12.8.93;; esac\n",
    );
    compile(&[]).fails(2, &["cuda/bin/ptxas is version 12.8.93", "12.9 or newer", "--cuda-path"]);
    // What nobody has named gives way to a newer one: as distributions have it in /usr/bin.
    let mut command = scratch.command(&["a.c", "b.c"]);
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os);
    let named = named.map(|folder| PathBuf::from(folder).join("bin"));
    let path = std::env::var_os("PATH").unwrap();
    let folders =
        [scratch.path().join("cuda/bin")].into_iter().chain(named).chain(std::env::split_paths(&path));
    command
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env_remove("CUDA_HOME")
        .env_remove("CUDA_PATH");
    finish(&mut command, b"").succeeds();
    std::fs::remove_file(scratch.path().join("a.fatbin")).unwrap();
    scratch.write("clang", "#!/bin/sh\necho no bitcode\n");
    let clang = scratch.path().join("clang");
    std::fs::set_permissions(&clang, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = scratch.command(&["-c", "a.c"]);
    finish(command.env("GPUFAS_CLANG", &clang), b"").fails(2, &["clang failed", "clang 22"]);
    scratch.write("clang", "#!/bin/sh\nkill -SEGV $$\n");
    let mut command = scratch.command(&["-c", "a.c"]);
    finish(command.env("GPUFAS_CLANG", &clang), b"").fails(2, &["clang failed", "signal: 11"]);
    std::fs::remove_file(clang).unwrap();
    assert_eq!(scratch.files(), ["a.c", "b.c", "cuda"]);
}

#[test]
fn an_operation_without_instructions_is_the_programs_fault() {
    let scratch = Scratch::new();
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\n\
         GPUFAS_ENTRY(go, \"test\", u64, a, u64, b)\n{\n\
         \tunsigned __int128 product = (unsigned __int128)a * b;\n\treturn (int)(product / (a + b * 3));\n}\n",
    );
    scratch.for_host(&["c.c"]).fails(1, &["__udivti3", "128-bit"]);
    assert_eq!(scratch.files(), ["c.c"]);
}
