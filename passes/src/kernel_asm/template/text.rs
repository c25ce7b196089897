// SPDX-License-Identifier: MIT OR Apache-2.0

//! The text of a template, taken apart into labels and statements.

/// A label, or a statement without its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// `1:`, without the colon.
    Label(&'t str),
    /// A directive or an instruction; never empty.
    Statement(&'t str),
}

/// `text` without comments in C style.
pub fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// Labels and statements, in order.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for line in text.lines() {
        for statement in line.split('#').next().unwrap_or_default().split(';') {
            let mut rest = statement.trim();
            while let Some((label, after)) = split_label(rest) {
                parts.push(Part::Label(label));
                rest = after;
            }
            if !rest.is_empty() {
                parts.push(Part::Statement(rest));
            }
        }
    }
    parts
}

/// The label that a statement begins with, and what follows.
fn split_label(statement: &str) -> Option<(&str, &str)> {
    let (label, after) = statement.split_once(':')?;
    // `${0:c}:` and `.Lname${:uid}:` have their first colon inside an operand.
    let (label, after) = if label.contains("${") {
        let (_, after) = after.split_once("}:")?;
        (&statement[..statement.len() - after.len() - 1], after)
    } else {
        (label, after)
    };
    let is_label = !label.is_empty()
        && label.chars().all(|letter| {
            letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$' | '{' | '}' | ':')
        });
    is_label.then(|| (label, after.trim_start()))
}

/// The first word, lower-case, and what follows.
pub fn split_word(statement: &str) -> (String, &str) {
    let end = statement.find(char::is_whitespace).unwrap_or(statement.len());
    (statement[..end].to_ascii_lowercase(), statement[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_operands_are_labels() {
        assert_eq!(parts("${0:c}:\n\t"), [Part::Label("${0:c}")]);
        assert_eq!(parts(".Lreachable${:uid}:\n"), [Part::Label(".Lreachable${:uid}")]);
        assert_eq!(
            parts("1: .Lhere: 2:jmp ${1:l}"),
            [Part::Label("1"), Part::Label(".Lhere"), Part::Label("2"), Part::Statement("jmp ${1:l}")]
        );
        assert_eq!(parts("movq %gs:${1:P}, $0"), [Part::Statement("movq %gs:${1:P}, $0")]);
    }

    #[test]
    fn comments_are_left_out() {
        let text = without_comments(" btq  $2,$1\n\t/* output condition code c*/\n");
        assert_eq!(parts(&text), [Part::Statement("btq  $2,$1")]);
    }
}
