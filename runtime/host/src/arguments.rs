// SPDX-License-Identifier: MIT OR Apache-2.0

//! The entry point that the user means, and its arguments.
//!
//! Arguments are given by position, as `--name value`, `--name=value` or `name=value`, in any mixture;
//! `--name` alone is true for a `bool`. Integers are decimal, or start with `0x`, `0o` or `0b`.

use crate::error::{Error, Result};
use crate::program::Program;
use gpufas_abi::manifest::{Argument, ArgumentType, Entry};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer or a `bool`, sign- or zero-extended.
    Number(u64),
    /// A string, without its NUL.
    String(Vec<u8>),
}

/// Chooses the entry point `name`, or the only one if no name is given.
///
/// # Errors
/// [`Error::Arguments`].
pub fn select<'a>(program: &'a Program, name: Option<&str>) -> Result<&'a Entry> {
    let failed = |message: String| Error::Arguments { message, usage: usage(program) };
    match (name, program.manifest().entries.as_slice()) {
        (Some(name), _) => {
            let file = program.path().display();
            program.entry(name).ok_or_else(|| failed(format!("{file} has no entry point {name:?}")))
        }
        (None, [entry]) => Ok(entry),
        (None, entries) => {
            let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
            Err(failed(format!("which entry point? {} has {}", program.path().display(), names.join(", "))))
        }
    }
}

/// Assigns what the user gave to the arguments of an entry point.
///
/// # Errors
/// [`Error::Arguments`] if something is missing, too much, unknown, or not of its type.
pub fn assign(program: &Program, entry: &Entry, given: &[OsString]) -> Result<Vec<Value>> {
    assign_to(&entry.arguments, given)
        .map_err(|message| Error::Arguments { message, usage: usage_of(program, entry) })
}

fn assign_to(arguments: &[Argument], given: &[OsString]) -> Result<Vec<Value>, String> {
    let mut values: Vec<Option<Value>> = vec![None; arguments.len()];
    let mut given = given.iter().map(|text| text.as_bytes()).peekable();
    while let Some(text) = given.next() {
        let (index, value) = match named(arguments, text)? {
            Some((index, Some(value))) => (index, value),
            Some((index, None)) if arguments[index].kind == ArgumentType::Bool => {
                let value = given.next_if(|text| boolean(text).is_some()).unwrap_or(b"true");
                (index, value)
            }
            Some((index, None)) => {
                let value =
                    given.next().ok_or_else(|| format!("--{} needs a value", arguments[index].name))?;
                (index, value)
            }
            None => {
                let free = values.iter().position(Option::is_none);
                (free.ok_or_else(|| format!("{:?} is one argument too many", lossy(text)))?, text)
            }
        };
        if values[index].is_some() {
            return Err(format!("argument {} is given twice", arguments[index].name));
        }
        values[index] = Some(convert(&arguments[index], value)?);
    }
    let missing: Vec<_> = arguments.iter().zip(&values).filter(|(_, value)| value.is_none()).collect();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(argument, _)| argument.name.as_str()).collect();
        return Err(format!("missing: {}", names.join(", ")));
    }
    Ok(values.into_iter().flatten().collect())
}

/// Index of the argument that is named, and its value if that follows an equals sign.
type Named<'a> = (usize, Option<&'a [u8]>);

/// Which argument is named; none if the text is positional.
fn named<'a>(arguments: &[Argument], text: &'a [u8]) -> Result<Option<Named<'a>>, String> {
    let (dashed, rest) = match text.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (name, value) = match rest.iter().position(|byte| *byte == b'=') {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    // A name is written with dashes on a command line as often as with underscores.
    let same = |argument: &Argument| {
        let dash = |byte: u8| if byte == b'-' { b'_' } else { byte };
        name.len() == argument.name.len()
            && name.iter().zip(argument.name.bytes()).all(|(a, b)| dash(*a) == dash(b))
    };
    match arguments.iter().position(same) {
        Some(index) if dashed || value.is_some() => Ok(Some((index, value))),
        None if dashed => Err(format!("there is no argument --{}", lossy(name))),
        _ => Ok(None),
    }
}

fn convert(argument: &Argument, text: &[u8]) -> Result<Value, String> {
    let wrong = || {
        let what = type_name(argument.kind);
        format!("argument {}: {:?} is no {what}", argument.name, lossy(text))
    };
    let number = || integer(text).ok_or_else(wrong);
    let in_range = |value: i128, least: i128, most: i128| {
        if (least..=most).contains(&value) { Ok(value as u64) } else { Err(wrong()) }
    };
    match argument.kind {
        ArgumentType::Bool => boolean(text).map(|value| Value::Number(value.into())).ok_or_else(wrong),
        ArgumentType::I32 => in_range(number()?, i32::MIN.into(), i32::MAX.into()).map(Value::Number),
        ArgumentType::U32 => in_range(number()?, 0, u32::MAX.into()).map(Value::Number),
        ArgumentType::I64 => in_range(number()?, i64::MIN.into(), i64::MAX.into()).map(Value::Number),
        ArgumentType::U64 => in_range(number()?, 0, u64::MAX.into()).map(Value::Number),
        ArgumentType::String if text.contains(&0) => Err(wrong()),
        ArgumentType::String => Ok(Value::String(text.to_vec())),
    }
}

