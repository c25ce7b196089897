// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs of `opt` and `clang` with the plugin.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::tools;

/// A test of its own.
pub type Test = (&'static str, fn() -> Result<()>);

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub messages: String,
}

impl Outcome {
    /// Checks that it went well and that nothing was said.
    pub fn succeeds(self) -> Result<Self> {
        ensure!(self.status == 0 && self.messages.is_empty(), "status {}: {}", self.status, self.messages);
        Ok(self)
    }

    /// Checks that it ended with status 1 and a message that holds all of these texts.
    pub fn fails(self, texts: &[&str]) -> Result<Self> {
        ensure!(self.status == 1, "status {}: {}", self.status, self.messages);
        for text in texts {
            ensure!(self.messages.contains(text), "no {text:?} in: {}", self.messages);
        }
        Ok(self)
    }
}

/// The plugin under test.
pub fn plugin() -> Result<PathBuf> {
    let named = std::env::var_os("GPUFAS_PLUGIN").context(
        "the environment variable GPUFAS_PLUGIN does not name the plugin to test: run cargo xtask test",
    )?;
    let path = std::path::absolute(PathBuf::from(named))?;
    if !path.is_file() {
        bail!("GPUFAS_PLUGIN={} is no file: run cargo xtask test", path.display());
    }
    Ok(path)
}

/// `opt` with some passes on a file, as it prints the result.
pub fn opt(passes: &str, file: &Path) -> Result<Outcome> {
    let mut command = Command::new(tools::llvm("opt")?);
    command.arg("-load-pass-plugin").arg(plugin()?).arg(format!("-passes={passes}")).args(["-S", "-o", "-"]);
    finish(command.arg(file))
}

/// Runs a command to its end.
///
/// # Errors
///
/// It was ended by a signal.
pub fn finish(command: &mut Command) -> Result<Outcome> {
    command.env_remove("RUST_BACKTRACE").env("NO_COLOR", "1");
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    let status = output.status.code();
    Ok(Outcome {
        status: status.with_context(|| format!("{command:?}: {}: {messages}", output.status))?,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        messages,
    })
}
