// SPDX-License-Identifier: MIT OR Apache-2.0

//! Operands of instructions in AT&T syntax, as LLVM keeps them in inline assembly.

/// An operand as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `$$1`: a number.
    Immediate(i64),
    /// `$1` or `${1:b}`: an operand of the asm statement and its modifier.
    Argument(usize, Option<char>),
    /// `%eax`: a register by name, without the percent sign.
    Register(String),
    /// `%gs:$1`: memory relative to a segment.
    Segment(String, Box<Operand>),
    /// `-4(%rsp)`, `8($1)`: memory at a base plus a displacement.
    Memory(i64, Box<Operand>),
    /// `8($1,$2,4)`: memory at a base plus so many times an index plus a displacement.
    Indexed(i64, Box<Operand>, Box<Operand>, i64),
    /// `${1:a}`, `${1:P}(%rip)`, `${1:c}(%rip)`: memory at an address that is an operand.
    At(usize),
    /// `*$1`: the target of an indirect call or jump.
    Indirect(Box<Operand>),
    /// Anything else: the name of a function, a label, an expression.
    Text(String),
}

/// Splits at commas that are not inside parentheses or braces.
pub fn split_operands(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |letter: char| {
        match letter {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth <= 0
    })
    .map(str::trim)
    .filter(|operand| !operand.is_empty())
}

/// Reads one operand.
pub fn operand(text: &str) -> Operand {
    let text = text.trim();
    if let Some(number) = text.strip_prefix("$$") {
        return evaluate(number).map_or_else(|| Operand::Text(text.to_owned()), Operand::Immediate);
    }
    if let Some(target) = text.strip_prefix('*') {
        return Operand::Indirect(Box::new(operand(target)));
    }
    if let Some(argument) = argument(text) {
        return match argument {
            Operand::Argument(index, Some('a')) => Operand::At(index),
            argument => argument,
        };
    }
    // clang writes the register as `% rip`.
    let relative = text.strip_suffix("(%rip)").or_else(|| text.strip_suffix("(% rip)"));
    if let Some(Operand::Argument(index, Some('P' | 'c'))) =
        relative.and_then(|symbol| argument(symbol.trim()))
    {
        return Operand::At(index);
    }
    if let Some(register) = text.strip_prefix('%') {
        return match register.split_once(':') {
            Some((segment, inner)) => Operand::Segment(segment.to_owned(), Box::new(operand(inner))),
            None if register.chars().all(|letter| letter.is_ascii_alphanumeric()) => {
                Operand::Register(register.to_ascii_lowercase())
            }
            None => Operand::Text(text.to_owned()),
        };
    }
    if let Some(inner) = text.strip_suffix(')')
        && let Some((displacement, base)) = inner.split_once('(')
        && !base.contains(['(', ','])
        && let Some(displacement) =
            if displacement.trim().is_empty() { Some(0) } else { evaluate(displacement) }
    {
        return Operand::Memory(displacement, Box::new(operand(base)));
    }
    if let Some(indexed) = indexed(text) {
        return indexed;
    }
    evaluate(text).map_or_else(|| Operand::Text(text.to_owned()), Operand::Immediate)
}

/// `8($1,$2,4)`
fn indexed(text: &str) -> Option<Operand> {
    let (displacement, inner) = text.strip_suffix(')')?.split_once('(')?;
    let displacement = if displacement.trim().is_empty() { 0 } else { evaluate(displacement)? };
    let mut parts = split_operands(inner);
    let (base, index) = (operand(parts.next()?), operand(parts.next()?));
    let scale = parts.next().map_or(Some(1), evaluate)?;
    let is_whole = parts.next().is_none() && matches!(scale, 1 | 2 | 4 | 8);
    is_whole.then(|| Operand::Indexed(displacement, Box::new(base), Box::new(index), scale))
}

/// `$1` and `${1:b}`.
fn argument(text: &str) -> Option<Operand> {
    let text = text.strip_prefix('$')?;
    let (number, modifier) = match text.strip_prefix('{') {
        Some(inner) => match inner.strip_suffix('}')?.split_once(':') {
            Some((number, modifier)) => (number, Some(modifier)),
            None => (inner.strip_suffix('}')?, None),
        },
        None => (text, None),
    };
    let mut letters = modifier.unwrap_or_default().chars();
    let modifier = letters.next();
    if letters.next().is_some() {
        return None;
    }
    Some(Operand::Argument(number.parse().ok()?, modifier))
}

