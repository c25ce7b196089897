// SPDX-License-Identifier: MIT OR Apache-2.0

//! QEMU with everything that it loads, and what makes its guests' disks, for a machine that has none.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{copy, copy_into, make_folder, script};
use crate::output::find_program;
use crate::ui::Step;

/// QEMU for guests of this kind of processor.
const PROGRAM: &str = "qemu-system-x86_64";

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

/// What makes file systems (e2fsprogs), and where Debian has it.
const MAKE_FILE_SYSTEM: (&str, &[&str]) = ("mke2fs", &["/sbin", "/usr/sbin"]);

/// Starts that with its own libraries.
const MAKE_FILE_SYSTEM_SCRIPT: &str = r#"#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
here=$(dirname "$(readlink -f "$0")")
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/make-file-system" "$@"
"#;

/// QEMU, and what makes disks, with everything that they load.
pub fn collect(folder: &Path) -> Result<()> {
    let step = Step::start("collecting QEMU and its libraries".to_owned());
    let program = find_program(PROGRAM).with_context(|| not_installed(PROGRAM))?;
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
    let make_file_system = find(MAKE_FILE_SYSTEM.1.iter().map(PathBuf::from), MAKE_FILE_SYSTEM.0)?;
    copy(&make_file_system, &folder.join("make-file-system"))?;
    needed.extend(libraries_of(&make_file_system)?);
    needed.sort();
    needed.dedup();
    for library in needed {
        copy_into(&library, &libraries)?;
    }
    for file in FIRMWARE {
        copy_into(&find(FIRMWARE_FOLDERS.iter().map(PathBuf::from), file)?, &firmware)?;
    }
    script(&folder.join("qemu-system-x86_64"), QEMU_SCRIPT)?;
    script(&folder.join(MAKE_FILE_SYSTEM.0), MAKE_FILE_SYSTEM_SCRIPT)?;
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
    found.with_context(|| not_installed(name))
}

fn not_installed(name: &str) -> String {
    format!("{name} is not installed; `cargo xtask doctor` says how to get QEMU")
}
