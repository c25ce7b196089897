// SPDX-License-Identifier: MIT OR Apache-2.0

//! What clang, LLVM and ptxas take from kernel code for a GPU and make something else of, without a word. Each case has a test here
//! that fails once gpufas-cc does nothing about it any more, and others that go deeper:
//!
//! | case | what is done | more tests |
//! | --- | --- | --- |
//! | 1. `atomicrmw seq_cst` becomes an atomic operation without semantics or scope | passes/src/retarget/atomics.rs | differential/atomics.c |
//! | 2. ptxas makes an unresolved `.extern .global` a variable of its own | src/device_runtime.rs, src/fatbinary.rs, src/cuda.rs | every_program_is_assembled_for_every_architecture (ptx.rs) |
//! | 3. `va_arg()` of x86-64 reads another list than NVPTX's `va_start()` makes | passes/src/variadic/ | passes/variadic/, passes/semantics/arguments.c, differential/language.c |
//! | 4. `returnaddress` and `frameaddress` become 0, an `extern_weak` variable a definition | passes/src/reachability/, passes/src/kernel_symbols/ | passes/reachability/impossible.ll |
//! | 5. a constant pointer in address space 256 becomes a load of the bare offset | passes/src/kernel_asm/address_space.rs | passes/kernel-asm/address-space.ll, passes/semantics/percpu.c |
//! | 6. llc copies x86 assembly into PTX | passes/src/kernel_asm/, passes/src/reachability/ | passes/kernel-asm/, passes/semantics/ |
//! | 7. -O2 makes calls of `bcmp()` and `strlen()`, which nothing defines | runtime/abi/src/symbols.rs (`LIBRARY`), passes/src/llview/ | passes/llview/library.ll, differential/strings.c |
//! | 8. ptxas loses values where it takes a whole program together | src/cuda.rs, runtime/host/src/launch/cuda/image.rs | differential/library_tree.c on a GPU |

use std::process::Command;

use object::{Object, ObjectSymbol};

use crate::scratch::{Scratch, finish};

/// The PTX of a program that is one entry point.
#[track_caller]
fn ptx(body: &str, before: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("p.c", entry(body, before));
    scratch.compile(&["p.c", "--emit", "ptx", "--gpu-arch", "sm_80", "-o", "-"]).succeeds().text()
}

/// The program's own code in PTX, without the runtime's.
fn program(ptx: &str) -> &str {
    let (_, from) = ptx.split_once(" gpufas_program_go(").expect("no program");
    let (_, body) = from.split_once("\n{\n").expect("no body");
    body.split("\n}\n").next().expect("no end")
}

fn entry(body: &str, before: &str) -> String {
    format!(
        "#include <gpufas/gpufas.h>\n#include <linux/stdarg.h>\n{before}\n\
         GPUFAS_ENTRY(go, \"test\", unsigned long, at, unsigned long, n)\n{{\n{body}\n}}\n"
    )
}

/// 1. The memory of the system is shared with its CPUs, so the scope is the whole system.
#[test]
fn atomic_operations_are_ordered_for_the_whole_system() {
    let text = ptx("return __atomic_fetch_add((int *)at, n, __ATOMIC_SEQ_CST);", "");
    let accesses = ["fence.sc.sys;", "ld.volatile.", "st.volatile.", "atom.", "red.", "membar."];
    let code = program(&text);
    let lines = code.lines().map(str::trim_start);
    let found: Vec<_> =
        lines.filter_map(|line| accesses.into_iter().find(|access| line.starts_with(access))).collect();
    assert_eq!(found, ["fence.sc.sys;", "ld.volatile.", "st.volatile.", "fence.sc.sys;"], "{code}");
}

/// 2. In three places, since any later one knows less of what is missing.
#[test]
fn a_variable_that_nothing_defines_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    scratch.write("p.c", entry("return helper(n);", "int helper(int x);"));
    scratch.write(
        "helper.ll",
        "target triple = \"x86_64-unknown-linux-gnu\"\n@gpufas.nobody = external global i32\n\
         define i32 @helper(i32 %x) {\n  %v = load volatile i32, ptr @gpufas.nobody\n  ret i32 %v\n}\n",
    );
    let outcome =
        scratch.compile(&["-w", "p.c", "helper.ll", "--emit", "cubin", "--gpu-arch", "sm_80", "-o", "out"]);
    assert_ne!(outcome.status, Some(0), "{}", outcome.messages);
    assert!(outcome.messages.contains("undefined") && outcome.messages.contains("gpufas_nobody"));
    assert!(!scratch.files().contains(&"out".to_owned()));
}

