// SPDX-License-Identifier: MIT OR Apache-2.0

//! Makes the machine ready: looks for what is needed and gets what is missing. Where all is there, it costs
//! milliseconds and asks no network.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use gpufas_guest::kernels::{KERNELS, KernelSpec};
use gpufas_guest::{Kernel, initramfs};

use crate::requirements::{REQUIREMENTS, Requirement, Source};
use crate::ui::Step;
use crate::{apt, cuda, output, ui};

/// Something is missing that only a person can get.
#[derive(Debug)]
pub struct NeedsHelp(pub String);

impl std::fmt::Display for NeedsHelp {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NeedsHelp {}

/// `cargo xtask setup`.
pub fn run() -> Result<std::process::ExitCode> {
    install_missing(|_| true)?;
    prepare_first_process()?;
    for spec in KERNELS.iter().filter(|spec| spec.often) {
        kernel(spec)?;
        kernel_source(spec)?;
    }
    ui::note("everything is in place");
    Ok(std::process::ExitCode::SUCCESS)
}

/// Installs what the tools of this repository need, and formatter and linter where tests are run.
pub fn prepare(tests: bool) -> Result<()> {
    install_missing(|requirement| tests || !matches!(requirement.source, Source::Component(_)))?;
    prepare_first_process()
}

/// Installs what guests alone need.
pub fn prepare_guests() -> Result<()> {
    install_missing(|requirement| ["cc", "libc.a", "qemu-system-x86_64"].contains(&requirement.name))?;
    prepare_first_process()
}

fn prepare_first_process() -> Result<()> {
    if initramfs::built()?.is_none() {
        let step = Step::start("building the guests' first process");
        initramfs::archive()?;
        step.done("");
    }
    Ok(())
}

/// A kernel for guests, from the cache folder or the network.
pub fn kernel(spec: &KernelSpec) -> Result<Kernel> {
    if let Some(kernel) = spec.cached()? {
        return Ok(kernel);
    }
    let step = Step::start(format!("fetching kernel {}", spec.name));
    let kernel = spec.fetch(&|progress| step.tell(progress))?;
    step.done(&kernel.release);
    Ok(kernel)
}

/// Kernels with their sources, each from the cache folder or the network. Says what is wrong with those that cannot be had, which
/// does not stop the others.
pub fn kernels<'a>(specs: impl IntoIterator<Item = &'a KernelSpec>) -> Vec<String> {
    let failed = specs.into_iter().filter_map(|spec| {
        let result = kernel(spec).and_then(|_| kernel_source(spec));
        result.err().map(|error| format!("the set-up of kernel {}: {error:#}", spec.name))
    });
    failed.collect()
}

/// A kernel's own sources, from the cache folder or the network.
pub fn kernel_source(spec: &KernelSpec) -> Result<PathBuf> {
    if let Some(folder) = spec.cached_source()? {
        return Ok(folder);
    }
    let step = Step::start(format!("fetching the sources of kernel {}", spec.name));
    let folder = spec.source(&|progress| step.tell(progress)).with_context(|| {
        format!(
            "the sources are those of the kernel that is in the cache; if the archive has newer ones only, \
             `cargo xtask kernels fetch --update --source {}` takes these and the kernel of them",
            spec.name
        )
    })?;
    step.done("");
    Ok(folder)
}

fn install_missing(wanted: impl Fn(&Requirement) -> bool) -> Result<()> {
    let missing: Vec<_> = REQUIREMENTS.iter().filter(|one| wanted(one) && one.find().is_none()).collect();
    let wheels = missing.iter().any(|one| one.source == Source::Wheel);

    let mut packages: Vec<&str> = missing.iter().filter_map(|one| package(one)).collect();
    if wheels && !cuda::has_pip() {
        packages.push("python3-pip");
    }
    if !packages.is_empty() {
        apt::install(&packages)?;
    }
    let components: Vec<&str> = missing.iter().filter_map(|one| component(one)).collect();
    if !components.is_empty() {
        add_components(&components)?;
    }
    if wheels {
        cuda::install()?;
    }

    // What was installed may not be what was looked for, as with an older package of the same name.
    let still: Vec<String> = missing
        .iter()
        .filter(|one| one.find().is_none())
        .map(|one| format!("{} ({}): {}", one.name, one.purpose, one.how()))
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    anyhow::bail!(NeedsHelp(format!(
        "still missing after the set-up, or not of the right version:\n  {}\n`cargo xtask doctor` says more",
        still.join("\n  ")
    )))
}

fn package(requirement: &Requirement) -> Option<&'static str> {
    match requirement.source {
        Source::Package(package) => Some(package),
        _ => None,
    }
}

fn component(requirement: &Requirement) -> Option<&'static str> {
    match requirement.source {
        Source::Component(component) => Some(component),
        _ => None,
    }
}

fn add_components(components: &[&str]) -> Result<()> {
    if output::find_program("rustup").is_none() {
        anyhow::bail!(NeedsHelp(format!(
            "the Rust toolchain lacks {}, and there is no rustup to add it",
            components.join(" and ")
        )));
    }
    let step = Step::start(format!("adding {} to the Rust toolchain", components.join(" and ")));
    output::run(Command::new("rustup").args(["component", "add"]).args(components), |_| true)?;
    step.done("");
    Ok(())
}
