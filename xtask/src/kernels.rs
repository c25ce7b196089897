// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask kernels`: the kernels that guests run.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Subcommand;
use gpufas_guest::Kernel;
use gpufas_guest::kernels::{self, KERNELS, KernelSpec};

use crate::setup;
use crate::ui::Step;

/// What to do.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// List them (what happens unless told)
    List,
    /// Fetch those that are not in the cache folder, and say where they are
    Fetch {
        /// Which; all unless told
        names: Vec<String>,
        /// Fetch the newest build, whatever is there
        #[arg(long)]
        update: bool,
        /// Fetch the kernels' own sources as well
        #[arg(long)]
        source: bool,
    },
}

/// Lists or fetches.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.what {
        None | Some(What::List) => list()?,
        Some(What::Fetch { names, update, source }) => fetch(names, *update, *source)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list() -> Result<()> {
    for spec in KERNELS {
        let state = spec.cached()?.map_or_else(|| "not fetched".to_owned(), |kernel| kernel.release);
        println!("{:8} {state:24} {} ({})", spec.name, spec.flavour, spec.suites.join(", "));
    }
    Ok(())
}

fn fetch(names: &[String], update: bool, source: bool) -> Result<()> {
    let specs: Vec<&KernelSpec> = match names {
        [] => KERNELS.iter().collect(),
        names => names.iter().map(|name| kernels::find(name)).collect::<Result<_, _>>()?,
    };
    // One that cannot be had does not stop the others.
    let mut failed = Vec::new();
    for spec in specs {
        if let Err(error) = fetch_one(spec, update, source) {
            failed.push(format!("{}: {error:#}", spec.name));
        }
    }
    ensure!(failed.is_empty(), "some kernels could not be fetched:\n{}", failed.join("\n"));
    Ok(())
}

fn fetch_one(spec: &KernelSpec, update: bool, source: bool) -> Result<()> {
    let kernel = if update { newest(spec)? } else { setup::kernel(spec)? };
    println!("{}\n  image    {}", kernel.release, kernel.vmlinuz.display());
    println!("  headers  {}\n           {}", kernel.headers.display(), kernel.common_headers.display());
    println!("  modules  {}", kernel.modules.display());
    if source {
        println!("  source   {}", setup::kernel_source(spec)?.display());
    }
    Ok(())
}

fn newest(spec: &KernelSpec) -> Result<Kernel> {
    let step = Step::start(format!("fetching the newest {}", spec.name));
    let kernel = spec.update(&|progress| step.tell(progress))?;
    step.done(&kernel.release);
    Ok(kernel)
}
