// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text with a format: `printk`, and for `vsnprintf` in [`crate::text`].
//!
//! Follows `vsnprintf()` in lib/vsprintf.c of the kernel, but for pointers: `%p` prints the address itself,
//! and what the kernel makes of the letters after it (`%pS`) is not made. A conversion that is unknown, or
//! for which no argument is left, is copied as it stands.

use crate::log::Message;
use crate::number::{self, Base, Spec};
use crate::reader::Reader;
use crate::translate::PAGE_SIZE;

/// `FIELD_WIDTH_MAX` of lib/vsprintf.c.
const WIDEST: u64 = (1 << 23) - 1;
/// `PRECISION_MAX` of lib/vsprintf.c.
const MOST_PRECISE: u64 = (1 << 15) - 1;
/// `MAX_ERRNO` of include/linux/err.h: the last so many addresses are error numbers.
const MOST_ERRORS: u64 = 4095;

/// Where text goes.
pub trait Output {
    /// Adds a byte. Counts like a backward branch.
    fn put(&mut self, byte: u8);

    /// Whether nothing that is added makes a difference any more.
    fn is_full(&self) -> bool;

    /// Adds a byte so many times.
    fn repeat(&mut self, byte: u8, times: u64) {
        let mut index = 0u64;
        while index < times && !self.is_full() {
            self.put(byte);
            index = index.wrapping_add(1);
        }
    }
}

/// Where what is printed comes from.
pub trait Arguments {
    /// The next one, sign- or zero-extended to 64 bits.
    fn next(&mut self) -> Option<u64>;
}

/// Prints a message, for example `gpufas_print("\0016pid %d\n", [pid], 1)`. Each argument is sign- or
/// zero-extended to 64 bits. Returns the length of the text, or 0 if it did not fit into the log.
///
/// # Safety
///
/// `arguments` points to `count` numbers.
#[unsafe(no_mangle)]
#[inline(never)]
pub unsafe extern "C-unwind" fn gpufas_print(
    format: u64,
    arguments: *const u64,
    count: u32,
    site: u32,
) -> i32 {
    let mut message = Message::new(site);
    print(format, &mut Array { next: arguments, left: count }, &mut message, site);
    i32::try_from(message.finish()).unwrap_or(i32::MAX)
}

/// Prints text with the format at an address.
pub fn print(format: u64, arguments: &mut impl Arguments, output: &mut impl Output, site: u32) {
    Printer { at: format, format: Reader::new(site), arguments, output, site }.run();
}

/// Arguments in an array.
struct Array {
    next: *const u64,
    left: u32,
}

impl Arguments for Array {
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `gpufas_print`'s caller promises that there are so many.
        let argument = unsafe { self.next.read() };
        self.next = self.next.wrapping_add(1);
        Some(argument)
    }
}

/// The size of an integer argument.
#[derive(Clone, Copy)]
enum Length {
    Char,
    Short,
    Int,
    Long,
}

struct Printer<'a, A, O> {
    /// Address of the next character of the format.
    at: u64,
    format: Reader,
    arguments: &'a mut A,
    output: &'a mut O,
    site: u32,
}

