// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running other tools, and showing what is run.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Result};
use crate::messages::Messages;

/// Runs tools, or only shows what it would run.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    /// Show each command before it runs.
    pub verbose: bool,
    /// Show, and do not run.
    pub dry_run: bool,
    /// Where what they say goes.
    pub messages: Messages,
}

impl Runner {
    /// Shows a command as a shell would take it.
    fn show(self, command: &Command) {
        if !self.verbose && !self.dry_run {
            return;
        }
        let words: Vec<String> =
            std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        // Nobody can be told that standard error is closed.
        let _ = writeln!(std::io::stderr(), " {}", words.join(" "));
    }

    /// Runs clang, whose messages go to the user; returns its standard output.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if it cannot be started.
    pub fn run_visibly(self, mut command: Command, input: Stdio) -> Result<Option<Output>> {
        self.show(&command);
        if self.dry_run {
            return Ok(None);
        }
        let errors = if self.messages.are_for_programs() { Stdio::piped() } else { Stdio::inherit() };
        command.stdin(input).stdout(Stdio::piped()).stderr(errors);
        let output = command.spawn().and_then(std::process::Child::wait_with_output);
        let output = output.map_err(|source| not_started(&command, &source))?;
        // Empty unless it was asked for.
        self.messages.of_clang(&String::from_utf8_lossy(&output.stderr));
        Ok(Some(output))
    }

    /// Runs a command that is expected to succeed.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] with what it said if it fails.
    pub fn run(self, mut command: Command) -> Result<()> {
        self.show(&command);
        if self.dry_run {
            return Ok(());
        }
        let output =
            command.stdin(Stdio::null()).output().map_err(|source| not_started(&command, &source))?;
        if output.status.success() {
            return Ok(());
        }
        let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        Err(Error::Tool {
            tool: Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string(),
            output: format!("{} ({})", text.trim(), output.status),
        })
    }
}

fn not_started(command: &Command, source: &std::io::Error) -> Error {
    Error::Missing(format!("cannot run {}: {source}", command.get_program().display()))
}

/// What a tool says on standard output, if it runs and succeeds.
pub fn ask(tool: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A word as a shell reads it.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=,:+@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The first executable of one of these names in `PATH`.
pub fn find_in_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
    })
}

/// Whether a file can be run.
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
