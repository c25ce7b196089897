// SPDX-License-Identifier: MIT OR Apache-2.0

//! Messages in the form in which clang writes its own: place, label, text, the source line, notes.

use std::collections::HashMap;

use gpufas_abi::manifest::Frame;

use super::{Kind, Message};

/// Columns between tab stops, as clang has them (`-ftabstop`).
const TAB_STOP: usize = 8;

/// Longest source line of which an excerpt is shown, in bytes: more says nothing to anybody.
const LONGEST_EXCERPT: usize = 4096;

/// Largest source file of which excerpts are shown.
const LARGEST_SOURCE: u64 = 64 << 20;

/// A label and its colour, as clang's.
fn label(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Error => ("error", "0;1;31"),
        Kind::Warning => ("warning", "0;1;35"),
        Kind::Remark => ("remark", "0;34"),
        Kind::Note => ("note", "0;1;36"),
    }
}

/// A message with its excerpts.
pub fn render(message: &Message, sources: &mut Sources, colours: bool) -> String {
    let mut text = String::new();
    let option = if message.option.is_empty() { String::new() } else { format!(" [{}]", message.option) };
    line(&mut text, &message.place, message.kind, &format!("{}{option}", message.text), colours);
    sources.excerpt(&mut text, &message.place, colours);
    if !message.help.is_empty() {
        line(&mut text, &message.place, Kind::Note, &message.help, colours);
    }
    for (frame, note) in &message.notes {
        line(&mut text, frame, Kind::Note, note, colours);
        sources.excerpt(&mut text, frame, colours);
    }
    text
}

fn line(text: &mut String, place: &Frame, kind: Kind, message: &str, colours: bool) {
    let (label, colour) = label(kind);
    let position = match (place.file.as_str(), place.line, place.column) {
        ("", _, _) => "gpufas-cc".to_owned(),
        (file, 0, _) => file.to_owned(),
        (file, line, 0) => format!("{file}:{line}"),
        (file, line, column) => format!("{file}:{line}:{column}"),
    };
    if !colours {
        text.push_str(&format!("{position}: {label}: {message}\n"));
    } else if kind == Kind::Note {
        text.push_str(&format!("\x1b[1m{position}: \x1b[0m\x1b[{colour}m{label}: \x1b[0m{message}\x1b[0m\n"));
    } else {
        text.push_str(&format!(
            "\x1b[1m{position}: \x1b[0m\x1b[{colour}m{label}: \x1b[0m\x1b[1m{message}\x1b[0m\n"
        ));
    }
}

/// Lines of source files.
#[derive(Default)]
pub struct Sources {
    files: HashMap<String, Vec<String>>,
}

impl Sources {
    /// The line of a place with a caret under its column, if the file can be read.
    fn excerpt(&mut self, text: &mut String, place: &Frame, colours: bool) {
        let (Some(index), false) = (place.line.checked_sub(1), place.file.is_empty()) else { return };
        let lines = self.files.entry(place.file.clone()).or_insert_with(|| read(&place.file));
        let Some(source) = lines.get(index as usize).filter(|line| line.len() <= LONGEST_EXCERPT) else {
            return;
        };
        let (shown, caret) = expand(source, place.column);
        text.push_str(&format!("{:>5} | {shown}\n", place.line));
        if let Some(caret) = caret {
            let (on, off) = if colours { ("\x1b[0;1;32m", "\x1b[0m") } else { ("", "") };
            text.push_str(&format!("      | {on}{}^{off}\n", " ".repeat(caret)));
        }
    }
}

/// Lines of a file; none of what is no ordinary file, as a name in debug information may be anything.
fn read(file: &str) -> Vec<String> {
    let ordinary = |metadata: &std::fs::Metadata| metadata.is_file() && metadata.len() <= LARGEST_SOURCE;
    let bytes = match std::fs::metadata(file) {
        Ok(metadata) if ordinary(&metadata) => std::fs::read(file).unwrap_or_default(),
        _ => Vec::new(),
    };
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
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
