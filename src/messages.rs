// SPDX-License-Identifier: MIT OR Apache-2.0

//! Diagnostics of the passes, in the form in which clang writes its own.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};

use gpufas_abi::manifest::Frame;
use gpufas_passes::diagnostic::{Diagnostic, Severity};

/// Writes diagnostics with source excerpts.
pub struct Messages {
    colours: bool,
    sources: HashMap<String, Vec<String>>,
}

impl Messages {
    /// Colours follow clang's options, else whether standard error is a terminal.
    pub fn new(clang_options: &[String]) -> Self {
        let asked = clang_options.iter().rev().find_map(|option| match option.as_str() {
            "-fdiagnostics-color" | "-fcolor-diagnostics" | "-fdiagnostics-color=always" => Some(true),
            "-fno-diagnostics-color" | "-fno-color-diagnostics" | "-fdiagnostics-color=never" => Some(false),
            _ => None,
        });
        let colours = asked
            .unwrap_or_else(|| std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        Self { colours, sources: HashMap::new() }
    }

    /// Writes one diagnostic to standard error.
    pub fn show(&mut self, diagnostic: &Diagnostic) {
        let mut text = String::new();
        let site = &diagnostic.site;
        let colour = match diagnostic.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;35",
            Severity::Remark => "1;34",
        };
        self.line(
            &mut text,
            (&site.file, site.line, site.column),
            &diagnostic.severity.to_string(),
            colour,
            &diagnostic.message,
        );
        let mut callee = site.function.as_str();
        for Frame { file, line, column, function } in &site.inlined_at {
            let message = format!("in `{callee}`, called from `{function}` here");
            self.line(&mut text, (file, *line, *column), "note", "1;36", &message);
            callee = function;
        }
        if !diagnostic.help.is_empty() {
            self.line(&mut text, ("", 0, 0), "note", "1;36", &diagnostic.help);
        }
        // Nobody can be told that standard error is closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Writes an error that has no place in a source.
    pub fn plain_error(&self, message: &str) {
        let label = if self.colours { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
        let _ = writeln!(std::io::stderr(), "gpufas-cc: {label} {message}");
    }

    fn line(&mut self, text: &mut String, place: (&str, u32, u32), label: &str, colour: &str, message: &str) {
        let (file, line, column) = place;
        let position = match (file, line, column) {
            ("", _, _) => "gpufas-cc".to_owned(),
            (file, 0, _) => file.to_owned(),
            (file, line, 0) => format!("{file}:{line}"),
            (file, line, column) => format!("{file}:{line}:{column}"),
        };
        if self.colours {
            text.push_str(&format!(
                "\x1b[1m{position}:\x1b[0m \x1b[{colour}m{label}:\x1b[0m \x1b[1m{message}\x1b[0m\n"
            ));
        } else {
            text.push_str(&format!("{position}: {label}: {message}\n"));
        }
        if let Some(source) = self.source_line(file, line) {
            let source = source.replace('\t', "        ");
            text.push_str(&format!("{line:>5} | {source}\n"));
            if let Some(indent) = self.caret_column(file, line, column) {
                let caret = if self.colours { "\x1b[1;32m^\x1b[0m" } else { "^" };
                text.push_str(&format!("      | {}{caret}\n", " ".repeat(indent)));
            }
        }
    }

    fn source_line(&mut self, file: &str, line: u32) -> Option<&str> {
        if file.is_empty() || line == 0 {
            return None;
        }
        let lines = self.sources.entry(file.to_owned()).or_insert_with(|| {
            std::fs::read_to_string(file)
                .map(|text| text.lines().map(str::to_owned).collect())
                .unwrap_or_default()
        });
        lines.get(line as usize - 1).map(String::as_str)
    }

    /// How far to the right a column is once tabs are replaced.
    fn caret_column(&mut self, file: &str, line: u32, column: u32) -> Option<usize> {
        let source = self.source_line(file, line)?;
        let before = source.as_bytes().get(..(column as usize).checked_sub(1)?)?;
        Some(before.iter().map(|&byte| if byte == b'\t' { 8 } else { 1 }).sum())
    }
}