/// 2. ptxas itself, with the options that it gets, and without.
#[test]
fn ptxas_gets_no_variable_of_its_own_past_its_options() {
    let scratch = Scratch::with_program();
    scratch.write(
        "unresolved.ptx",
        ".version 7.0\n.target sm_80\n.address_size 64\n.extern .global .align 4 .b32 nobody;\n\
         .visible .entry go(.param .u64 at)\n{\n.reg .b32 %r<2>;\n.reg .b64 %rd<2>;\n\
         ld.param.u64 %rd1, [at];\nld.global.u32 %r1, [nobody];\nst.global.u32 [%rd1], %r1;\nret;\n}\n",
    );
    let shown = scratch.compile(&["a.c", "b.c", "-###", "--emit", "cubin", "--gpu-arch", "sm_80"]);
    let line = shown.messages.lines().find(|line| line.contains("/ptxas ")).unwrap_or_default().to_owned();
    let mut words = line.split_whitespace();
    let ptxas = words.find(|word| word.ends_with("/ptxas")).unwrap();
    let options: Vec<_> = words.filter(|word| word.starts_with('-') && *word != "-o").collect();
    let assemble = |options: &[&str]| {
        let mut command = Command::new(ptxas);
        command.current_dir(scratch.path()).args(options).args(["unresolved.ptx", "-o", "unresolved.cubin"]);
        finish(&mut command, b"")
    };
    let outcome = assemble(&options);
    assert_ne!(outcome.status, Some(0), "{options:?}");
    // Once this fails, ptxas has changed its mind.
    assert_eq!(assemble(&["-arch=sm_80"]).status, Some(0));
}

/// 3. What the caller hands over is what the list reads: known numbers come out as the number that they make.
#[test]
fn variable_arguments_are_read_from_where_they_are() {
    let before = "struct even { long a, b; } __attribute__((aligned(16)));\n\
         static inline long sum(int n, ...)\n{\n\tva_list list;\n\tlong sum = 0;\n\n\tva_start(list, n);\n\
         \twhile (n--)\n\t\tsum = sum * 10 + va_arg(list, int);\n\tsum = sum * 10 + va_arg(list, struct even).b;\n\
         \tva_end(list);\n\treturn sum;\n}\n";
    let text =
        ptx("struct even e = { 8, 9 };\n*(long *)at = sum(7, 1, 2, 3, 4, 5, 6, 7, e);\nreturn 0;", before);
    assert!(text.contains("12345679"), "{text}");
}

/// 4. There is no stack of the kernel.
#[test]
fn addresses_of_stack_frames_are_errors() {
    for function in ["__builtin_return_address(0)", "__builtin_frame_address(0)"] {
        let scratch = Scratch::new();
        scratch.write("p.c", entry(&format!("return (long){function} & 1;"), ""));
        for target in ["cuda", "host"] {
            let outcome = scratch.compile(&["p.c", "--target", target]);
            outcome.fails(1, &["p.c:6:", "a recovery program has no stack frame of the kernel"]);
        }
    }
}

/// 4. A weak variable is the kernel's, or there is none: never one of the program's own.
#[test]
fn a_weak_variable_that_is_declared_only_is_the_kernels() {
    let text = ptx("return &perhaps ? perhaps : -1;", "extern int perhaps __attribute__((weak));");
    assert!(!text.contains("perhaps") && text.contains(", [gpufas_symbol_table];"), "{text}");
}

