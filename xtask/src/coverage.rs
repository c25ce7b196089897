// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask coverage`: how much of the kernels' headers and sources compiles.

use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use gpufas_coverage::{Compiler, Measured, measure, table};
use gpufas_guest::kernels::{self, KERNELS, KernelSpec};

use crate::cargo::{build_release, target_dir, workspace};
use crate::setup;
use crate::ui::{self, Step};

/// The document that keeps the figures.
const DOCUMENT: &str = "docs/coverage.md";

/// The documented table of reasons.
const REASONS: &str = "docs/compiler.md";

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
    let reasons = workspace().join(REASONS);
    let reasons =
        fs::read_to_string(&reasons).with_context(|| format!("cannot read {}", reasons.display()))?;
    let is_documented = |kind: &str| kind != "unknown-assembly" && reasons.contains(&format!("| `{kind}` |"));
    let (mut tables, mut failed) = (Vec::new(), false);
    for spec in specs {
        match of_kernel(&compiler, spec) {
            Ok(measured) => tables.push(table(&measured, &is_documented)),
            Err(error) => {
                ui::error(&format!("{}: {error:#}", spec.name));
                failed = true;
            }
        }
    }
    println!("{}", tables.join("\n"));
    if arguments.write {
        if failed {
            bail!("{DOCUMENT} is left as it is: not all kernels were measured");
        }
        let document = workspace().join(DOCUMENT);
        let text = format!("{INTRODUCTION}\n{}", tables.join("\n"));
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

`tests/coverage/headers.c` includes the headers that recovery programs may use. Every function that they define is compiled, called
or not, and counts only if neither it nor anything that it calls reaches what is refused, and if the whole module is accepted by
`ptxas -c` for sm_90 and by the code generator for the host. Assertions of the compile time (`BUILD_BUG_ON()`) that only hold
where a function is inlined end the program where they are reached, as `BUG()` does, and are no refusals.

A function is *complete* if it compiles, and nothing that it reaches is a kernel function that neither the file nor the runtime
defines; or, in the next line, any file of the kernel's `lib/` that compiles for both targets.

The kernel's sources are all of `lib/*.c`, `kernel/exit.c`, `kernel/pid.c`, `kernel/sched/build_policy.c`, `kernel/sched/core.c`,
`kernel/sched/fair.c`, `kernel/signal.c` and `mm/oom_kill.c`, each compiled with `--kernel-source` to relocatable code for both
targets. Some are not meant for the configuration of the kernel, or for a kernel at all (`lib/gen_crc32table.c`), and clang does
not take them.
";
