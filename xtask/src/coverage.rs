// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask coverage`: how much of the kernels' headers and sources compiles.

use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use gpufas_coverage::{Compiler, Measured, Reasons, measure, overview, table};
use gpufas_guest::kernels::{self, KERNELS, KernelSpec};

use crate::cargo::{build_release, target_dir, workspace};
use crate::setup;
use crate::ui::{self, Step};

/// The document that keeps the figures.
const DOCUMENT: &str = "docs/coverage.md";

/// What is measured.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which kernels; those of every test run unless told
    kernels: Vec<String>,
    /// Write the figures to docs/coverage.md
    #[arg(long)]
    write: bool,
}

/// Measures, and prints a table for each kernel. One that cannot be measured does not stop the others.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare(false)?;
    let specs: Vec<&KernelSpec> = match arguments.kernels.as_slice() {
        [] => KERNELS.iter().filter(|spec| spec.often).collect(),
        names => names.iter().map(|name| kernels::find(name)).collect::<Result<_, _>>()?,
    };
    let path = build_release(&["gpufas-cc"])?.join("gpufas-cc");
    let compiler = Compiler { path, folder: target_dir().join("coverage") };
    let reasons = Reasons::read()?;
    let (mut all, mut failed) = (Vec::new(), false);
    for spec in specs {
        match of_kernel(&compiler, spec) {
            Ok(measured) => all.push(measured),
            Err(error) => {
                ui::error(&format!("{}: {error:#}", spec.name));
                failed = true;
            }
        }
    }
    let tables: Vec<String> = all.iter().map(|measured| table(measured, &reasons)).collect();
    let text = format!("{}\n{}", overview(&all, &reasons), tables.join("\n"));
    print!("{text}");
    if arguments.write {
        if failed {
            bail!("{DOCUMENT} is left as it is: not all kernels were measured");
        }
        let document = workspace().join(DOCUMENT);
        let text = format!("{INTRODUCTION}\n{text}");
        fs::write(&document, text).with_context(|| format!("cannot write {}", document.display()))?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn of_kernel(compiler: &Compiler, spec: &KernelSpec) -> Result<Measured> {
    let kernel = setup::kernel(spec)?;
    let source = setup::kernel_source(spec)?;
    // Told by several threads.
    let step = Mutex::new(Step::start(format!("compiling headers and sources of {}", kernel.release)));
    let measured = measure(compiler, &kernel, &source, &|_, done, all| {
        if let Ok(step) = step.lock() {
            step.percent(100.0 * done as f64 / all as f64);
        }
    })?;
    if let Ok(step) = step.into_inner() {
        step.done("");
    }
    Ok(measured)
}

/// What stands before the tables.
const INTRODUCTION: &str = "\
<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->

# What of the kernel compiles

`cargo xtask coverage --write` has measured this; nobody edits the figures.

`tests/coverage/headers.c` includes the headers that recovery programs may use. What the rows of the table count:

* *Functions of the headers*: all that they define, called or not. One counts only if neither it nor anything that it calls reaches
  what is refused, and if the module of all of them is accepted by `ptxas -c` for sm_90 and by the code generator for the host.
  Assertions of the compile time (`BUILD_BUG_ON()`) that only hold where a function is inlined end the program where they are
  reached, as `BUG()` does, and are no refusals. It should be 96.9 % on 5.10, 97.4 % on 6.1, 97.2 % on 6.12 and 97.6 % on 7.2: all
  but what needs a privileged instruction or an I/O instruction.
* *Refused functions*: the classes of reasons are those of [the documented table](compiler.md#kernel-asm).
* *Complete* is a function that compiles, if nothing that it reaches is a kernel function that neither the file nor the runtime
  defines, nor any file of the kernel's `lib/` that compiles for both targets and is compiled along. It should be 80 %.
* *Kernel sources* are all of `lib/*.c`, `kernel/exit.c`, `kernel/pid.c`, `kernel/sched/build_policy.c`, `kernel/sched/core.c`,
  `kernel/sched/fair.c`, `kernel/signal.c` and `mm/oom_kill.c`, each compiled with `--kernel-source` to relocatable code for both
  targets. Those that clang takes with the kernel's own configuration count, also where it does not take them with what
  [gpufas-cc leaves out of that](../runtime/include/gpufas/kernel_config.h).
* *Named types*: all that the headers define, as `gpufas-cc --check-layout all` compares them with the BTF in the kernel's image.
* *Templates of assembly*: each distinct one in the headers' functions. Tests execute it on generated operands, as it is and as IR,
  and compare results, conditions and memory; or it is refused, since it cannot run in a process or no assembler takes it, for a
  reason in `tests/passes/semantics/not-executed.txt`.
";
