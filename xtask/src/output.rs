// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs programs and reads what they say.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// How many lines of a failed program's output are shown.
const LAST_LINES: usize = 30;

/// A program's command line, as one would type it.
pub fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a program and hands over its lines while they come, of both of its outputs in their order.
pub fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let (reader, writer) = pipe().context("cannot make a pipe")?;
    let second = writer.try_clone().context("cannot make a pipe")?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run `{}`", command.get_program().to_string_lossy()))?;
    // The command keeps the pipe's other ends, and with them open the lines would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    each_line(reader, &mut line)?;
    child.wait().with_context(|| format!("cannot wait for `{}`", command_line(command)))
}

fn each_line(reader: PipeReader, line: &mut impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).context("cannot read a program's output")? != 0 {
        line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
        bytes.clear();
    }
    Ok(())
}

/// Runs a program to its end; where it fails, the end of what it said is the error. Lines are handed over as
/// they come; those that `keep` answers false for are no part of the error.
pub fn run(command: &mut Command, mut keep: impl FnMut(&str) -> bool) -> Result<()> {
    let mut lines = Vec::new();
    let status = stream(command, |line| {
        if keep(line) {
            lines.push(line.to_owned());
        }
    })?;
    if status.success() {
        return Ok(());
    }
    let said = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
    bail!("`{}` failed ({status}):\n{said}", command_line(command));
}

/// A program's standard output, where it succeeds.
pub fn capture(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is: the first of that name in PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| is_program(path))
}

/// Whether a file is there and can be run.
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_come_line_by_line() {
        let mut lines = Vec::new();
        let status =
            stream(Command::new("sh").args(["-c", "echo a; echo b >&2; printf c; exit 3"]), |line| {
                lines.push(line.to_owned());
            });
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(lines, ["a", "b", "c"]);
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error =
            run(Command::new("sh").args(["-c", "echo why; echo noise; exit 1"]), |line| line != "noise");
        let text = error.unwrap_err().to_string();
        assert!(text.contains("why") && !text.lines().any(|line| line == "noise"), "{text}");
    }

    #[test]
    fn programs_are_found_in_path() {
        assert!(find_program("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }
}
