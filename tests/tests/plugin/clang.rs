// SPDX-License-Identifier: MIT OR Apache-2.0

//! The plugin in `clang`: programs of one file, around clang's own optimisation.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run::{Outcome, Test, finish, plugin};
use crate::tools;

/// All of them.
pub const TESTS: &[Test] = &[
    ("clang makes an object of a program", object),
    ("clang shows errors at their lines", errors),
    ("clang shows remarks at their lines", remarks),
    ("clang -O0 is refused", no_optimization),
    ("clang warns of what is no program", no_program),
    ("clang's own errors are unchanged", own_errors),
];

/// A program that reads the kernel's list of tasks.
const PROGRAM: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/sched/signal.h>\n\
    GPUFAS_ENTRY(count, \"count tasks\")\n\
    {\n\
    \tstruct task_struct *task;\n\
    \tint count = 0;\n\
    \n\
    \tfor_each_process(task)\n\
    \t\tcount += test_bit(TIF_SIGPENDING, &task->thread_info.flags);\n\
    \treturn count;\n\
    }\n";

/// One that cannot be.
const REFUSED: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/sched.h>\n\
    #include <asm/special_insns.h>\n\
    static noinline void use(void)\n\
    {\n\
    \tschedule();\n\
    \twbinvd();\n\
    }\n\
    GPUFAS_ENTRY(go, \"test\")\n\
    {\n\
    \tuse();\n\
    \treturn 0;\n\
    }\n";

/// Runs clang as the compiler runs it, but with its optimisation and the plugin. The source is `c.c` in `folder`.
fn clang(folder: &Path, source: &str, options: &[&str]) -> Result<Outcome> {
    std::fs::write(folder.join("c.c"), source)?;
    let mut compiler = Command::new(tools::gpufas_cc()?);
    compiler.args(["-###", "--target", "host", "c.c", "--kernel-headers"]).arg(tools::kernel_headers()?);
    let shown = finish(compiler.current_dir(folder))?.messages;
    let words = shown.lines().next().and_then(shlex::split).context("no command")?;
    let (program, flags) = words.split_first().context("an empty command")?;
    let mut command = Command::new(program);
    let output = flags.iter().position(|flag| flag == "-emit-llvm").context("no -emit-llvm")?;
    command.args(flags[..output].iter().filter(|flag| *flag != "-Xclang" && *flag != "-disable-llvm-passes"));
    command.arg(format!("-fpass-plugin={}", plugin()?.display())).args(options);
    finish(command.arg("c.c").current_dir(folder))
}

fn object() -> Result<()> {
    let folder = tempfile::tempdir()?;
    clang(folder.path(), PROGRAM, &["-c", "-o", "c.o"])?.succeeds()?;
    let mut names = Command::new(tools::llvm("llvm-nm")?);
    let names = finish(names.arg(folder.path().join("c.o")))?.succeeds()?.output;
    for (name, kind) in [
        ("gpufas_entry_count", 'T'),
        ("gpufas_symbol_table", 'B'),
        ("gpufas_translate_load", 'U'),
        ("gpufas_count", 'U'),
    ] {
        ensure!(names.contains(&format!(" {kind} {name}\n")), "no {name} in:\n{names}");
    }
    let undefined: Vec<_> = names.lines().filter_map(|line| line.trim().strip_prefix("U ")).collect();
    ensure!(undefined.iter().all(|name| name.starts_with("gpufas_")), "the kernel is needed: {undefined:?}");
    Ok(())
}

fn errors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = clang(folder.path(), REFUSED, &["-c", "-o", "c.o"])?.fails(&[
        "c.c:6:2: error: call of `schedule`, which is not defined\n",
        "c.c:11:2: note: in `use`, called from `go` here\n",
        "    6 |         schedule();\n      |         ^\n",
        "c.c:7:2: error: inline assembly that has no meaning in a recovery program: instruction `wbinvd`",
        "special_insns.h:120:2: note: it is in `native_wbinvd`, here\n",
    ])?;
    ensure!(outcome.messages.ends_with("2 errors generated.\n"), "{}", outcome.messages);
    ensure!(!folder.path().join("c.o").exists(), "clang wrote an object with errors");
    Ok(())
}

fn remarks() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = clang(folder.path(), PROGRAM, &["-Rpass=llview|entry-points", "-c", "-o", "c.o"])?;
    ensure!(outcome.status == 0, "{}", outcome.messages);
    for text in ["c.c:8:2: remark: load of 8 bytes is translated [-Rpass=llview]\n", "`count` is exported as"]
    {
        ensure!(outcome.messages.contains(text), "no {text:?} in: {}", outcome.messages);
    }
    Ok(())
}

fn no_optimization() -> Result<()> {
    let folder = tempfile::tempdir()?;
    clang(folder.path(), PROGRAM, &["-O0", "-c", "-o", "c.o"])?.fails(&["error: ", "-O1"])?;
    Ok(())
}

fn no_program() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("c.c"),
        "int f(int *p)\n{\n\tasm volatile(\"lock; incl %0\" : \"+m\"(*p));\n\treturn *p;\n}\n",
    )?;
    let mut command = Command::new(tools::llvm("clang")?);
    command.arg(format!("-fpass-plugin={}", plugin()?.display()));
    command.args(["-O2", "-S", "-emit-llvm", "-o", "-", "c.c"]).current_dir(folder.path());
    let outcome = finish(&mut command)?;
    ensure!(outcome.status == 0, "{}", outcome.messages);
    ensure!(outcome.messages.contains("warning: the file has no entry point"), "{}", outcome.messages);
    ensure!(outcome.messages.contains("1 warning generated."), "{}", outcome.messages);
    ensure!(
        outcome.output.contains("atomicrmw add") && !outcome.output.contains("gpufas_"),
        "{}",
        outcome.output
    );
    Ok(())
}

fn own_errors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = clang(folder.path(), "int f(void) { return x; }\n", &["-c", "-o", "c.o"])?;
    outcome.fails(&["c.c:1:22: error: use of undeclared identifier 'x'"])?;
    Ok(())
}
