// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask bundle`: the demonstration, and the tests if they are asked for, with all that they need, for a machine with a GPU
//! that has neither network, QEMU nor a compiler: one folder with one command for each.

mod qemu;
mod tests;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use gpufas_guest::{Kernel, initramfs, kernels};

use crate::bundled_tests;
use crate::cargo::{build_release, target_dir};
use crate::recovery::{Target, all, compile};
use crate::ui::Step;
use crate::{output, setup};

/// What to put in, and where.
#[derive(clap::Args)]
pub struct Arguments {
    /// The guests' kernels, 6.1 unless told and, with the tests, 6.12. The first is the demonstration's, and most tests'
    #[arg(long)]
    kernel: Vec<String>,
    /// The tests as well
    #[arg(long)]
    tests: bool,
    /// With the tests, only these; all unless told
    #[arg(long, requires = "tests", value_parser = bundled_tests::names())]
    only: Vec<String>,
    /// Programs for this GPU architecture alone, as sm_90, which the tests' are for unless told; the demonstration's are for several
    #[arg(long)]
    gpu_arch: Option<String>,
    /// Differential tests of these sources alone, by the beginnings of their names
    #[arg(long)]
    source: Vec<String>,
    /// The archive to write, `.tar.xz`; a folder beside it is left as well
    #[arg(long)]
    output: Option<PathBuf>,
}

/// The kernel of the guests that most tests use; tests/src/tools.rs names it.
const KERNEL_OF_TESTS: &str = "6.1";

/// A kernel for which no program in the bundle is compiled: relocatable ones run on it.
const OTHER_KERNEL: &str = "6.12";

/// The file that names the demonstration's kernel.
const KERNEL: &str = "kernel";

/// Runs the demonstration out of the folder.
const RUN_SCRIPT: &str = r#"#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Repairs a Linux guest from this machine, on the host and on a GPU if there is one. Needs nothing but this folder.
here=$(dirname "$(readlink -f "$0")")
PATH="$here/qemu:$PATH"
GPUFAS_INITRAMFS="$here/initramfs.cpio"
export PATH GPUFAS_INITRAMFS
exec "$here/xtask" demo --bundle "$here" "$@"
"#;

/// Makes the bundle.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare(false)?;
    let names = kernels_of(arguments)?;
    let guests = names.iter().map(|name| Ok((name.as_str(), setup::kernel(kernels::find(name)?)?)));
    let guests = guests.collect::<Result<Vec<_>>>()?;
    let (first, kernel) = guests.first().context("no kernel")?;
    let binaries = build_release(&["gpufas-cc", "gpufas", "xtask"])?;
    let archive = arguments.output.clone().unwrap_or_else(|| target_dir().join("gpufas-bundle.tar.xz"));
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(stem) = name.strip_suffix(".tar.xz") else {
        bail!("{} does not end in .tar.xz", archive.display());
    };
    let folder = archive.with_file_name(stem);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let programs = folder.join("programs");
    make_folder(&programs)?;
    for program in all()? {
        for target in [Target::Host, Target::Cuda] {
            let options = match (&arguments.gpu_arch, target) {
                (Some(architecture), Target::Cuda) => &["--gpu-arch", architecture.as_str()][..],
                _ => &[],
            };
            let compiled = compile(&binaries.join("gpufas-cc"), &program, target, kernel, options)?;
            copy_into(&compiled, &programs)?;
        }
    }
    for binary in ["gpufas", "xtask"] {
        copy_into(&binaries.join(binary), &folder)?;
        tests::strip(&folder.join(binary));
    }
    for (name, kernel) in &guests {
        kernels::bundled::add(&folder, name, kernel)?;
    }
    write(&folder.join(KERNEL), first)?;
    copy(&initramfs::archive()?, &folder.join("initramfs.cpio"))?;
    qemu::collect(&folder.join("qemu"))?;
    script(&folder.join("run"), RUN_SCRIPT)?;
    if arguments.tests {
        let wanted = tests::Wanted {
            programs: &arguments.only,
            architecture: arguments.gpu_arch.as_deref(),
            sources: &arguments.source,
        };
        tests::add(&folder, &binaries, &wanted)?;
    }
    let step = Step::start(format!("packing {}", archive.display()));
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(archive.parent().unwrap_or(Path::new("."))).arg("-cJf").arg(&archive).arg(stem);
    tar.env("XZ_OPT", "-T0");
    output::run(&mut tar, |_| true)?;
    step.done("");
    println!("{}", archive.display());
    println!("On the machine with the GPU: tar -xf {name} && {stem}/run");
    if arguments.tests {
        println!("Its tests: {stem}/{}", tests::SCRIPT);
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of the guests' kernels.
fn kernels_of(arguments: &Arguments) -> Result<Vec<String>> {
    let named = &arguments.kernel;
    if named.is_empty() {
        let others = arguments.tests.then_some(OTHER_KERNEL);
        return Ok([KERNEL_OF_TESTS].into_iter().chain(others).map(str::to_owned).collect());
    }
    if arguments.tests && named.first().is_none_or(|first| first != KERNEL_OF_TESTS) {
        bail!("most tests' guests run {KERNEL_OF_TESTS}: --kernel {KERNEL_OF_TESTS} must come first");
    }
    Ok(named.clone())
}

/// The kernel of the demonstration in an unpacked bundle; it has no headers, since nothing is compiled there.
pub fn kernel(folder: &Path) -> Result<Kernel> {
    let name = fs::read_to_string(folder.join(KERNEL))
        .with_context(|| format!("{} is no unpacked bundle of `cargo xtask bundle`", folder.display()))?;
    let name = name.trim();
    let kernel = kernels::bundled::find(folder, name)?;
    kernel.with_context(|| format!("{} has no kernel {name}", folder.display()))
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn copy_into(file: &Path, folder: &Path) -> Result<()> {
    copy(file, &folder.join(file.file_name().unwrap_or_default()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn script(file: &Path, text: &str) -> Result<()> {
    write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", file.display()))
}