fn boolean(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"true" | b"yes" | b"on" | b"1" => Some(true),
        b"false" | b"no" | b"off" | b"0" => Some(false),
        _ => None,
    }
}

fn integer(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    // from_str_radix would take a second sign.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    Some(if negative { -value } else { value })
}

fn lossy(text: &[u8]) -> String {
    OsStr::from_bytes(text).to_string_lossy().into_owned()
}

/// The name of a type in messages and usage texts.
pub fn type_name(kind: ArgumentType) -> &'static str {
    match kind {
        ArgumentType::Bool => "bool",
        ArgumentType::I32 => "i32",
        ArgumentType::U32 => "u32",
        ArgumentType::I64 => "i64",
        ArgumentType::U64 => "u64",
        ArgumentType::String => "string",
    }
}

/// How the program is called, one line for each entry point.
pub fn usage(program: &Program) -> String {
    let lines: Vec<_> = program.manifest().entries.iter().map(|entry| usage_of(program, entry)).collect();
    lines.join("\n")
}

fn usage_of(program: &Program, entry: &Entry) -> String {
    let mut line = format!(
        "usage: gpufas run {} {} (--qmp SOCKET | --memory FILE)",
        program.path().display(),
        entry.name
    );
    if !entry.arguments.is_empty() {
        line.push_str(" --");
    }
    for argument in &entry.arguments {
        // Writing to a String cannot fail.
        let _ = write!(line, " {}:{}", argument.name, type_name(argument.kind));
    }
    if !entry.description.is_empty() {
        let _ = write!(line, "\n    {}", entry.description);
    }
    line
}

/// What a user would type for a value; for reports.
pub fn display(value: &Value, kind: ArgumentType) -> String {
    match value {
        Value::Number(number) => match kind {
            ArgumentType::Bool => (*number != 0).to_string(),
            ArgumentType::I32 | ArgumentType::I64 => (*number as i64).to_string(),
            _ => number.to_string(),
        },
        Value::String(text) => OsString::from_vec(text.clone()).to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arguments() -> Vec<Argument> {
        let argument = |name: &str, kind| Argument { name: name.into(), kind };
        vec![
            argument("signal", ArgumentType::I32),
            argument("comm", ArgumentType::String),
            argument("dry_run", ArgumentType::Bool),
        ]
    }

    fn assigned(given: &[&str]) -> Result<Vec<Value>, String> {
        let given: Vec<OsString> = given.iter().map(Into::into).collect();
        assign_to(&arguments(), &given)
    }

    #[test]
    fn every_form_gives_the_same() {
        let expected = vec![Value::Number(9), Value::String(b"hog".to_vec()), Value::Number(1)];
        for given in [
            &["9", "hog", "true"][..],
            &["--signal", "9", "--comm", "hog", "--dry-run"],
            &["comm=hog", "0x9", "yes"],
            &["--dry_run", "9", "hog"],
            &["--dry_run", "on", "--comm=hog", "signal=0b1001"],
        ] {
            assert_eq!(assigned(given).as_ref(), Ok(&expected), "{given:?}");
        }
    }

    #[test]
    fn negative_numbers_are_sign_extended() {
        let values = assigned(&["-1", "x", "0"]).unwrap();
        assert_eq!(values[0], Value::Number(u64::MAX));
        assert_eq!(display(&values[0], ArgumentType::I32), "-1");
    }

    #[test]
    fn text_that_only_looks_named_is_positional() {
        assert_eq!(assigned(&["9", "a=b", "no"]).unwrap()[1], Value::String(b"a=b".to_vec()));
        assert_eq!(assigned(&["9", "comm=--x", "no"]).unwrap()[1], Value::String(b"--x".to_vec()));
    }

    #[test]
    fn mistakes_are_named() {
        for (given, message) in [
            (&["9", "hog"][..], "missing: dry_run"),
            (&[], "missing: signal, comm, dry_run"),
            (&["9", "hog", "no", "more"], "\"more\" is one argument too many"),
            (&["--pid", "9"], "there is no argument --pid"),
            (&["nine", "hog", "no"], "argument signal: \"nine\" is no i32"),
            (&["2147483648", "hog", "no"], "argument signal: \"2147483648\" is no i32"),
            (&["--5", "hog", "no"], "there is no argument --5"),
            (&["-+5", "hog", "no"], "argument signal: \"-+5\" is no i32"),
            (&["9", "hog", "maybe"], "argument dry_run: \"maybe\" is no bool"),
            (&["9", "signal=9"], "argument signal is given twice"),
            (&["--comm"], "--comm needs a value"),
        ] {
            assert_eq!(assigned(given), Err(message.into()), "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn integers_are_read_back(value: i64) {
            prop_assert_eq!(integer(value.to_string().as_bytes()), Some(value.into()));
            prop_assert_eq!(integer(format!("{:#x}", value as u64).as_bytes()), Some((value as u64).into()));
        }

        #[test]
        fn any_text_is_survived(given: Vec<Vec<u8>>) {
            let given: Vec<OsString> = given.into_iter().map(OsString::from_vec).collect();
            let _ = assign_to(&arguments(), &given);
        }
    }
}
