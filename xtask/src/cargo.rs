// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls cargo for the other packages of this workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::output;
use crate::ui::Step;

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// cargo, in the workspace.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace());
    // The toolchain sets these for this very program; in others they would say the wrong thing.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Builds packages with optimisation and says where their programs are.
pub fn build_release(packages: &[&str]) -> Result<PathBuf> {
    let step = Step::start(format!("building {}", packages.join(" and ")));
    let mut command = cargo();
    command.args(["build", "--release"]);
    for package in packages {
        command.args(["--package", package]);
    }
    output::run(&mut command, |line| {
        if let Some(crate_name) = line.trim_start().strip_prefix("Compiling ") {
            step.detail(crate_name.split(" (").next().unwrap_or(crate_name));
        }
        true
    })
    .with_context(|| format!("cannot build {}", packages.join(" and ")))?;
    step.done("");
    Ok(target_dir().join("release"))
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    // `join` takes an absolute path as it is.
    workspace().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
