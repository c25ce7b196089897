// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the command line.

use gpufas_passes::warning::Warning;

use super::*;
use crate::warnings::Level;

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn compile(arguments: &[&str]) -> Arguments {
    match parse(words(arguments)) {
        Ok(Request::Compile(arguments)) => *arguments,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn error(arguments: &[&str]) -> String {
    parse(words(arguments)).unwrap_err().to_string()
}

#[test]
fn options_are_read_as_clang_reads_them() {
    let line = "a.c -Ifoo -I bar -DX=1 -D Y -o out -O3 -MD -MF a.d -MTx -MQ y -MP -include x.h -Wall \
                --kernel=6.1.0-1-amd64 --gpu-arch sm_90,sm_80 --gpu-arch sm_90 -g b.ll";
    let parsed = compile(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(parsed.inputs, ["a.c", "b.ll"]);
    assert_eq!(parsed.clang, ["-Ifoo", "-Ibar", "-DX=1", "-DY", "-include", "x.h", "-Wall"]);
    assert_eq!(parsed.dependencies.mode.as_deref(), Some("-MD"));
    assert_eq!(parsed.dependencies.file.as_deref(), Some(Path::new("a.d")));
    assert_eq!(parsed.dependencies.options, ["-MT", "x", "-MQ", "y", "-MP"]);
    assert_eq!(parsed.output_path(), Path::new("out"));
    assert_eq!((parsed.optimization, parsed.debug), (3, true));
    assert_eq!(parsed.architectures, [80, 90]);
    let words = ["-O3", "-Wall", "--gpu-arch", "sm_90,sm_80", "--gpu-arch", "sm_90", "-g"];
    assert_eq!(parsed.words, words);
    assert_eq!(parsed.kernels, ["6.1.0-1-amd64"]);
}

#[test]
fn the_last_of_two_options_counts() {
    assert_eq!(compile(&["a.c"]).allocation, Allocation::Refuse);
    assert_eq!(compile(&["a.c", "--allocation", "own"]).allocation, Allocation::Own);
    assert_eq!(compile(&["a.c", "--allocation=own", "--allocation=refuse"]).allocation, Allocation::Refuse);
    let schedules = |options: &[&str]| compile(&[&["a.c"], options].concat()).schedules;
    assert_eq!(schedules(&[]), [Schedule::WakeQueue]);
    assert_eq!(
        schedules(&["--schedule", "wake-queue", "--schedule", "run-queue,wake-queue"]),
        [Schedule::RunQueue, Schedule::WakeQueue]
    );
    let parsed = compile(&["a.c", "-g", "-g0", "-Werror", "-Wno-error", "-O3", "-O1", "-oa", "-o", "b"]);
    assert!(!parsed.debug && parsed.warnings.level(Warning::LogFormat) == Level::Shown);
    assert_eq!(parsed.optimization, 1);
    assert_eq!(parsed.output_path(), Path::new("b"));
}

#[test]
fn outputs_are_named_after_the_first_input() {
    for (arguments, name) in [
        (&["dir/kill.c"][..], "kill.fatbin"),
        (&["kill.c", "--target", "host"], "kill.so"),
        (&["kill.c", "-c"], "kill.o"),
        (&["kill.c", "-c", "--emit", "llvm-ir"], "kill.ll"),
        (&["v1.2.c", "-c"], "v1.2.o"),
        (&["kill.c", "-c", "--emit", "object", "--target", "host"], "kill.o"),
        (&["kill.c", "-c", "--emit", "object", "--gpu-arch", "sm_80"], "kill.cubin"),
        (&["kill.c", "-c", "-S"], "kill.ptx"),
        (&["-", "--emit", "ptx"], "a.ptx"),
        (&["kill.c", "--emit", "object", "--gpu-arch", "sm_80"], "kill.cubin"),
        (&["kill.c", "--emit", "bitcode"], "kill.bc"),
        (&["kill.c", "-S", "--target", "host"], "kill.s"),
        (&["--", "-x.c"], "-x.fatbin"),
    ] {
        assert_eq!(compile(arguments).output_path(), Path::new(name), "{arguments:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (arguments, reason) in [
        (&[][..], "no input"),
        (&["a.c", "--frobnicate"], "--frobnicate"),
        (&["a.c", "-o"], "needs a value"),
        (&["a.c", "--emit="], "needs a value"),
        (&["a.c", "--gpu-arch", "gfx90a"], "sm_80"),
        (&["a.c", "--gpu-arch", "sm_77"], "sm_80"),
        (&["a.c", "--gpu-arch", "sm_80", "--target", "host"], "--target host"),
        (&["a.c", "--target", "opencl"], "cuda or host"),
        (&["a.c", "--emit", "cubin"], "one architecture"),
        (&["a.c", "--emit", "ptx", "--target", "host"], "--target cuda"),
        (&["a.c", "--emit", "elf"], "llvm-ir"),
        (&["a.c", "--locks", "forget"], "check, take or refuse"),
        (&["a.c", "--schedule", "idle"], "wake-queue, run-queue, or both"),
        (&["a.c", "--schedule", "run-queue,run-queue"], "twice"),
        (&["a.c", "--allocation", "kernel"], "refuse or own"),
        (&["a.c", "b.c", "-c", "-o", "x"], "-o"),
        (&["a.c", "-c", "--emit", "cubin"], "one architecture"),
        (&["-", "-"], "once"),
        (&["@/nonexistent/response"], "/nonexistent/response"),
        (&["a.c", "-Os"], "-O2"),
        (&["a.c", "-gsplit"], "-gsplit"),
        (&["a.c", "-MF", "x.d"], "-MD"),
        (&["a.c", "--check-layout", "all", "-c"], "leave out -c"),
        (&["a.c", "--passes", "llview", "--emit", "ptx"], "llvm-ir"),
        (&["a.c", ""], "empty name"),
        (&["a.c", "-Wgpufas-none"], "--help-warnings"),
        (&["a.c", "-Rpass=("], "regular expression"),
        (&["a.c", "--diagnostics", "xml"], "text or json"),
    ] {
        let message = error(arguments);
        assert!(message.contains(reason), "{arguments:?}: {message}");
    }
    let no_text = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff]);
    assert!(parse([no_text]).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn remarks_are_asked_for_as_in_clang() {
    let wanted = |options: &[&str]| {
        let mut remarks: Vec<_> = compile(&[&["a.c"], options].concat())
            .remarks
            .into_iter()
            .map(|(kind, pass)| (kind.option(), pass))
            .collect();
        remarks.sort_unstable();
        remarks
    };
    assert!(wanted(&[]).is_empty() && wanted(&["-Rpass=inline"]).is_empty());
    assert_eq!(wanted(&["-Rpass=kernel"]), [("-Rpass", "kernel-asm"), ("-Rpass", "kernel-symbols")]);
    assert_eq!(
        wanted(&["-Rpass=.*", "-Rpass=^llview$", "-Rpass-missed=budget|asm"]),
        [("-Rpass", "llview"), ("-Rpass-missed", "budget"), ("-Rpass-missed", "kernel-asm")]
    );
}
