// SPDX-License-Identifier: MIT OR Apache-2.0

//! Diagnostics of the passes, in the form in which clang writes its own.

use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, Write};

use gpufas_abi::manifest::Frame;
use gpufas_passes::chain::Chain;
use gpufas_passes::diagnostic::{Diagnostic, Severity};

use crate::source_names::SourceNames;

/// Columns between tab stops, as clang has them (`-ftabstop`).
const TAB_STOP: usize = 8;

/// Writes messages to standard error. Nobody can be told if that is closed.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    colours: bool,
}

/// A message's label and its colour, as clang's.
type Label = (&'static str, &'static str);

const ERROR: Label = ("error", "0;1;31");
const WARNING: Label = ("warning", "0;1;35");
const REMARK: Label = ("remark", "0;34");
const NOTE: Label = ("note", "0;1;36");

impl Messages {
    /// Colours follow clang's options, else whether standard error is a terminal that has them.
    pub fn new(clang_options: &[String]) -> Self {
        let asked = clang_options.iter().rev().find_map(|option| match option.as_str() {
            "-fdiagnostics-color" | "-fcolor-diagnostics" | "-fdiagnostics-color=always" => Some(true),
            "-fno-diagnostics-color" | "-fno-color-diagnostics" | "-fdiagnostics-color=never" => Some(false),
            _ => None,
        });
        let terminal = || {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none()
                && std::env::var_os("TERM").is_some_and(|terminal| !terminal.is_empty() && terminal != "dumb")
        };
        Self { colours: asked.unwrap_or_else(terminal) }
    }

    /// Writes diagnostics and how many there were. What is said of one place is said once, whichever of a function's copies
    /// it was found in.
    pub fn show(self, diagnostics: &[Diagnostic], names: &SourceNames) {
        let mut sources = Sources::default();
        let mut said = HashSet::new();
        let (mut errors, mut warnings) = (0, 0);
        let mut text = String::new();
        for diagnostic in diagnostics {
            let chain = Chain::new(&diagnostic.site, |file| names.is_users(file));
            let place = chain.place();
            if !said.insert((place.file.clone(), place.line, place.column, diagnostic.message.clone())) {
                continue;
            }
            match diagnostic.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
                Severity::Remark => {}
            }
            self.diagnostic(&mut text, &mut sources, diagnostic, &chain);
        }
        let count = |number: usize, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{number} {what}s")),
        };
        let counts: Vec<String> =
            [count(warnings, "warning"), count(errors, "error")].into_iter().flatten().collect();
        if !counts.is_empty() {
            text.push_str(&format!("{} generated.\n", counts.join(" and ")));
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn diagnostic(self, text: &mut String, sources: &mut Sources, diagnostic: &Diagnostic, chain: &Chain) {
        let label = match diagnostic.severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
            Severity::Remark => REMARK,
        };
        self.line(text, chain.place(), label, &diagnostic.message);
        sources.excerpt(text, chain.place(), self.colours);
        if !diagnostic.help.is_empty() {
            self.line(text, chain.place(), NOTE, &diagnostic.help);
        }
        for (frame, message) in chain.notes() {
            self.line(text, frame, NOTE, &message);
            sources.excerpt(text, frame, self.colours);
        }
    }

    /// Writes an error that has no place in a source.
    pub fn plain_error(self, message: &str) {
        self.plain(ERROR, message);
    }

    /// Writes a message that is in clang's form already.
    pub fn verbatim(self, message: &str) {
        let _ = writeln!(std::io::stderr(), "{}", message.trim_end());
    }

    /// Writes a note that has no place in a source.
    pub fn plain_note(self, message: &str) {
        self.plain(NOTE, message);
    }

    fn plain(self, label: Label, message: &str) {
        let mut text = String::new();
        self.line(&mut text, &Frame::default(), label, message);
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn line(self, text: &mut String, place: &Frame, (label, colour): Label, message: &str) {
        let position = match (place.file.as_str(), place.line, place.column) {
            ("", _, _) => "gpufas-cc".to_owned(),
            (file, 0, _) => file.to_owned(),
            (file, line, 0) => format!("{file}:{line}"),
            (file, line, column) => format!("{file}:{line}:{column}"),
        };
        if !self.colours {
            text.push_str(&format!("{position}: {label}: {message}\n"));
        } else if label == NOTE.0 {
            text.push_str(&format!(
                "\x1b[1m{position}: \x1b[0m\x1b[{colour}m{label}: \x1b[0m{message}\x1b[0m\n"
            ));
        } else {
            text.push_str(&format!(
                "\x1b[1m{position}: \x1b[0m\x1b[{colour}m{label}: \x1b[0m\x1b[1m{message}\x1b[0m\n"
            ));
        }
    }
}

/// Lines of source files.
#[derive(Default)]
struct Sources {
    files: HashMap<String, Vec<String>>,
}

impl Sources {
    /// The line of a place with a caret under its column, if the file can be read.
    fn excerpt(&mut self, text: &mut String, place: &Frame, colours: bool) {
        let (Some(index), false) = (place.line.checked_sub(1), place.file.is_empty()) else { return };
        let lines = self.files.entry(place.file.clone()).or_insert_with(|| {
            let bytes = std::fs::read(&place.file).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        });
        let Some(source) = lines.get(index as usize) else { return };
        let (shown, caret) = expand(source, place.column);
        text.push_str(&format!("{:>5} | {shown}\n", place.line));
        if let Some(caret) = caret {
            let (on, off) = if colours { ("\x1b[0;1;32m", "\x1b[0m") } else { ("", "") };
            text.push_str(&format!("      | {on}{}^{off}\n", " ".repeat(caret)));
        }
    }
}

/// A line with its tabs as spaces, and how far to the right a column of it then is. Columns are bytes, from 1; 0 is none.
fn expand(source: &str, column: u32) -> (String, Option<usize>) {
    let (mut shown, mut width, mut caret) = (String::new(), 0, None);
    for (offset, letter) in source.char_indices() {
        if offset + 1 == column as usize {
            caret = Some(width);
        }
        if letter == '\t' {
            let stop = (width / TAB_STOP + 1) * TAB_STOP;
            shown.extend(std::iter::repeat_n(' ', stop - width));
            width = stop;
        } else {
            shown.push(if letter.is_control() { '?' } else { letter });
            width += 1;
        }
    }
    (shown, caret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_their_column_whatever_comes_before() {
        assert_eq!(expand("ab\tc", 4), ("ab      c".into(), Some(8)));
        assert_eq!(expand("\u{e4}bc", 3), ("\u{e4}bc".into(), Some(1)));
        assert_eq!(expand("ab", 0).1, None);
        assert_eq!(expand("ab", 9).1, None);
    }
}
