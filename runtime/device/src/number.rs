// SPDX-License-Identifier: MIT OR Apache-2.0

//! Numbers as text, as `number()` in lib/vsprintf.c of the kernel writes them.

use crate::print::Output;

/// Flags, width and precision of a conversion: `struct printf_spec` of lib/vsprintf.c.
#[derive(Clone, Copy, Default)]
pub struct Spec {
    /// `-`: padding comes after the text.
    pub left: bool,
    /// `+`: a plus sign before numbers that are not negative.
    pub plus: bool,
    /// ` `: a space before numbers that are not negative.
    pub space: bool,
    /// `0`: padding is zeroes.
    pub zero: bool,
    /// `#`: a prefix that tells the base.
    pub special: bool,
    /// Least characters.
    pub width: u64,
    /// Least digits of a number, most characters of a string.
    pub precision: Option<u64>,
}

/// Base and look of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// `o`.
    Octal,
    /// `u`, or `d` with its sign taken off.
    Decimal,
    /// `x`.
    LowerHexadecimal,
    /// `X`.
    UpperHexadecimal,
}

impl Base {
    /// The number without its last digit, and that digit. By constants: a division by a variable is slow on
    /// a GPU.
    fn split(self, number: u64) -> (u64, u8) {
        match self {
            Self::Octal => (number / 8, (number % 8) as u8),
            Self::Decimal => (number / 10, (number % 10) as u8),
            _ => (number / 16, (number % 16) as u8),
        }
    }

    /// A digit as a character.
    fn character(self, digit: u8) -> u8 {
        match digit {
            0..=9 => b'0'.wrapping_add(digit),
            _ if self == Self::UpperHexadecimal => b'A'.wrapping_add(digit).wrapping_sub(10),
            _ => b'a'.wrapping_add(digit).wrapping_sub(10),
        }
    }
}

/// Writes a number. `sign` is its sign, if there is to be one. As in the kernel, and unlike C's library, a
/// precision does not turn `0` off, `%.0d` of 0 is `0`, and `%#x` of 0 is `0x0`.
pub fn write(output: &mut impl Output, spec: &Spec, base: Base, number: u64, sign: Option<u8>) {
    // Digits are needed from the highest down, so find the highest power of the base first: no array.
    let mut digits = 1u64;
    let mut rest = base.split(number).0;
    while rest != 0 {
        rest = base.split(rest).0;
        digits = digits.wrapping_add(1);
    }
    let precision = spec.precision.unwrap_or(0).max(digits);
    let prefix = match base {
        Base::Octal if spec.special && number != 0 => 1,
        Base::LowerHexadecimal | Base::UpperHexadecimal if spec.special => 2,
        _ => 0,
    };
    let taken = precision.saturating_add(prefix).saturating_add(sign.is_some().into());
    let padding = spec.width.saturating_sub(taken);
    if !spec.left && !spec.zero {
        output.repeat(b' ', padding);
    }
    if let Some(sign) = sign {
        output.put(sign);
    }
    if prefix > 0 {
        output.put(b'0');
    }
    if prefix > 1 {
        output.put(if base == Base::UpperHexadecimal { b'X' } else { b'x' });
    }
    if !spec.left && spec.zero {
        output.repeat(b'0', padding);
    }
    output.repeat(b'0', precision.saturating_sub(digits));
    while digits > 0 {
        digits = digits.wrapping_sub(1);
        let mut number = number;
        let mut below = digits;
        while below > 0 {
            number = base.split(number).0;
            below = below.wrapping_sub(1);
        }
        output.put(base.character(base.split(number).1));
    }
    if spec.left {
        output.repeat(b' ', padding);
    }
}