impl<A: Arguments, O: Output> Printer<'_, A, O> {
    fn run(&mut self) {
        while !self.output.is_full() {
            match self.peek() {
                0 => return,
                b'%' => {
                    let start = self.at;
                    if self.conversion().is_none() {
                        self.copy_literally(start);
                    }
                }
                byte => {
                    self.output.put(byte);
                    self.skip();
                }
            }
        }
    }

    fn peek(&mut self) -> u8 {
        self.format.byte(self.at)
    }

    fn skip(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    /// Copies the format from `start` to the character at which it ceased to be known.
    fn copy_literally(&mut self, start: u64) {
        if self.peek() != 0 {
            self.skip();
        }
        let end = self.at;
        self.at = start;
        while self.at != end && !self.output.is_full() {
            let byte = self.peek();
            self.output.put(byte);
            self.skip();
        }
    }

    /// Does the conversion whose `%` is next. `None` if it is not known, or no argument is left for it; then
    /// the next character is the one where that showed.
    fn conversion(&mut self) -> Option<()> {
        self.skip();
        let mut spec = Spec::default();
        loop {
            match self.peek() {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'0' => spec.zero = true,
                b'#' => spec.special = true,
                _ => break,
            }
            self.skip();
        }
        let mut has_width = false;
        if let Some(width) = self.width_or_precision()? {
            has_width = true;
            spec.left |= width < 0;
            spec.width = width.unsigned_abs().min(WIDEST);
        }
        if self.peek() == b'.' {
            self.skip();
            // A negative precision, which only an argument can be, is none. No number is 0.
            let precision = self.width_or_precision()?.unwrap_or(0);
            spec.precision = u64::try_from(precision).ok().map(|precision| precision.min(MOST_PRECISE));
        }
        let length = self.length();
        let conversion = self.peek();
        match conversion {
            b'%' => self.output.put(b'%'),
            b'd' | b'i' => {
                let number = extend(self.arguments.next()?, length);
                let sign = match number {
                    ..0 => Some(b'-'),
                    _ if spec.plus => Some(b'+'),
                    _ if spec.space => Some(b' '),
                    _ => None,
                };
                number::write(self.output, &spec, Base::Decimal, number.unsigned_abs(), sign);
            }
            b'u' | b'x' | b'X' | b'o' => {
                let number = truncate(self.arguments.next()?, length);
                let base = match conversion {
                    b'u' => Base::Decimal,
                    b'o' => Base::Octal,
                    b'x' => Base::LowerHexadecimal,
                    _ => Base::UpperHexadecimal,
                };
                number::write(self.output, &spec, base, number, None);
            }
            b'c' => {
                let character = self.arguments.next()? as u8;
                let padding = spec.width.saturating_sub(1);
                self.output.repeat(b' ', if spec.left { 0 } else { padding });
                self.output.put(character);
                self.output.repeat(b' ', if spec.left { padding } else { 0 });
            }
            b's' => {
                let address = self.arguments.next()?;
                self.string(&spec, address);
            }
            b'p' => {
                let address = self.arguments.next()?;
                self.pointer(spec, has_width, address);
                return Some(());
            }
            _ => return None,
        }
        self.skip();
        Some(())
    }

    /// A width or precision, if the format has one here: digits, or `*` for an argument.
    fn width_or_precision(&mut self) -> Option<Option<i64>> {
        if self.peek() == b'*' {
            let argument = self.arguments.next()?;
            self.skip();
            return Some(Some(i64::from(argument as i32)));
        }
        let mut number = None;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                return Some(number);
            }
            let value = number.unwrap_or(0i64).saturating_mul(10).saturating_add(digit.into());
            number = Some(value.min(WIDEST.cast_signed()));
            self.skip();
        }
    }

    fn length(&mut self) -> Length {
        let first = self.peek();
        let length = match first {
            b'h' => Length::Short,
            b'l' | b'L' | b'z' | b't' | b'j' => Length::Long,
            _ => return Length::Int,
        };
        self.skip();
        if matches!(first, b'h' | b'l') && self.peek() == first {
            self.skip();
            return if first == b'h' { Length::Char } else { length };
        }
        length
    }

    /// A string, as `string()` in lib/vsprintf.c writes it.
    fn string(&mut self, spec: &Spec, address: u64) {
        let mut reader = Reader::new(self.site);
        let replacement: &[u8] = match address {
            0 => b"(null)",
            1..PAGE_SIZE => b"(efault)",
            _ if address >= MOST_ERRORS.wrapping_neg() => b"(efault)",
            _ => b"",
        };
        // What stands at an index; 0 after the end.
        let mut character = |index: u64| match replacement.get(index as usize) {
            Some(byte) => *byte,
            None if replacement.is_empty() => reader.byte(address.wrapping_add(index)),
            None => 0,
        };
        let most = spec.precision.unwrap_or(u64::MAX);
        let mut length = 0u64;
        // The padding before the text depends on the length of the text.
        if spec.width > 0 && !spec.left {
            while length < most && length < spec.width && character(length) != 0 {
                length = length.wrapping_add(1);
            }
            self.output.repeat(b' ', spec.width.saturating_sub(length));
            length = 0;
        }
        while length < most && !self.output.is_full() {
            let byte = character(length);
            if byte == 0 {
                break;
            }
            self.output.put(byte);
            length = length.wrapping_add(1);
        }
        if spec.left {
            self.output.repeat(b' ', spec.width.saturating_sub(length));
        }
    }

    /// An address, as `pointer_string()` in lib/vsprintf.c writes it, and without the letters and digits that
    /// follow in the format.
    fn pointer(&mut self, spec: Spec, has_width: bool, address: u64) {
        let mut spec = Spec { precision: None, ..spec };
        if !has_width {
            spec.width = 16;
            spec.zero = true;
        }
        number::write(self.output, &spec, Base::LowerHexadecimal, address, None);
        self.skip();
        while self.peek().is_ascii_alphanumeric() {
            self.skip();
        }
    }
}

/// The signed number of an argument of some length.
fn extend(argument: u64, length: Length) -> i64 {
    match length {
        Length::Char => (argument as i8).into(),
        Length::Short => (argument as i16).into(),
        Length::Int => (argument as i32).into(),
        Length::Long => argument.cast_signed(),
    }
}

/// The unsigned number of an argument of some length.
fn truncate(argument: u64, length: Length) -> u64 {
    match length {
        Length::Char => (argument as u8).into(),
        Length::Short => (argument as u16).into(),
        Length::Int => (argument as u32).into(),
        Length::Long => argument,
    }
}
