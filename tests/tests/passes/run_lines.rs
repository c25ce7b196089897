// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs the RUN lines of a test file, as LLVM's lit does: `RUN: gpufas-cc --passes llview --emit llvm-ir %s -o - |
//! FileCheck-22 %s`. A line that ends with a backslash goes on in the next RUN line. `%s` is the file, `%kernel` the headers
//! of a kernel and `%source` its sources, `%t` the beginning of names for files that the test makes; `not` before a command wants it to fail, but not to
//! crash; `2>&1` is understood, and pipes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use gpufas_tests::run_lines::{comment, run_lines};

use super::{source_tree, tools};

/// Runs the test in `file`.
pub fn check(file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let lines = run_lines(&text)?;
    ensure!(!lines.is_empty(), "it has no RUN line");
    ensure!(
        has_reason(&text),
        "it does not say why: a comment that is neither licence, RUN nor CHECK is missing"
    );
    let folder = tempfile::tempdir()?;
    for line in lines {
        pipeline(file, &folder.path().join("test"), &line).with_context(|| format!("RUN: {line}"))?;
    }
    Ok(())
}

fn has_reason(text: &str) -> bool {
    text.lines()
        .filter_map(comment)
        .any(|line| line.len() > 20 && !["SPDX", "RUN", "CHECK"].iter().any(|other| line.starts_with(other)))
}

/// Runs commands, each with the output of the one before as its input.
fn pipeline(file: &Path, made: &Path, line: &str) -> Result<()> {
    let words: Vec<String> = shlex::split(line).context("a quote is open")?;
    let mut input = Vec::new();
    for words in words.split(|word| word == "|") {
        input = stage(file, made, words, input)?;
    }
    Ok(())
}

fn stage(file: &Path, made: &Path, words: &[String], input: Vec<u8>) -> Result<Vec<u8>> {
    let (wants_failure, words) = match words {
        [first, rest @ ..] if first == "not" => (true, rest),
        words => (false, words),
    };
    let Some((name, arguments)) = words.split_first() else { bail!("a command is empty") };
    let program = match name.as_str() {
        "gpufas-cc" => tools::gpufas_cc()?,
        "FileCheck-22" | "llvm-nm-22" => tools::llvm(name.trim_end_matches("-22"))?,
        _ => bail!("`{name}` is not a tool of these tests"),
    };
    let mut command = Command::new(program);
    let mut errors_too = false;
    for argument in arguments {
        if argument == "2>&1" {
            errors_too = true;
        } else if argument.contains("%kernel") {
            let headers = tools::kernel_headers()?;
            command.arg(argument.replace("%kernel", &headers.display().to_string()));
        } else if argument.contains("%source") {
            let source = source_tree::folder()?;
            command.arg(argument.replace("%source", &source.display().to_string()));
        } else {
            let argument = argument.replace("%s", &file.display().to_string());
            command.arg(argument.replace("%t", &made.display().to_string()));
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(name.clone())?;
    let mut standard_input = child.stdin.take().context("no standard input")?;
    // A command that does not read its input closes it.
    let writer = std::thread::spawn(move || _ = standard_input.write_all(&input));
    let output = child.wait_with_output()?;
    _ = writer.join();
    let errors = String::from_utf8_lossy(&output.stderr);
    // Codes above 100 are those of a panic or a shell, no code that of a signal.
    match output.status.code() {
        Some(0) if wants_failure => bail!("{name} ended with success, and must not"),
        Some(0) => {}
        Some(1..100) if wants_failure => {}
        _ => bail!("{name}: {}\n{errors}", output.status),
    }
    let mut text = output.stdout;
    if errors_too {
        text.extend_from_slice(errors.as_bytes());
    }
    Ok(text)
}
