// SPDX-License-Identifier: MIT OR Apache-2.0

//! The flags of the CPU, and the conditions that are made of them.

use crate::llvm::{Builder, Value};

use super::refusal::Refusal;

/// How many flags there are.
pub const COUNT: usize = 4;

/// What a condition asks of the flags.
#[derive(Clone, Copy)]
enum Question {
    Carry,
    Zero,
    Sign,
    Overflow,
    /// Unsigned: less or equal.
    BelowOrEqual,
    /// Signed: less.
    Less,
    /// Signed: less or equal.
    LessOrEqual,
}

/// What the condition of a code asks, and whether it is fulfilled if that is not so (Intel SDM volume 1, appendix B, without the
/// parity flag's).
fn question(code: &str) -> Option<(Question, bool)> {
    Some(match code {
        "c" | "b" | "nae" => (Question::Carry, false),
        "nc" | "ae" | "nb" => (Question::Carry, true),
        "z" | "e" => (Question::Zero, false),
        "nz" | "ne" => (Question::Zero, true),
        "s" => (Question::Sign, false),
        "ns" => (Question::Sign, true),
        "o" => (Question::Overflow, false),
        "no" => (Question::Overflow, true),
        "be" | "na" => (Question::BelowOrEqual, false),
        "a" | "nbe" => (Question::BelowOrEqual, true),
        "l" | "nge" => (Question::Less, false),
        "ge" | "nl" => (Question::Less, true),
        "le" | "ng" => (Question::LessOrEqual, false),
        "g" | "nle" => (Question::LessOrEqual, true),
        _ => return None,
    })
}

/// Whether a condition has this code.
pub fn is_condition(code: &str) -> bool {
    question(code).is_some()
}

/// The flags that instructions here define; `None` is undefined.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags<'c> {
    /// Carry.
    pub carry: Option<Value<'c>>,
    /// Zero.
    pub zero: Option<Value<'c>>,
    /// Sign.
    pub sign: Option<Value<'c>>,
    /// Overflow.
    pub overflow: Option<Value<'c>>,
}

impl<'c> Flags<'c> {
    /// All of them, in an order that does not change.
    pub fn all(&mut self) -> [&mut Option<Value<'c>>; COUNT] {
        [&mut self.carry, &mut self.zero, &mut self.sign, &mut self.overflow]
    }

    /// A condition by its code (`c`, `nz`, `ge`), as an `i1`.
    ///
    /// # Errors
    ///
    /// If a flag that it is made of is undefined.
    pub fn condition(self, builder: &Builder<'c>, code: &str) -> Result<Value<'c>, Refusal> {
        let Flags { carry, zero, sign, overflow } = self;
        let less = || Some(builder.xor(sign?, overflow?));
        let answer = |question| match question {
            Question::Carry => carry,
            Question::Zero => zero,
            Question::Sign => sign,
            Question::Overflow => overflow,
            Question::BelowOrEqual => Some(builder.or(carry?, zero?)),
            Question::Less => less(),
            Question::LessOrEqual => zero.and_then(|zero| Some(builder.or(less()?, zero))),
        };
        let (base, negated) = question(code)
            .and_then(|(question, negated)| Some((answer(question)?, negated)))
            .ok_or_else(|| Refusal::unknown(format!("condition `{code}` is not defined there")))?;
        Ok(if negated { builder.not(base) } else { base })
    }
}
