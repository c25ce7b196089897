// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which names each definition of a C source mentions, read from what clang's preprocessor makes of it.
//!
//! Nothing is understood but how tokens, brackets and definitions end. Where that is not certain, definitions run together, so
//! that too many names are taken for mentioned and never too few.

use std::collections::HashSet;

use gpufas_passes::layout::Mentions;
use gpufas_passes::relocate::ENUMERATOR_VALUE;

/// Reads preprocessed C.
pub fn read(text: &[u8]) -> Mentions {
    let mut definitions = Definitions::default();
    let mut tokens = Tokens { rest: text, at_line_start: true };
    while let Some(token) = tokens.next() {
        if token == Token::Name(ENUMERATOR_VALUE.as_bytes()) {
            // What it is given is looked up when the program is loaded.
            tokens.skip_arguments();
        } else {
            definitions.add(token);
        }
    }
    definitions.finish();
    definitions.mentions
}

/// A token, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// An identifier or keyword.
    Name(&'a [u8]),
    /// A bracket, `;`, `=` or any other sign.
    Sign(u8),
    /// A number, text or character.
    Constant,
}

struct Tokens<'a> {
    rest: &'a [u8],
    at_line_start: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            match first {
                b'\n' => {
                    self.at_line_start = true;
                    self.rest = rest;
                }
                _ if first.is_ascii_whitespace() => self.rest = rest,
                // `# 1 "file.h"`, `#pragma`.
                b'#' if self.at_line_start => self.skip_until(b"\n"),
                b'/' if rest.starts_with(b"/") => self.skip_until(b"\n"),
                b'/' if rest.starts_with(b"*") => {
                    self.rest = &rest[1..];
                    self.skip_until(b"*/");
                    self.rest = self.rest.get(2..).unwrap_or_default();
                }
                _ => {
                    self.at_line_start = false;
                    return Some(self.token(first));
                }
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn token(&mut self, first: u8) -> Token<'a> {
        let is_number = |text: &[u8]| {
            text[0].is_ascii_digit() || text[0] == b'.' && text.get(1).is_some_and(u8::is_ascii_digit)
        };
        if is_in_name(first) && !first.is_ascii_digit() {
            let name = self.take(self.rest.iter().take_while(|&&letter| is_in_name(letter)).count());
            // `L"text"` is a name and a text; the name is none of an enumeration's constants.
            return Token::Name(name);
        }
        if is_number(self.rest) {
            let mut length = 1;
            while let Some(&letter) = self.rest.get(length) {
                let is_sign = matches!(letter, b'+' | b'-')
                    && matches!(self.rest[length - 1], b'e' | b'E' | b'p' | b'P');
                if !is_in_name(letter) && letter != b'.' && !is_sign {
                    break;
                }
                length += 1;
            }
            self.take(length);
            return Token::Constant;
        }
        if matches!(first, b'"' | b'\'') {
            let mut length = 1;
            while let Some(&letter) = self.rest.get(length) {
                length += if letter == b'\\' { 2 } else { 1 };
                if letter == first || letter == b'\n' {
                    break;
                }
            }
            self.take(length.min(self.rest.len()));
            return Token::Constant;
        }
        self.take(1);
        Token::Sign(first)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn skip_until(&mut self, end: &[u8]) {
        let length = self.rest.windows(end.len()).position(|window| window == end);
        self.take(length.unwrap_or(self.rest.len()));
    }

    /// Skips what stands in parentheses from here, if anything does.
    fn skip_arguments(&mut self) {
        let mut ahead = Tokens { ..*self };
        if ahead.next() != Some(Token::Sign(b'(')) {
            return;
        }
        let mut depth = 1_usize;
        while depth > 0 {
            match ahead.next() {
                Some(Token::Sign(b'(')) => depth += 1,
                Some(Token::Sign(b')')) => depth -= 1,
                Some(_) => {}
                None => break,
            }
        }
        *self = ahead;
    }
}

/// Puts tokens together to definitions and declarations.
#[derive(Default)]
struct Definitions<'a> {
    mentions: Mentions,
    /// The names outside of braces and initial values: what is defined has one of them.
    names: HashSet<&'a str>,
    /// All names.
    mentioned: HashSet<&'a str>,
    /// The names of all that ended since the last body: as C was written once, a body follows declarations of its parameters, as many
    /// as there are.
    names_before: HashSet<&'a str>,
    /// How many brackets are open.
    depth: usize,
    /// How many of them are braces.
    braces: usize,
    last: Option<Token<'a>>,
    /// Whether an initial value has begun.
    is_assigned: bool,
    /// Whether the outermost bracket that is open begins a function's body.
    is_body: bool,
}

