// SPDX-License-Identifier: MIT OR Apache-2.0

//! NVIDIA's tools: those of a CUDA toolkit where there is one, else from NVIDIA's Python wheels, kept in the
//! user's cache folder. The compiler looks in the same places.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use gpufas_guest::cache_dir;

use crate::output::{capture, find_program, is_program, run};
use crate::ui::Step;

/// The release that the tools in the cache folder come from; the folder's name there.
const VERSION: &str = "13.0.88";

/// The wheels, and what is taken from them. The tools that read programs did not come as wheels of 13.0; later
/// ones read its output.
const WHEELS: &[(&str, &[&str])] = &[
    ("nvidia-cuda-nvcc==13.0.88", &["ptxas", "fatbinary"]),
    ("nvidia-cuda-cuobjdump==13.2.51", &["cuobjdump"]),
    ("nvidia-cuda-nvdisasm==13.2.51", &["nvdisasm"]),
];

/// Where a tool is: `CUDA_HOME`, `CUDA_PATH`, PATH, /usr/local/cuda, the cache folder. Of those that are not named too old ones do not
/// count.
pub fn find(tool: &str) -> Option<PathBuf> {
    let program = |folder: PathBuf| Some(folder.join("bin").join(tool)).filter(|path| is_program(path));
    let named = |variable| env::var_os(variable).map(PathBuf::from).and_then(program);
    named("CUDA_HOME").or_else(|| named("CUDA_PATH")).or_else(|| {
        let found = [find_program(tool), program("/usr/local/cuda".into()), folder().ok().and_then(program)];
        found.into_iter().flatten().find(|path| is_new_enough(path))
    })
}

/// Whether a tool is not one with which the compiler makes no programs: a ptxas of before CUDA 12.9 does not know this option.
fn is_new_enough(tool: &Path) -> bool {
    !tool.ends_with("ptxas")
        || capture(tool, &["--help"]).is_some_and(|help| help.contains("--Ofast-compile"))
}

/// Where tools from wheels are kept.
fn folder() -> Result<PathBuf> {
    Ok(cache_dir()?.join("cuda").join(VERSION))
}

/// Whether Python's pip is there to get the wheels.
pub fn has_pip() -> bool {
    capture("python3", &["-m", "pip", "--version"]).is_some()
}

/// Gets the tools. Whatever happens, the cache folder has all of them afterwards or none.
pub fn install() -> Result<()> {
    let target = folder()?;
    let step = Step::start("fetching NVIDIA's tools (Python wheels, under NVIDIA's licence)");
    let parent = target.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let partial = tempfile::Builder::new()
        .prefix(".partial")
        .tempdir_in(parent)
        .with_context(|| format!("cannot make a temporary folder in {}", parent.display()))?;
    for (wheel, tools) in WHEELS {
        step.detail(wheel);
        let unpacked = fetch(wheel, partial.path())?;
        for tool in *tools {
            take(&unpacked, tool, &partial.path().join("tools/bin"))?;
        }
    }
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    let finished = partial.path().join("tools");
    fs::rename(&finished, &target).with_context(|| format!("cannot make {}", target.display()))?;
    step.done(&target.display().to_string());
    Ok(())
}

/// Downloads a wheel and unpacks it.
fn fetch(wheel: &str, partial: &Path) -> Result<PathBuf> {
    let name = wheel.split('=').next().unwrap_or(wheel);
    let (download, unpacked) = (partial.join(format!("{name}.download")), partial.join(name));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
    run(pip.arg(&download).arg(wheel), |_| true)?;
    let files = fs::read_dir(&download).with_context(|| format!("cannot list {}", download.display()))?;
    let file = files
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let file = file.with_context(|| format!("pip downloaded no wheel for {wheel}"))?;
    // A wheel is a zip archive, and Python is here.
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(file).arg(&unpacked), |_| true)?;
    Ok(unpacked)
}

/// Moves a tool from an unpacked wheel, where it is not marked as a program.
fn take(unpacked: &Path, tool: &str, to: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Some(from) = find_below(unpacked, &Path::new("bin").join(tool)) else {
        bail!("there is no {tool} in {}", unpacked.display());
    };
    let target = to.join(tool);
    fs::create_dir_all(to)
        .and_then(|()| fs::rename(from, &target))
        .and_then(|()| fs::set_permissions(&target, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot make {}", target.display()))
}

/// The file whose path ends so. Wheels have their programs three folders down (`nvidia/cu13/bin`).
fn find_below(folder: &Path, ending: &Path) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    let found = files.into_iter().find(|path| path.ends_with(ending));
    found.or_else(|| folders.iter().find_map(|folder| find_below(folder, ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_taken_from_below_and_made_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("nvidia/cu13/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("ptxas"), "#!/bin/sh\n").unwrap();
        let to = folder.path().join("tools/bin");
        take(folder.path(), "ptxas", &to).unwrap();
        assert!(is_program(&to.join("ptxas")));
        assert!(take(folder.path(), "nvlink", &to).is_err());
    }
}
