// SPDX-License-Identifier: MIT OR Apache-2.0

//! One program for several kernels.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::scratch::{Outcome, Scratch, finish, kernel, llvm};
use gpufas::program::Program;
use gpufas_guest::{Kernel, kernels};

/// A kernel of another series than [`kernel`].
fn other() -> &'static Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    KERNEL.get_or_init(|| kernels::find("6.12").and_then(|kernel| kernel.fetch(&|_| {})).expect("no kernel"))
}

/// An entry point that differs with the kernel's release, as `NEWER` and `OLDER` say.
const SOURCE: &str = "#include <gpufas/gpufas.h>\n#include <linux/sched/signal.h>\n#include <linux/version.h>\n\
    #if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)\nNEWER\n#else\nOLDER\n#endif\n\
    GPUFAS_ENTRY(go, \"test\", int, x) { return init_task.pid + x; }\n";

fn source(newer: &str, older: &str) -> String {
    SOURCE.replace("NEWER", newer).replace("OLDER", older)
}

/// A run of the compiler for both kernels.
fn command(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = scratch.command(arguments);
    command.arg("--kernel-headers").arg(&other().headers);
    command
}

fn compile(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    finish(&mut command(scratch, arguments), b"")
}

fn read(scratch: &Scratch, name: &str) -> Program {
    Program::read(&scratch.path().join(name)).unwrap()
}

#[test]
fn a_program_holds_a_variant_for_each_kernel() {
    let scratch = Scratch::new();
    scratch.write("p.c", source("", ""));
    compile(&scratch, &["p.c", "--target", "host"]).succeeds();
    compile(&scratch, &["p.c", "--gpu-arch", "sm_80,sm_90"]).succeeds();
    assert_eq!(scratch.files(), ["p.c", "p.fatbin", "p.so"]);
    for name in ["p.so", "p.fatbin"] {
        let program = read(&scratch, name);
        let manifest = program.manifest();
        let releases: Vec<_> = manifest.variants.iter().map(|variant| &variant.kernel.release).collect();
        assert_eq!(releases, [&kernel().release, &other().release], "{name}");
        let ids: Vec<_> = manifest.variants.iter().map(|variant| variant.kernel.build_id.as_ref()).collect();
        assert!(ids[0].is_some() && ids[1].is_some() && ids[0] != ids[1], "{name}: {ids:?}");
        assert_eq!(manifest.variants[1].symbols, ["init_task"]);
        let tools: Vec<_> = manifest.toolchain.iter().map(|tool| &tool.name).collect();
        assert_eq!(tools.iter().filter(|name| **name == "clang").count(), 1, "{tools:?}");
    }
    let names =
        llvm("llvm-nm", &["-D".as_ref(), "--defined-only".as_ref(), scratch.path().join("p.so").as_os_str()]);
    for name in ["gpufas_entry_go.0", "gpufas_entry_go.1", "gpufas_symbol_table.1", "gpufas_context.0"] {
        assert!(names.lines().any(|line| line.ends_with(name)), "{names}");
    }
}

#[test]
fn a_variant_is_what_the_kernel_alone_gives() {
    let scratch = Scratch::new();
    scratch.write("p.c", source("", ""));
    let architecture = ["--gpu-arch", "sm_80"];
    compile(&scratch, &[&["p.c", "-o", "both.fatbin"][..], &architecture].concat()).succeeds();
    scratch.compile(&[&["p.c", "-o", "one.fatbin"][..], &architecture].concat()).succeeds();
    let mut alone = scratch.bare(&[&["p.c", "-o", "two.fatbin"][..], &architecture].concat());
    finish(alone.arg("--kernel-headers").arg(&other().headers), b"").succeeds();
    let both = read(&scratch, "both.fatbin");
    for (number, name) in ["one.fatbin", "two.fatbin"].into_iter().enumerate() {
        let alone = read(&scratch, name);
        assert!(both.code(number) == alone.code(0), "{name}");
        assert_eq!(both.manifest().variants[number], alone.manifest().variants[0]);
    }
}

