// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask bundle`: the demonstration with all that it needs, for a machine with a GPU that has neither network, QEMU nor
//! a compiler: one folder with one command in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use gpufas_guest::{Kernel, initramfs, kernels};

use crate::cargo::{build_release, target_dir};
use crate::recovery::{Target, all, compile};
use crate::ui::Step;
use crate::{output, setup};

/// What to put in, and where.
#[derive(clap::Args)]
pub struct Arguments {
    /// The guest's kernel
    #[arg(long, default_value = "6.1")]
    kernel: String,
    /// The archive to write, `.tar.xz`; a folder beside it is left as well
    #[arg(long)]
    output: Option<PathBuf>,
}

/// Firmware that QEMU loads to start a Linux kernel on a q35 machine.
const FIRMWARE: &[&str] = &["bios-256k.bin", "linuxboot_dma.bin", "kvmvapic.bin"];

/// Where Debian's QEMU has its firmware.
const FIRMWARE_FOLDERS: &[&str] = &["/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu"];

/// QEMU's software emulation, which is a module of its own in some builds and built in in others.
const MODULES: &[&str] = &["accel-tcg-x86_64.so"];

/// Where Debian's QEMU has its modules.
const MODULE_FOLDERS: &[&str] = &["/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib/qemu"];

/// Starts QEMU with its own libraries, firmware and modules.
const QEMU_SCRIPT: &str = r#"#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
here=$(dirname "$(readlink -f "$0")")
QEMU_MODULE_DIR="$here/modules"
export QEMU_MODULE_DIR
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/qemu" -L "$here/firmware" "$@"
"#;

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
    let kernel = setup::kernel(kernels::find(&arguments.kernel)?)?;
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
            let compiled = compile(&binaries.join("gpufas-cc"), &program, target, &kernel)?;
            copy_into(&compiled, &programs)?;
        }
    }
    for binary in ["gpufas", "xtask"] {
        copy_into(&binaries.join(binary), &folder)?;
    }
    copy(&kernel.vmlinuz, &folder.join("vmlinuz"))?;
    write(&folder.join("release"), &kernel.release)?;
    copy(&initramfs::archive()?, &folder.join("initramfs.cpio"))?;
    qemu(&folder.join("qemu"))?;
    script(&folder.join("run"), RUN_SCRIPT)?;
    let step = Step::start(format!("packing {}", archive.display()));
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(archive.parent().unwrap_or(Path::new("."))).arg("-cJf").arg(&archive).arg(stem);
    output::run(&mut tar, |_| true)?;
    step.done("");
    println!("{}", archive.display());
    println!("On the machine with the GPU: tar -xf {name} && {stem}/run");
    Ok(ExitCode::SUCCESS)
}

/// The kernel in an unpacked bundle; it has no headers, since nothing is compiled there.
pub fn kernel(folder: &Path) -> Result<Kernel> {
    let release = fs::read_to_string(folder.join("release"))
        .with_context(|| format!("{} is no unpacked bundle of `cargo xtask bundle`", folder.display()))?;
    Ok(Kernel {
        release: release.trim().to_owned(),
        vmlinuz: folder.join("vmlinuz"),
        headers: PathBuf::new(),
        common_headers: PathBuf::new(),
        modules: PathBuf::new(),
        config: PathBuf::new(),
    })
}

/// QEMU with everything that it loads.
fn qemu(folder: &Path) -> Result<()> {
    let step = Step::start("collecting QEMU and its libraries".to_owned());
    let program =
        find(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()), "qemu-system-x86_64")?;
    let (libraries, modules, firmware) =
        (folder.join("lib"), folder.join("modules"), folder.join("firmware"));
    for place in [&libraries, &modules, &firmware] {
        make_folder(place)?;
    }
    copy(&program, &folder.join("qemu"))?;
    let mut needed = libraries_of(&program)?;
    for module in MODULES {
        let Ok(module) = find(MODULE_FOLDERS.iter().map(PathBuf::from), module) else { continue };
        needed.extend(libraries_of(&module)?);
        copy_into(&module, &modules)?;
    }
    needed.sort();
    needed.dedup();
    for library in needed {
        copy_into(&library, &libraries)?;
    }
    for file in FIRMWARE {
        copy_into(&find(FIRMWARE_FOLDERS.iter().map(PathBuf::from), file)?, &firmware)?;
    }
    script(&folder.join("qemu-system-x86_64"), QEMU_SCRIPT)?;
    step.done("");
    Ok(())
}

/// The libraries that a program loads at its start, the dynamic loader among them.
fn libraries_of(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = Vec::new();
    for line in text.lines() {
        if line.contains("not found") {
            bail!("{} needs a library that is not installed: {}", program.display(), line.trim());
        }
        found.extend(line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(found)
}

fn find(folders: impl Iterator<Item = PathBuf>, name: &str) -> Result<PathBuf> {
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    found.with_context(|| format!("{name} is not installed; `cargo xtask doctor` says how to get QEMU"))
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
