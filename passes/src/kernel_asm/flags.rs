// SPDX-License-Identifier: MIT OR Apache-2.0

//! The flags of the CPU, and the conditions that are made of them.

use crate::llvm::{Builder, Value};

use super::refusal::Refusal;

/// How many flags there are.
pub const COUNT: usize = 4;

/// Codes of conditions (Intel SDM volume 1, appendix B), without those of the parity flag.
const CONDITIONS: &[&str] = &[
    "c", "b", "nae", "nc", "ae", "nb", "z", "e", "nz", "ne", "s", "ns", "o", "no", "be", "na", "a", "nbe",
    "l", "nge", "ge", "nl", "le", "ng", "g", "nle",
];

/// Whether a condition has this code.
pub fn is_condition(code: &str) -> bool {
    CONDITIONS.contains(&code)
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
        let undefined = || Refusal::unknown(format!("condition `{code}` is not defined there"));
        let Flags { carry, zero, sign, overflow } = self;
        let (base, negated) = match code {
            "c" | "b" | "nae" => (carry, false),
            "nc" | "ae" | "nb" => (carry, true),
            "z" | "e" => (zero, false),
            "nz" | "ne" => (zero, true),
            "s" => (sign, false),
            "ns" => (sign, true),
            "o" => (overflow, false),
            "no" => (overflow, true),
            "be" | "na" => (carry.zip(zero).map(|(carry, zero)| builder.or(carry, zero)), false),
            "a" | "nbe" => (carry.zip(zero).map(|(carry, zero)| builder.or(carry, zero)), true),
            "l" | "nge" => (sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow)), false),
            "ge" | "nl" => (sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow)), true),
            "le" | "ng" | "g" | "nle" => {
                let less = sign.zip(overflow).map(|(sign, overflow)| builder.xor(sign, overflow));
                (less.zip(zero).map(|(less, zero)| builder.or(less, zero)), matches!(code, "g" | "nle"))
            }
            _ => (None, false),
        };
        let base = base.ok_or_else(undefined)?;
        Ok(if negated { builder.not(base) } else { base })
    }
}
