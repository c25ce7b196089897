// SPDX-License-Identifier: MIT OR Apache-2.0

//! Prefixes, and instructions that are written as bytes.

use super::{Repeat, evaluate};

/// Prefixes that repeat an instruction, and while which of the flag "zero".
const REPEAT: &[(&str, Repeat)] = &[
    ("rep", Repeat::Always),
    ("repe", Repeat::WhileEqual),
    ("repz", Repeat::WhileEqual),
    ("repne", Repeat::WhileDifferent),
    ("repnz", Repeat::WhileDifferent),
];

/// Prefixes that say nothing here: which segment, of those that all begin at 0.
const SEGMENTS: &[&str] = &["cs", "ds", "es", "ss"];

/// The same as a byte.
const SEGMENT_BYTES: &[i64] = &[0x26, 0x2e, 0x36, 0x3e];

/// The prefix for another width of operands.
const WIDTH_BYTE: i64 = 0x66;

/// Instructions that kernel sources write as bytes, for assemblers that do not know them.
const BYTES: &[(&[i64], &str)] = &[
    (&[0x0f, 0x0b], "ud2"),
    (&[0xf3, 0x90], "pause"),
    (&[0x90], "nop"),
    (&[0x66, 0x90], "nop"),
    (&[0x0f, 0x1f, 0x00], "nop"),
    (&[0x0f, 0x1f, 0x40, 0x00], "nop"),
    (&[0x0f, 0x1f, 0x44, 0x00, 0x00], "nop"),
    (&[0x66, 0x66, 0x66, 0x66, 0x90], "nop"),
    (&[0x0f, 0x01, 0xca], "clac"),
    (&[0x0f, 0x01, 0xcb], "stac"),
    (&[0x0f, 0x01, 0xe8], "serialize"),
    (&[0x0f, 0x01, 0xee], "rdpkru"),
    (&[0x0f, 0x01, 0xef], "wrpkru"),
    (&[0x0f, 0x01, 0xc6], "wrmsrns"),
    (&[0x0f, 0x01, 0xc8], "monitor"),
    (&[0x0f, 0x01, 0xc9], "mwait"),
    (&[0x0f, 0x01, 0xfa], "monitorx"),
    (&[0x0f, 0x01, 0xfb], "mwaitx"),
    (&[0xf3, 0x0f, 0x09], "wbnoinvd"),
    (&[0xf3, 0x0f, 0xc7, 0xf8], "rdpid"),
    (&[0xf2, 0x0f, 0x00, 0xf7], "lkgs"),
    (&[0x66, 0x0f, 0xae, 0x30], "clwb"),
    (&[0x48, 0x0f, 0xae, 0x27], "xsave64"),
    (&[0x48, 0x0f, 0xae, 0x2f], "xrstor64"),
    (&[0x48, 0x0f, 0xae, 0x37], "xsaveopt64"),
    (&[0x48, 0x0f, 0xc7, 0x1f], "xrstors64"),
    (&[0x48, 0x0f, 0xc7, 0x27], "xsavec64"),
    (&[0x48, 0x0f, 0xc7, 0x2f], "xsaves64"),
    (&[0x66, 0x0f, 0x38, 0xf8, 0x02], "movdir64b"),
    (&[0xf3, 0x0f, 0x38, 0xf8, 0x02, 0x66, 0x90], "enqcmds"),
    (&[0xc4, 0xe2, 0x78, 0x49, 0xc0], "tilerelease"),
];

/// Instructions that another one with the prefix for the width of operands is.
const WITH_WIDTH: &[(&str, &str)] = &[("clflush", "clflushopt"), ("xsaveopt", "clwb")];

/// Prefixes of the instruction that follows.
#[derive(Clone, Copy, Default)]
pub struct Prefixes {
    /// `lock`.
    pub lock: bool,
    /// `rep` and its like.
    pub repeat: Repeat,
    /// The prefix for another width of operands.
    pub width: bool,
}

impl Prefixes {
    /// Takes a word, with what follows it, if it is a prefix.
    pub fn take(&mut self, word: &str, rest: &str) -> bool {
        if word == ".byte" {
            let byte = evaluate(rest);
            let is_width = byte == Some(WIDTH_BYTE);
            self.width |= is_width;
            return is_width || byte.is_some_and(|byte| SEGMENT_BYTES.contains(&byte));
        }
        if word == "lock" {
            self.lock = true;
            return true;
        }
        if let Some((_, repeat)) = REPEAT.iter().find(|(name, _)| *name == word) {
            self.repeat = *repeat;
            return true;
        }
        SEGMENTS.contains(&word)
    }
}

/// The instruction that bytes are.
pub fn named(text: &str) -> String {
    let numbers: Option<Vec<i64>> = text.split(',').map(evaluate).collect();
    let known = BYTES.iter().find(|(bytes, _)| numbers.as_deref() == Some(bytes));
    known.map_or_else(|| format!(".byte {text}"), |(_, mnemonic)| (*mnemonic).to_owned())
}

/// The instruction that one with the prefix for the width of operands is.
pub fn with_width(mnemonic: &str) -> String {
    let known = WITH_WIDTH.iter().find(|(plain, _)| *plain == mnemonic);
    known.map_or_else(|| format!("data16 {mnemonic}"), |(_, name)| (*name).to_owned())
}
