// SPDX-License-Identifier: MIT OR Apache-2.0

//! The text of `--help`.

/// What `--help` prints.
pub const HELP: &str = "\
Compile recovery programs, written in C like kernel code, for GPUs and for the hosts of virtual machines.

Usage: gpufas-cc [options] file...

Inputs are C sources (.c), LLVM IR (.ll), LLVM bitcode (.bc, .o of `gpufas-cc -c`), or - for C on standard input.

Kernel:
  --kernel RELEASE         the kernel that the program is for, as `uname -r` says it; given several times, the
                           program holds a variant for each
  --kernel-headers DIR     its headers, if they are not where the release says; DIR says the release
  --btf FILE               its type information, with which layouts are compared: /sys/kernel/btf/vmlinux or a copy, a
                           vmlinux or vmlinuz; else looked for where the kernel's image may be
  --check-layout all       compare all structures that the inputs and their headers define, print a line of JSON
                           for each kernel, and make nothing
  --type NAME              with --emit header: define only this structure, union, enumeration or typedef; may be
                           given several times
  --kernel-source DIR      the sources that it was built from; inputs inside are compiled as its build does
  --relocatable            look up offsets of members and sizes of structures when the program is loaded, so that it
                           also runs on other builds of the same series and flavour
  --accept SERIES          and on all kernels of these series (6.1,6.12), for whose macros and functions you answer
  --own PATTERN            a variable of a kernel source, or the address of a function, is the program's own
  --kernel-symbol PATTERN  a variable of the user's, or the address of a function, is the running kernel's;
                           patterns are NAME or FILE:NAME (as lib/test_*.c:*), and the last one counts

Output:
  -o FILE                  write to FILE; - is standard output
  --target cuda|host       what the program runs on (cuda)
  --gpu-arch LIST          GPU architectures, as sm_80,sm_90 (one of each generation that ptxas knows); PTX for
                           those between and after them is always included
  --emit KIND              llvm-ir, bitcode, ptx, cubin, asm, object or fatbin (a shared object for the host);
                           header: of no inputs, a C header with all types of the kernel of --btf, on standard
                           output if there is no -o
  -c                       compile each input to bitcode, to be linked later; with --emit object, cubin, ptx or asm to
                           relocatable code, with --emit summary to a list of what each function needs, as JSON
  -fkeep-inline-functions  make code of all functions that headers define, whether they are called or not
  -S                       the same as --emit asm
  -E, -fsyntax-only        preprocess, or check, only
  --passes LIST            run only these passes on the input (layout, relocate, kernel-asm, kernel-symbols,
                           entry-points, labels, variadic, aliases, callable-functions, optimize, function-pointers,
                           reachability, symbol-table, relocation-table, llview, translate-once, budget,
                           retarget), with --emit llvm-ir

Code:
  -O0 -O1 -O2 -O3          optimization (-O2; kernel headers need at least -O1, which -O0 means here)
  --locks check|take|refuse  what taking a lock of the kernel's means: it must be free, else the program is run again
                           later (check); it is taken, on the host only (take); an error (refuse)
  --translate once|every   how kernel addresses are translated: once for each object (once); at every access, by a
                           walk of the page tables, to compare with (every)
  --schedule wake-queue|run-queue  how tasks that sleep are woken: they are left to their CPUs (wake-queue); by the
                           kernel's own scheduler, which is compiled along from --kernel-source (run-queue); a list
                           of both is tried in its order
  --allocation refuse|own  what kmalloc() and its like mean: an error (refuse); memory of the program's own, which the
                           kernel must never come to know of (own)
  -g                       debug information: DWARF for the host, source lines for GPUs
  -I -D -U -include -isystem -f...    as for clang

Messages:
  -W...                    clang's, and for warnings of the passes -W[no-]CLASS, -W[no-]error[=CLASS], -w;
                           --help-warnings lists their classes
  -Rpass=REGEX -Rpass-missed=REGEX -Rpass-analysis=REGEX
                           say what passes with such names did, did not do, found out
  --diagnostics text|json  messages for people, or one JSON object a line (text)

Dependencies:
  -MD -MMD -MF FILE -MT TARGET -MQ TARGET -MP -M -MM   as for clang; several inputs make one file

Other:
  --cuda-path DIR          the CUDA toolkit to use
  -v                       show the commands that are run
  -###                     show them without running them
  --save-temps             keep intermediate files beside the output
  @FILE                    read more arguments from FILE
  --version, --help

Environment: CUDA_HOME, CUDA_PATH; GPUFAS_CLANG names another clang 22; GPUFAS_INCLUDE another folder with
gpufas/gpufas.h; TMPDIR; NO_COLOR.

Exit status: 0; 1, the input is at fault; 2, the machine or the installation is.
";