#[test]
fn bitcode_goes_to_the_kernel_that_it_was_compiled_for() {
    let scratch = Scratch::with_program();
    scratch.compile(&["-c", "b.c", "-o", "one.o"]).succeeds();
    let mut for_other = scratch.bare(&["-c", "b.c", "-o", "two.o"]);
    finish(for_other.arg("--kernel-headers").arg(&other().headers), b"").succeeds();
    compile(&scratch, &["a.c", "one.o", "two.o", "--target", "host"]).succeeds();
    assert_eq!(read(&scratch, "a.so").manifest().variants.len(), 2);
    // Each kernel needs its own.
    compile(&scratch, &["a.c", "one.o", "--target", "host"])
        .fails(1, &["`helper`", &format!("for kernel {}", other().release)]);
    let third = kernels::find("5.10").and_then(|kernel| kernel.fetch(&|_| {})).expect("no kernel");
    let mut command = scratch.bare(&["a.c", "one.o", "two.o", "--target", "host"]);
    command.arg("--kernel-headers").arg(&kernel().headers).arg("--kernel-headers").arg(&third.headers);
    finish(&mut command, b"").fails(1, &["two.o", &other().release, "none of those that are named"]);
}

#[test]
fn an_error_names_the_kernel_that_it_is_met_for() {
    let scratch = Scratch::new();
    let release = other().release.as_str();
    let note = format!("note: this was met while compiling for kernel {release}");
    for wrong in ["#error too new", "int no_function(void); int f(void); int f(void) { return undeclared; }"]
    {
        scratch.write("p.c", source(wrong, ""));
        compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["p.c:5:", &note]);
        compile(&scratch, &["p.c", "-fsyntax-only"]).fails(1, &["p.c:5:", &note]);
    }
    scratch
        .write("p.c", source("#define init_task (*other_task())\nstruct task_struct *other_task(void);", ""));
    compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["other_task", &note]);
    assert_eq!(scratch.files(), ["p.c"]);
    // With one kernel it is clear.
    let mut alone = scratch.bare(&["p.c", "--target", "host"]);
    let outcome = finish(alone.arg("--kernel-headers").arg(&other().headers), b"");
    assert!(!outcome.fails(1, &["other_task"]).messages.contains("was met while"));
}

#[test]
fn entry_points_are_the_same_for_all_kernels() {
    let scratch = Scratch::new();
    let (one, two) = (kernel().release.as_str(), other().release.as_str());
    scratch.write("p.c", source("GPUFAS_ENTRY(more, \"more\") { return 0; }", ""));
    compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["`more`", one, two, "same for all kernels"]);
    scratch.write("p.c", source("", "GPUFAS_ENTRY(less, \"less\") { return 0; }"));
    compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["`less`", one, two, "same for all kernels"]);
    let entry = |arguments: &str| format!("GPUFAS_ENTRY(both, \"test\"{arguments}) {{ return 0; }}");
    scratch.write("p.c", source(&entry(", int, x"), &entry("")));
    compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["`both`", "x (i32)", "nothing", one, two]);
    scratch.write("p.c", source(&entry(", int, x"), &entry(", int, y")));
    compile(&scratch, &["p.c", "--target", "host"]).fails(1, &["`both`", "x (i32)", "y (i32)", one, two]);
    assert_eq!(scratch.files(), ["p.c"]);
}

#[test]
fn a_kernel_is_named_once() {
    let scratch = Scratch::with_program();
    let mut twice = scratch.command(&["a.c", "b.c", "--target", "host"]);
    finish(twice.arg("--kernel-headers").arg(&kernel().headers), b"")
        .fails(1, &[&format!("kernel {} is named twice", kernel().release)]);
    assert_eq!(scratch.files(), ["a.c", "b.c"]);
}