/// 5. Offset 40 of this CPU's area is nowhere near address 40.
#[test]
fn a_pointer_relative_to_this_cpu_is_no_bare_offset() {
    let text = ptx("return *(volatile int __seg_gs *)40;", "");
    let code = program(&text);
    assert!(!code.contains("[40]") && code.contains("[gpufas_context+"), "{code}");
    // As an address, it is a number as any other.
    let compared = "return (int __seg_gs *)at == (int __seg_gs *)&own || (int *)kept[n & 1] == &own;";
    let before =
        "static int own;\nstatic int __seg_gs *const kept[] = { (int __seg_gs *)&own, (int __seg_gs *)8 };";
    let scratch = Scratch::new();
    scratch.write("p.c", entry(compared, before));
    scratch.compile(&["p.c", "--emit", "cubin", "--gpu-arch", "sm_80"]).succeeds();
    scratch.for_host(&["p.c"]).succeeds();
}

/// 6. Assembly becomes operations, or is an error at its place.
#[test]
fn no_assembly_of_the_cpus_gets_into_ptx() {
    let add = "asm volatile(\"lock; xaddq %0, %1\" : \"+r\"(n), \"+m\"(*(long *)at) : : \"memory\");";
    let text = ptx(&format!("{add}\nreturn n & 1;"), "");
    assert!(!text.contains("xadd") && !text.contains("lock"), "{text}");
    for unknown in ["frobnicate %0", "vzeroall", "rdtsc"] {
        let scratch = Scratch::new();
        scratch.write(
            "p.c",
            entry(&format!("asm volatile(\"{unknown}\" : \"+a\"(n) : : \"rdx\");\nreturn n;"), ""),
        );
        scratch.compile(&["p.c"]).fails(1, &["p.c:6:", "no meaning in a recovery program"]);
    }
}

/// 7. What the optimiser makes of loops and comparisons is the runtime's.
#[test]
fn calls_that_the_optimiser_makes_are_of_the_runtimes_functions() {
    let before = "static noinline unsigned long length(const char *text)\n{\n\tconst char *end = text;\n\n\
         \twhile (*end)\n\t\tend++;\n\treturn end - text;\n}\n";
    let body = "return length((char *)at) + 2 * !__builtin_memcmp((char *)at, (char *)n, n & 63);";
    let scratch = Scratch::new();
    scratch.write("p.c", entry(body, before));
    let text = scratch.compile(&["p.c", "--emit", "llvm-ir", "-o", "-"]).succeeds().text();
    for name in ["gpufas_lib_strlen", "gpufas_lib_bcmp"] {
        assert!(text.contains(&format!("@{name}(")), "clang and LLVM make no call of it any more: {name}");
    }
    let text = ptx(body, before);
    assert!(!text.contains(".extern"), "{text}");
    scratch.compile(&["p.c", "--emit", "cubin", "--gpu-arch", "sm_80"]).succeeds();
    scratch.for_host(&["p.c"]).succeeds();
}

/// 8. What it loses shows in large programs only (differential/library_tree.c, on a GPU), but not that it takes a program
///    together: each entry point then has copies of functions.
#[test]
fn ptxas_compiles_each_function_by_itself() {
    let scratch = Scratch::new();
    let two = "GPUFAS_ENTRY(other, \"test\", unsigned long, at)\n{\nreturn *(int *)at;\n}\n";
    scratch.write("p.c", entry("return *(int *)at;", "") + two);
    let compile = ["p.c", "--emit", "cubin", "--gpu-arch", "sm_90", "--save-temps", "-o", "p.cubin"];
    let shown = scratch.compile(&[&compile[..], &["-###"]].concat()).messages;
    scratch.compile(&compile).succeeds();
    let functions = |cubin: &str| -> Vec<String> {
        let cubin = scratch.read(cubin);
        let file = object::File::parse(cubin.as_slice()).unwrap();
        file.symbols().filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect()
    };
    let copies = |of: &[String]| of.iter().filter(|name| name.ends_with("$gpufas_translate_load")).count();
    let found = functions("p.cubin");
    assert!(found.iter().any(|name| name == "gpufas_translate_load") && copies(&found) == 0, "{found:?}");
    // Once this fails, ptxas has changed its mind.
    let ptxas = shown.split_whitespace().find(|word| word.ends_with("/ptxas")).unwrap();
    let mut command = Command::new(ptxas);
    command.current_dir(scratch.path()).args(["-arch=sm_90", "p.sm_90.ptx", "-o", "together.cubin"]);
    finish(&mut command, b"").succeeds();
    assert_eq!(copies(&functions("together.cubin")), 2);
}
