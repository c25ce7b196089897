// SPDX-License-Identifier: MIT OR Apache-2.0

//! Formats of `printk()` and `snprintf()` of which the runtime makes something else than the kernel: print.rs of the device runtime
//! knows numbers, characters, strings and plain addresses.

/// Letters behind `%p` with which the kernel's log has an address, too.
const ADDRESSES: &[u8] = b"xK";

/// What is printed otherwise, if anything is. The format has `arguments` arguments.
pub fn problem(format: &[u8], arguments: usize) -> Option<String> {
    let end = format.iter().position(|&byte| byte == 0).unwrap_or(format.len());
    let format = &format[..end];
    let mut rest = format;
    let mut used = 0;
    while let Some(start) = rest.iter().position(|&byte| byte == b'%') {
        let conversion = Conversion::read(&rest[start..]);
        let text = || String::from_utf8_lossy(&rest[start..start + conversion.length]).into_owned();
        used += conversion.arguments;
        match conversion.kind {
            None => return Some(format!("`{}` is not known, and printed as it is", text())),
            Some(b'p') if conversion.length_of_name > 0 => {
                return Some(format!("`{}` prints the address and nothing else", text()));
            }
            Some(_) if used > arguments => {
                return Some(format!("there is no argument for `{}`, which is printed as it is", text()));
            }
            Some(_) => {}
        }
        rest = &rest[start + conversion.length..];
    }
    None
}

/// A conversion, from its `%` on.
struct Conversion {
    /// The letter; none if it is not known.
    kind: Option<u8>,
    /// How many arguments it takes.
    arguments: usize,
    /// Its length in bytes.
    length: usize,
    /// How many letters and digits behind `%p` say what is to be printed in place of the address.
    length_of_name: usize,
}

impl Conversion {
    fn read(text: &[u8]) -> Self {
        let byte = |at: usize| text.get(at).copied().unwrap_or(0);
        let (mut at, mut arguments) = (1, 0);
        while matches!(byte(at), b'-' | b'+' | b' ' | b'0' | b'#') {
            at += 1;
        }
        let number = |at: &mut usize, arguments: &mut usize| {
            if byte(*at) == b'*' {
                (*at, *arguments) = (*at + 1, *arguments + 1);
            }
            while byte(*at).is_ascii_digit() {
                *at += 1;
            }
        };
        number(&mut at, &mut arguments);
        if byte(at) == b'.' {
            at += 1;
            number(&mut at, &mut arguments);
        }
        let first = byte(at);
        if matches!(first, b'h' | b'l' | b'L' | b'z' | b't' | b'j') {
            at += 1;
            if matches!(first, b'h' | b'l') && byte(at) == first {
                at += 1;
            }
        }
        let letter = byte(at);
        let known = matches!(letter, b'%' | b'd' | b'i' | b'u' | b'x' | b'X' | b'o' | b'c' | b's' | b'p');
        if letter != 0 {
            at += 1;
        }
        let mut length_of_name = 0;
        if letter == b'p' {
            while byte(at + length_of_name).is_ascii_alphanumeric() {
                length_of_name += 1;
            }
            at += length_of_name;
            if length_of_name == 1 && ADDRESSES.contains(&byte(at - 1)) {
                length_of_name = 0;
            }
        }
        if known && letter != b'%' {
            arguments += 1;
        }
        Self { kind: known.then_some(letter), arguments, length: at.min(text.len()), length_of_name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runtime_prints_is_fine() {
        for (format, arguments) in [
            ("plain", 0),
            ("100%%", 0),
            ("%d %5i %-3u %#lx %08llX %o %c %s %p %px %pK", 11),
            ("%*d %.*s %-*.*s %hhd %zu %td", 10),
            ("%s\0%q", 1),
            ("%d", 2),
        ] {
            assert_eq!(problem(format.as_bytes(), arguments), None, "{format}");
        }
    }

    #[test]
    fn what_it_does_not_is_named() {
        for (format, arguments, expected) in [
            ("a %d %q\n", 1, "`%q`"),
            ("%f", 1, "`%f`"),
            ("%ld %pd", 2, "`%pd`"),
            ("%pISpfc x", 1, "`%pISpfc`"),
            ("%x %x", 1, "no argument for `%x`"),
            ("%*d", 1, "no argument for `%*d`"),
            ("%", 0, "`%`"),
            ("%-5.3l", 0, "`%-5.3l`"),
        ] {
            let message = problem(format.as_bytes(), arguments).unwrap_or_default();
            assert!(message.contains(expected), "{format}: {message}");
        }
    }
}
