// SPDX-License-Identifier: MIT OR Apache-2.0

//! The text that a program prints. It may hold whatever is in the guest's memory.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Turns a program's bytes into lines that are safe to show, however they are cut when they come.
#[derive(Debug, Default)]
pub struct Log {
    /// Bytes that may be the beginning of a character.
    rest: Vec<u8>,
    /// All text so far.
    text: String,
}

impl Log {
    /// Takes bytes and returns the text that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut shown = String::new();
        let mut rest = self.rest.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    shown.push_str(&printable(valid));
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    shown.push_str(&printable(&String::from_utf8_lossy(valid)));
                    let Some(length) = error.error_len() else {
                        rest = after;
                        break;
                    };
                    shown.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[length..];
                }
            }
        }
        self.rest = rest.to_vec();
        self.text.push_str(&shown);
        shown
    }

    /// Ends the text: returns what is still to be shown, with a line feed if the last line lacks it.
    pub fn finish(&mut self) -> String {
        let mut shown = String::new();
        if !std::mem::take(&mut self.rest).is_empty() {
            shown.push(char::REPLACEMENT_CHARACTER);
        }
        self.text.push_str(&shown);
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
            shown.push('\n');
        }
        shown
    }

    /// All text so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The text with control characters other than line feed and tab written out, so that what a guest has in
/// memory cannot steer a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{:02x}", c as u32);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(printable("a\tb\n\x1b[2J\u{9b}c\x07"), "a\tb\n\\x1b[2J\\x9bc\\x07");
    }

    #[test]
    fn characters_survive_being_cut() {
        let mut log = Log::default();
        let shown: String = "müde\n".bytes().map(|byte| log.push(&[byte])).collect();
        assert_eq!(shown, "müde\n");
        assert_eq!(log.finish(), "");
    }

    #[test]
    fn the_last_line_is_ended() {
        let mut log = Log::default();
        log.push(b"half \xc3");
        assert_eq!(log.finish(), "\u{fffd}\n");
        assert_eq!(log.text(), "half \u{fffd}\n");
        assert_eq!(Log::default().finish(), "");
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(bytes: Vec<u8>, cut: prop::sample::Index) {
            let cut = cut.index(bytes.len() + 1);
            let (mut whole, mut parts) = (Log::default(), Log::default());
            whole.push(&bytes);
            whole.finish();
            parts.push(&bytes[..cut]);
            parts.push(&bytes[cut..]);
            parts.finish();
            prop_assert_eq!(whole.text(), parts.text());
            prop_assert!(whole.text().chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
        }
    }
}