impl<'a> Definitions<'a> {
    fn add(&mut self, token: Token<'a>) {
        match token {
            Token::Name(name) => {
                // Cut at characters of ASCII.
                let name = std::str::from_utf8(name).unwrap_or_default();
                self.mentioned.insert(name);
                if self.braces == 0 && !self.is_assigned {
                    self.names.insert(name);
                }
            }
            Token::Sign(b'{') if self.depth == 0 => {
                self.is_body = self.last == Some(Token::Sign(b')')) && !self.is_assigned;
                if self.last.is_none() {
                    self.is_body = true;
                    self.names = std::mem::take(&mut self.names_before);
                }
                (self.depth, self.braces) = (1, 1);
            }
            Token::Sign(sign @ (b'(' | b'[' | b'{')) => {
                self.depth += 1;
                self.braces += usize::from(sign == b'{');
            }
            Token::Sign(b')' | b']') => self.depth = self.depth.saturating_sub(1),
            Token::Sign(b'}') => {
                self.depth = self.depth.saturating_sub(1);
                self.braces = self.braces.saturating_sub(1);
                if self.depth == 0 && self.is_body {
                    self.finish();
                    return;
                }
            }
            Token::Sign(b';') if self.depth == 0 => {
                self.finish();
                return;
            }
            Token::Sign(b'=') if self.depth == 0 => self.is_assigned = true,
            Token::Sign(b',') if self.depth == 0 => self.is_assigned = false,
            Token::Sign(_) | Token::Constant => {}
        }
        self.last = Some(token);
    }

    fn finish(&mut self) {
        self.mentions.add(self.names.iter().copied(), self.mentioned.iter().copied());
        if self.is_body {
            self.names_before.clear();
        } else {
            self.names_before.extend(&self.names);
        }
        self.names.clear();
        self.mentioned.clear();
        (self.last, self.is_assigned, self.is_body) = (None, false, false);
    }
}

fn is_in_name(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'$') || !letter.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What definitions of a name mention of these.
    fn mentioned(text: &str, name: &str, of: &[&str]) -> Option<String> {
        let mentions = read(text.as_bytes());
        let found: HashSet<&str> = mentions.of(name)?.collect();
        Some(of.iter().filter(|name| found.contains(**name)).copied().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn names_belong_to_the_definition_that_they_stand_in() {
        let text = "# 1 \"a.h\"\nenum e { A, B = A + 1, C };\n\
            static inline __attribute__((noinline)) int one(int x) __attribute__((cold));\n\
            static inline int one(int x)\n{\n\tif (x) { return A; }\n\treturn 0;\n}\n\
            #pragma B\n\
            int two(struct { int x; } *p) { return (p)->x[(int[]){ B }[0]] + ({ C; }); } int three(void) { return 0; }\n\
            const int four[] = { [A] = 1, [2] = C }, five = B;\n\
            struct __attribute__((packed)) s { int x[A]; } six = { { B } };\n";
        let all = ["A", "B", "C"];
        for (name, expected) in [
            ("one", "A"),
            ("two", "B C"),
            ("three", ""),
            ("four", "A B C"),
            ("five", "A B C"),
            ("six", "A B"),
        ] {
            assert_eq!(mentioned(text, name, &all).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(mentioned(text, "seven", &all), None);
    }

    #[test]
    fn texts_comments_and_numbers_are_no_names() {
        let text = "int f(void) { g(\"A \\\" B\", 'C', u'D', 0xE, 1e+F, 2.H, .5J); /* K } */ } // L\nint h(void) { return M; }";
        let all = ["A", "B", "C", "D", "E", "F", "H", "J", "K", "L", "M"];
        assert_eq!(mentioned(text, "f", &all).as_deref(), Some(""));
        assert_eq!(mentioned(text, "h", &all).as_deref(), Some("M"));
    }

    #[test]
    fn where_a_definition_ends_is_not_missed_in_old_and_odd_c() {
        // In doubt they run together.
        assert_eq!(mentioned("int f(a) int a; { return A; } int g;", "f", &["A"]).as_deref(), Some("A"));
        let two = "int f(a, b) int a; int *b, c[2]; { return A; } int g(void) { return B; } { C; }";
        assert_eq!(mentioned(two, "f", &["A", "B", "C"]).as_deref(), Some("A"));
        assert_eq!(mentioned(two, "g", &["A", "B", "C"]).as_deref(), Some("B"));
        assert_eq!(mentioned("int (f)(void) odd { return A; } int g;", "f", &["A"]).as_deref(), Some("A"));
        assert_eq!(mentioned("} int f(void) { return A; }", "f", &["A"]).as_deref(), Some("A"));
        for unfinished in
            ["int f(void) { return A", "\"", "'\\", "/*", "#", "", "f(((", "1e", "\u{e9}=\u{e9}"]
        {
            read(unfinished.as_bytes());
        }
        assert_eq!(mentioned("int f(void) { return A", "f", &["A"]).as_deref(), Some("A"));
    }

    #[test]
    fn constants_that_are_looked_up_are_not_mentioned() {
        let text = format!("int f(void) {{ return {ENUMERATOR_VALUE} (\"e\", \"A)\", (int)(A)) + B; }}");
        assert_eq!(mentioned(&text, "f", &["A", "B"]).as_deref(), Some("B"));
    }
}
