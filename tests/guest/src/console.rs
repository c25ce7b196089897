// SPDX-License-Identifier: MIT OR Apache-2.0

//! The end of a guest's console, for error messages.

use std::collections::VecDeque;

/// How many lines are kept: those of a kernel's report with its call trace, and what led to it.
const LINES: usize = 120;

/// The last lines of a text that grows.
#[derive(Debug, Default)]
pub struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    /// Adds a line.
    pub fn push(&mut self, line: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The last lines, each with its end.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = Tail::default();
        for number in 0..LINES + 2 {
            tail.push(&number.to_string());
        }
        assert!(tail.text().starts_with("2\n3\n"));
        assert!(tail.text().ends_with(&format!("{}\n{}\n", LINES, LINES + 1)));
    }
}
