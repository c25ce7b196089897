// SPDX-License-Identifier: MIT OR Apache-2.0

//! The RUN lines of test files in C and LLVM IR, as LLVM's lit has them.

use anyhow::{Result, ensure};

/// The text of a comment line in IR or C.
pub fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let body = line.strip_prefix(';').or_else(|| line.strip_prefix("//"));
    let body = body.or_else(|| line.strip_prefix("/*").map(|rest| rest.trim_end_matches("*/")));
    body.map(str::trim)
}

/// The commands after `RUN:`, continued lines joined.
///
/// # Errors
///
/// The last line says that it goes on.
pub fn run_lines(text: &str) -> Result<Vec<String>> {
    let mut commands: Vec<String> = Vec::new();
    let mut continued = false;
    for part in text.lines().filter_map(comment).filter_map(|line| line.strip_prefix("RUN:")) {
        let (part, more) = match part.trim().strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (part.trim(), false),
        };
        match commands.last_mut() {
            Some(last) if continued => *last = format!("{last} {part}"),
            _ => commands.push(part.to_owned()),
        }
        continued = more;
    }
    ensure!(!continued, "the last RUN line ends with a backslash");
    Ok(commands)
}