#[test]
fn what_is_made_for_one_kernel_only_is_refused_for_two() {
    let scratch = Scratch::with_program();
    for (arguments, reason) in [
        (&["-c", "a.c"][..], "-c makes bitcode for one kernel"),
        (&["-E", "a.c"], "are for one kernel"),
        (&["a.c", "b.c", "--emit", "llvm-ir"], "only a program can be for several kernels"),
        (&["a.c", "b.c", "-S"], "only a program can be for several kernels"),
        (&["a.c", "b.c", "--passes", "kernel-asm"], "only a program can be for several kernels"),
        (&["-", "b.c"], "standard input"),
    ] {
        compile(&scratch, arguments).fails(1, &[reason]);
    }
    compile(&scratch, &["-fsyntax-only", "a.c", "b.c"]).succeeds();
    assert_eq!(scratch.files(), ["a.c", "b.c"]);
}

#[test]
fn intermediate_files_and_commands_are_those_of_each_kernel() {
    let scratch = Scratch::with_program();
    compile(&scratch, &["a.c", "b.c", "--save-temps", "--target", "host"]).succeeds();
    let (one, two) = (kernel().release.as_str(), other().release.as_str());
    for release in [one, two] {
        for name in [format!("a.{release}.clang.bc"), format!("a.{release}.host.o")] {
            assert!(scratch.path().join(&name).is_file(), "{name}: {:?}", scratch.files());
        }
    }
    let shown = compile(&scratch, &["a.c", "b.c", "-###", "--target", "host"]);
    assert_eq!((shown.status, shown.messages.lines().count()), (Some(0), 5), "{}", shown.messages);
    let link = shown.messages.lines().last().unwrap();
    assert!(link.contains(&format!("{one}.host.o")) && link.contains(&format!("{two}.host.o")), "{link}");
}

#[test]
fn dependencies_are_those_of_all_kernels() {
    let scratch = Scratch::with_program();
    compile(&scratch, &["a.c", "b.c", "--target", "host", "-MD"]).succeeds();
    let rules = String::from_utf8(scratch.read("a.d")).unwrap();
    for headers in [&kernel().common_headers, &other().common_headers] {
        let header = headers.join("include/linux/printk.h");
        assert!(rules.contains(&header.display().to_string()), "{}", header.display());
    }
}

#[test]
fn the_same_command_gives_the_same_bytes_for_several_kernels() {
    let scratch = Scratch::with_program();
    for target in [&["--target", "host"][..], &["--gpu-arch", "sm_80"]] {
        let arguments = [&["a.c", "b.c", "-o", "-"], target].concat();
        let elsewhere = tempfile::tempdir().unwrap();
        let first = compile(&scratch, &arguments).succeeds().output;
        let mut again = command(&scratch, &arguments);
        assert!(first == finish(again.env("TMPDIR", elsewhere.path()), b"").succeeds().output, "{target:?}");
    }
}

/// The parts that NVIDIA's tool sees in a fatbinary, with the kernels that they are for.
#[test]
fn nvidias_tool_reads_all_containers() {
    let scratch = Scratch::with_program();
    compile(&scratch, &["a.c", "b.c", "--gpu-arch", "sm_80,sm_90", "-o", "p.fatbin"]).succeeds();
    let shown = compile(&scratch, &["a.c", "b.c", "--gpu-arch", "sm_80", "-###"]).messages;
    let fatbinary = shown.lines().last().unwrap().split_whitespace().next().unwrap();
    let cuobjdump = Path::new(fatbinary).with_file_name("cuobjdump");
    let output = Command::new(cuobjdump).arg(scratch.path().join("p.fatbin")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let identifiers: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("identifier = ")).collect();
    let of = |kernel: &Kernel| vec![format!("{}.gpufas", kernel.release); 4];
    assert_eq!(identifiers, [of(kernel()), of(other())].concat(), "{text}");
}