/// The value of an expression of numbers: with `~` and `-`, then `*`, `<<` and `>>`, then `&` and `|`, then `+` and `-`, and
/// parentheses, which take precedence in this order, as assemblers have it and C has not ("Infix Operators" in the manual of
/// GNU as). In templates LLVM writes `|` as `$|`.
pub fn evaluate(text: &str) -> Option<i64> {
    let mut rest = text.trim_start();
    let value = expression(&mut rest, 0)?;
    rest.is_empty().then_some(value)
}

/// The most parentheses and signs that are followed into each other.
const DEEPEST: u32 = 32;

/// Operators of two operands, and how strongly they bind.
const OPERATORS: &[(&str, u32)] =
    &[("$|", 2), ("|", 2), ("&", 2), ("<<", 3), (">>", 3), ("+", 1), ("-", 1), ("*", 3)];

fn expression(rest: &mut &str, depth: u32) -> Option<i64> {
    operation(rest, 0, depth)
}

/// A chain of operators that bind at least as strongly as `least`.
fn operation(rest: &mut &str, least: u32, depth: u32) -> Option<i64> {
    let mut left = term(rest, depth)?;
    while let Some(&(operator, strength)) =
        OPERATORS.iter().find(|(operator, strength)| rest.starts_with(operator) && *strength >= least)
    {
        *rest = rest[operator.len()..].trim_start();
        let right = operation(rest, strength + 1, depth)?;
        let shift = || u32::try_from(right).ok().filter(|count| *count < 64);
        left = match operator {
            "$|" | "|" => left | right,
            "&" => left & right,
            "<<" => left << shift()?,
            ">>" => left >> shift()?,
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            _ => left.wrapping_mul(right),
        };
    }
    Some(left)
}

fn term(rest: &mut &str, depth: u32) -> Option<i64> {
    if depth > DEEPEST {
        return None;
    }
    let mut letters = rest.chars();
    match letters.next()? {
        '(' => {
            *rest = letters.as_str().trim_start();
            let value = expression(rest, depth + 1)?;
            *rest = rest.strip_prefix(')')?.trim_start();
            Some(value)
        }
        '-' => {
            *rest = letters.as_str().trim_start();
            Some(term(rest, depth + 1)?.wrapping_neg())
        }
        '~' => {
            *rest = letters.as_str().trim_start();
            Some(!term(rest, depth + 1)?)
        }
        _ => {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at(end);
            *rest = after.trim_start();
            match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
                Some(digits) => Some(u64::from_str_radix(digits, 16).ok()?.cast_signed()),
                None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok(),
                None => digits.parse().ok(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_and_memory_operands_are_told_apart() {
        assert_eq!(
            operand("%gs:${1:P}"),
            Operand::Segment("gs".into(), Box::new(Operand::Argument(1, Some('P'))))
        );
        assert_eq!(operand("${2:P} (% rip)"), Operand::At(2));
        assert_eq!(operand("${2:c}(%rip)"), Operand::At(2));
        assert_eq!(operand("${2:a}"), Operand::At(2));
        assert_eq!(operand("-4(%rsp)"), Operand::Memory(-4, Box::new(Operand::Register("rsp".into()))));
        assert_eq!(
            operand("0($1,${2:q},8)"),
            Operand::Indexed(
                0,
                Box::new(Operand::Argument(1, None)),
                Box::new(Operand::Argument(2, Some('q'))),
                8
            )
        );
        assert_eq!(operand("0($1,$2,3)"), Operand::Text("0($1,$2,3)".into()));
        assert_eq!(operand("(%rip)"), Operand::Memory(0, Box::new(Operand::Register("rip".into()))));
    }

    #[test]
    fn numbers_may_be_expressions() {
        for (text, value) in [
            ("0", Some(0)),
            ("-4", Some(-4)),
            ("0xffffffffffffffff", Some(-1)),
            ("( 9*32+20)", Some(308)),
            ("(((11*32+27)) $| (1 << 15))", Some(379 | 1 << 15)),
            ("(22*32 + (1*32 + 1))", Some(737)),
            ("(17 $| ((-(14)) << 16))", Some(17 | -14 << 16)),
            ("~0xfa1e0ff3", Some(!0xfa1e_0ff3)),
            ("1 + 2 * 3 - 4", Some(3)),
            ("1 << 64", None),
            ("1 +", None),
            ("1f - .", None),
            ("", None),
            ("1<<2+1", Some(5)),
            ("1|2+1", Some(4)),
            ("010", Some(8)),
            ("0", Some(0)),
            ("09", None),
        ] {
            assert_eq!(evaluate(text), value, "{text}");
        }
        assert_eq!(evaluate(&"(".repeat(100_000)), None);
        assert_eq!(operand("$$~0xfa1e0ff3"), Operand::Immediate(!0xfa1e_0ff3));
    }
}
