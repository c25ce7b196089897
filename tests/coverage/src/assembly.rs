// SPDX-License-Identifier: MIT OR Apache-2.0

//! The templates of inline assembly in a module's IR, without what differs from one use to another.

use std::collections::BTreeMap;

/// Sections with code that the template can come to.
const CODE: &[&str] = &[".fixup", ".altinstr_aux"];

/// The templates of IR, each with a function that has it.
pub fn templates(ir: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut function = "";
    for line in ir.lines() {
        if line.starts_with("define ") {
            function = defined(line);
        }
        let Some((_, rest)) = line.split_once(" asm ") else { continue };
        // Flags, the text, the constraints.
        let mut quoted = rest.split('"');
        if let (Some(_), Some(text), Some(", ")) = (quoted.next(), quoted.next(), quoted.next()) {
            found.entry(normal(&unescaped(text))).or_insert_with(|| function.to_owned());
        }
    }
    found
}

/// The name of the function whose definition begins in a line of IR.
pub fn defined(line: &str) -> &str {
    line.split_once('@').and_then(|(_, rest)| rest.split('(').next()).unwrap_or_default()
}

/// Text as it is without LLVM's escapes for bytes.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[2..]);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

/// The instructions of a template, without what differs from one use to another.
fn normal(text: &str) -> String {
    let text = without_comments(text);
    let mut sections: Vec<&str> = Vec::new();
    let mut in_macro = false;
    let mut kept: Vec<String> = Vec::new();
    for statement in text.lines().flat_map(|line| line.split('#').next().unwrap_or_default().split(';')) {
        let statement = without_labels(statement.trim());
        let Some(word) = statement.split_whitespace().next() else { continue };
        match word {
            ".endm" => in_macro = false,
            _ if in_macro => {}
            ".macro" => in_macro = true,
            ".pushsection" | ".section" => {
                let name = statement[word.len()..].split(',').next().unwrap_or_default();
                sections.push(name.trim().trim_matches('"'));
            }
            ".popsection" | ".previous" => _ = sections.pop(),
            ".skip" | ".balign" | ".align" | ".p2align" => {}
            _ if sections.last().is_some_and(|name| !CODE.contains(name)) => {}
            _ => kept.push(operands(statement)),
        }
    }
    kept.join("; ")
}

fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept + rest
}

fn without_labels(statement: &str) -> &str {
    let mut rest = statement;
    loop {
        let word = rest.split_whitespace().next().unwrap_or_default();
        // `${0:c}:` is one, `%gs:$1` is none.
        let end = word.find("}:").map(|at| at + 1).or_else(|| word.find(':'));
        match end.filter(|&end| end > 0 && word.as_bytes().get(end) == Some(&b':') && !word.contains('%')) {
            Some(end) => rest = rest[end + 1..].trim_start(),
            None => return rest,
        }
    }
}

/// A statement with `%` for `$1`, `%b` for `${1:b}` and `$` for `$$`, and one blank where there are several.
fn operands(statement: &str) -> String {
    let mut plain = String::new();
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
        } else if let Some((number, after)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}'))
        {
            plain.push('%');
            plain.push_str(number.split_once(':').map_or("", |(_, modifier)| modifier));
            rest = after;
        } else {
            plain.push('%');
            rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        }
    }
    plain.push_str(rest);
    let words: Vec<_> = plain.split_whitespace().collect();
    let parts: Vec<_> = words.join(" ").split(',').map(|part| part.trim().to_owned()).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_by_their_instructions() {
        let ir = r#"
define void @first(ptr %0) {
  call void asm sideeffect "/* a comment */ \0A\09btsq  $1, ${0:q} ;\0A.pushsection .smp_locks,\22a\22\0A.long 671f\0A.popsection\0A671:", "=*m,r"(ptr %0)
  call void asm sideeffect "addq $$8, $0", "=*m"(ptr %0)
}
define void @second(ptr %0) {
  call void asm "btsq $0, ${1:q}", "r,*m"(ptr %0)
}
"#;
        let found = templates(ir);
        let expected = [("addq $8, %", "first"), ("btsq %, %q", "first")];
        assert_eq!(found, expected.map(|(text, function)| (text.to_owned(), function.to_owned())).into());
    }
}
