// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every template of inline assembly in the kernel's headers is executed by a case of [`super::semantics`], or it is said why
//! not.
//!
//! The templates are those of the headers themselves, compiled with all of their inline functions, without labels, tables and
//! the numbers of operands. `tests/passes/semantics/not-executed.txt` lists those that no case has. Nearly all of them are refused,
//! so that there is no translation to compare with: that they are, and for the reason that is listed, is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use gpufas_tests::releases;

use super::{semantics, tools};

/// The headers.
const HEADERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/coverage/headers.c");

/// Why templates are not executed, each with the class of the refusal where it is that they are refused.
const REASONS: &[(&str, Option<&str>)] = &[
    ("privileged", Some("privileged-instruction")),
    ("device", Some("device-io")),
    ("cpu-state", Some("cpu-state")),
    ("no-assembly", Some("this-cpu")),
    ("position", None),
];

/// What to do about a template that nobody knows.
const REMEDY: &str = "a newer build of the kernel may have brought it: a case in tests/passes/semantics executes what has a meaning, \
                      a line in not-executed.txt says why what has none is refused";

/// Sections with code that the template can come to.
const CODE: &[&str] = &[".fixup", ".altinstr_aux"];

/// Checks the templates of a kernel's headers.
pub fn check(kernel: &'static str) -> Result<()> {
    let mut executed = BTreeSet::new();
    for source in semantics::with_kernel(kernel) {
        executed.extend(templates(&source.native_ir()?).into_keys());
    }
    let explained = explained()?;
    let headers = of_headers(kernel)?;
    let found = templates(&headers);
    let refused = refusals(&headers)?;
    let mut wrong = Vec::new();
    for (template, function) in &found {
        let reason =
            explained.get(template).and_then(|reason| REASONS.iter().find(|(name, _)| name == reason));
        if let Some((reason, Some(class))) = reason
            && !refused.get(function).is_some_and(|classes| classes.contains(*class))
        {
            wrong.push(format!("`{template}` of {function} is not refused as `{reason}` says"));
        }
        match (executed.contains(template), explained.contains_key(template)) {
            (false, false) => wrong.push(format!("no case executes `{template}` of {function}; {REMEDY}")),
            (true, true) => wrong.push(format!("`{template}` is executed, and listed as not executed")),
            _ => {}
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Checks that each line of the list has a reason and, where all kernels are looked at, is there for one of them.
pub fn check_list() -> Result<()> {
    let explained = explained()?;
    for (template, reason) in &explained {
        let is_reason = REASONS.iter().any(|(name, _)| name == reason);
        ensure!(is_reason, "`{reason}` is no reason not to execute `{template}`");
    }
    if releases::is_matrix() {
        let mut found = BTreeSet::new();
        for kernel in releases::kernels() {
            found.extend(templates(&of_headers(kernel.name)?).into_keys());
        }
        let stale: Vec<_> = explained.keys().filter(|template| !found.contains(*template)).collect();
        ensure!(stale.is_empty(), "listed, and in no kernel's headers: {stale:?}");
    }
    Ok(())
}

/// IR of a kernel's headers with all of their inline functions.
fn of_headers(kernel: &str) -> Result<String> {
    let mut command = semantics::kernel_compiler(kernel)?;
    command.args(["-c", "-w", "-femit-all-decls", "--emit", "llvm-ir", HEADERS, "-o", "-"]);
    let ir = String::from_utf8(semantics::run(command)?)?;
    let count = templates(&ir).len();
    ensure!(count > 100, "the headers have {count} templates only");
    Ok(ir)
}

/// The classes of refusals in each function of IR, as kernel-asm leaves them: calls with the address of a text that begins with the
/// class.
fn refusals(ir: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("headers.ll");
    std::fs::write(&file, ir)?;
    let mut command = Command::new(tools::gpufas_cc()?);
    command.args(["--passes", "kernel-asm", "--emit", "llvm-ir"]).arg(file).args(["-o", "-"]);
    let ir = String::from_utf8(semantics::run(command)?)?;
    let mut texts = BTreeMap::new();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut function = String::new();
    for line in ir.lines() {
        if let Some((name, text)) =
            line.split_once(" = private constant").filter(|(name, _)| name.starts_with('@'))
        {
            let text = text.split_once(" c\"").map_or("", |(_, text)| text);
            texts.insert(name, text.split(':').next().unwrap_or_default());
        } else if line.starts_with("define ") {
            function = defined(line).to_owned();
        } else if let Some((_, call)) = line.split_once("@gpufas.refused") {
            let reason = call.split_once("ptr ").map_or("", |(_, reason)| reason);
            let class = reason.split([')', ',']).next().and_then(|name| texts.get(name));
            found.entry(function.clone()).or_default().extend(class.map(|class| (*class).to_owned()));
        }
    }
    ensure!(!found.is_empty(), "kernel-asm refuses nothing in the headers");
    Ok(found)
}

/// The name of the function whose definition begins in a line of IR.
fn defined(line: &str) -> &str {
    line.split_once('@').and_then(|(_, rest)| rest.split('(').next()).unwrap_or_default()
}

/// The templates that are not executed, each with the reason.
fn explained() -> Result<BTreeMap<String, String>> {
    let path: &Path = &semantics::folder().join("not-executed.txt");
    let text = std::fs::read_to_string(path)?;
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (reason, template) = line.split_once(' ').with_context(|| format!("no reason in `{line}`"))?;
        if listed.insert(template.trim().to_owned(), reason.to_owned()).is_some() {
            bail!("{}: `{}` is there twice", path.display(), template.trim());
        }
    }
    Ok(listed)
}

/// The templates of IR, each with a function that has it.
fn templates(ir: &str) -> BTreeMap<String, String> {
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
