// SPDX-License-Identifier: MIT OR Apache-2.0

//! The document with all figures, as Markdown.

use std::fmt::Write as _;

use crate::outcome::{Outcome, Verdict};
use crate::recovery::{Drawing, PICTURES, Section, distinct, only};
use crate::results::{Cell, Machine, Results};

/// What stands before everything.
const INTRODUCTION: &str = "\
<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->

# Recoveries, measured

`cargo xtask bench recovery` has run, drawn and written all of this; nobody edits it. [Faults](faults.md) says what the faults and
methods are, and how they are tested. Times count from the method's beginning until the guest itself says that the fault is
cured, or that the signal has acted; for what acts by itself, from the beginning of the fault. They have in them that a process is started on the host, which
attaches to the guest and finds its kernel.

In the tables, a cell says how many runs of all were cured, the median and the worst time. **Bold** is what should have been
cured each time and was not; *italic* what need not be; *refused* is what a method cannot do and says so; *broken* says that
the set-up failed, of which nothing is known about the method.
";

/// The longest text of a failure that is shown.
const LONGEST: usize = 240;

/// The document.
pub fn text(results: &[Results], drawing: &Drawing) -> String {
    let mut text = INTRODUCTION.to_owned();
    text += "\n## What it was measured on\n";
    for results in results {
        text += &machine(&results.machine);
    }
    let cells: Vec<&Cell> = results.iter().flat_map(|results| &results.cells).collect();
    text += &totals(&cells);
    if let Some(overview) = &drawing.overview {
        text += "\n## All faults\n";
        text += &picture(&overview.name, &overview.title);
    }
    for section in &drawing.sections {
        text += &of_section(section);
    }
    text
}

fn machine(machine: &Machine) -> String {
    let guests: Vec<String> =
        machine.guests.iter().map(|(name, release)| format!("{name}: {release}")).collect();
    let rows = [
        ("date", machine.date.clone()),
        ("processor", format!("{}, {} of them", machine.processor, machine.processors)),
        ("memory", format!("{} MiB", machine.memory_mib)),
        ("its kernel", machine.kernel.clone()),
        ("QEMU", format!("{}, {}", machine.qemu, machine.accelerator)),
        ("GPUfas", format!("{}, commit {}", machine.version, machine.commit.as_deref().unwrap_or("unknown"))),
        ("GPU", machine.gpu.clone().unwrap_or_else(|| "none".to_owned())),
        ("guests' kernels", guests.join("; ")),
    ];
    let mut text = "\n| | |\n| --- | --- |\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {} |", escaped(&value));
    }
    text
}

/// How many recoveries of those that must be each method made.
fn totals(cells: &[&Cell]) -> String {
    let mut text = "\n## All methods\n\n| method | cured, of what it must cure | cured, of what it need not | refused |\n| --- | --- | --- | --- |\n".to_owned();
    for method in distinct(cells, |cell| cell.method.as_str()) {
        let of_it = only(cells, |cell| cell.method == method);
        let counts = |must_cure: bool| {
            let (cured, runs) = Outcome::of(only(&of_it, |cell| cell.must_cure == must_cure)).counts();
            if runs == 0 { String::new() } else { format!("{cured} of {runs}") }
        };
        let refused = of_it.iter().filter(|cell| cell.refused.is_some()).count();
        let refused = if refused == 0 { String::new() } else { format!("{refused} cells") };
        let _ = writeln!(text, "| {} | {} | {} | {refused} |", escaped(method), counts(true), counts(false));
    }
    text
}

fn of_section(section: &Section) -> String {
    let mut text = format!("\n## {}\n", escaped(section.title));
    text += &picture(&section.figure.name, &section.figure.title);
    for fault in distinct(&section.cells, |cell| cell.fault.as_str()) {
        if section.is_group {
            let _ = write!(text, "\n### {}\n", escaped(fault));
        }
        let cells = only(&section.cells, |cell| cell.fault == fault);
        text += &table(&cells);
        text += &reasons(&cells);
    }
    text
}

fn picture(name: &str, title: &str) -> String {
    let place = format!("{PICTURES}/{name}");
    format!("\n![{}]({place}.svg)\n\n([as PNG]({place}.png))\n", escaped(title))
}

/// A row for each kernel, a column for each method.
fn table(cells: &[&Cell]) -> String {
    let methods = distinct(cells, |cell| cell.method.as_str());
    let names: Vec<String> = methods.iter().map(|method| escaped(method)).collect();
    let mut text = format!("\n| kernel | {} |\n|{}\n", names.join(" | "), " --- |".repeat(methods.len() + 1));
    for kernel in distinct(cells, |cell| cell.kernel.as_str()) {
        let of_it = only(cells, |cell| cell.kernel == kernel);
        let entries: Vec<String> =
            methods.iter().map(|method| entry(&only(&of_it, |cell| cell.method == *method))).collect();
        let _ = writeln!(text, "| {} | {} |", escaped(kernel), entries.join(" | "));
    }
    text
}

fn entry(cells: &[&Cell]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let outcome = Outcome::of(cells.iter().copied());
    match outcome.verdict() {
        Verdict::Cured => outcome.line(),
        Verdict::NotNeeded => format!("*{}*", outcome.line()),
        Verdict::Failed => format!("**{}**", outcome.line()),
    }
}

/// Why something was not cured, not tried or refused; the same reason once.
fn reasons(cells: &[&Cell]) -> String {
    let mut text = String::new();
    let all = |cell: &Cell| {
        let kinds =
            [("not cured", &cell.failure), ("set-up broken", &cell.set_up), ("refused", &cell.refused)];
        kinds
            .into_iter()
            .find_map(|(kind, reason)| Some((kind, cell.method.clone(), shortened(reason.as_deref()?))))
    };
    for reason in distinct(cells, all).into_iter().flatten() {
        let kernels =
            distinct(&only(cells, |cell| all(cell).as_ref() == Some(&reason)), |cell| cell.kernel.as_str());
        let (kind, method, why) = reason;
        let _ = writeln!(text, "* {kind}, {}, {}: `{why}`", escaped(&method), kernels.join(", "));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// What a failure begins with whose guest's console was kept (tests/src/machine.rs), and what the name of the console's file ends in.
const KEPT: (&str, &str) = ("the guest's console is kept in ", ".log: ");

/// A text in one line that is not too long, for code: without a file of the machine that it was measured on.
fn shortened(text: &str) -> String {
    let kept = text.strip_prefix(KEPT.0).and_then(|rest| rest.split_once(KEPT.1));
    let text = kept.map_or(text, |(_, reason)| reason);
    let line = text.replace('`', "'").split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// A text that Markdown shows as it is, in a table as well.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if "\\`*_[]<>|#".contains(character) {
            escaped.push('\\');
        }
        escaped.push(if character == '\n' { ' ' } else { character });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn the_document_has_every_cell_and_reason() {
        let results = [results()];
        let text = text(&results, &Drawing::of(&results));
        for line in [
            "| processor | A processor, 2 of them |",
            "| guests' kernels | 5.10: 5.10.0-1-amd64 |",
            "| signal only | 15 of 15 |  |  |",
            "| kill | 3 of 9 |  | 3 cells |",
            "| kernel | signal only | kill |",
            "| 6.1-rt | 3/3, 20 ms, 40 ms | **1/3, 500 ms, 500 ms** |",
            "| 6.1 | 2/2, 300 ms, 300 ms | *refused* |",
            "* not cured, kill, 5.10, 6.1, 6.1-rt: `it | hangs for ever`",
            "* refused, kill, 5.10, 6.1, 6.1-rt: `nobody is woken`",
            "### STOP, sleeps",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_and_reasons_cannot_break_a_table() {
        assert_eq!(escaped("a|b\n*c*"), "a\\|b \\*c\\*");
        let long = shortened(&"ä `x`\n".repeat(100));
        assert!(long.ends_with(" ...") && !long.contains(['`', '\n']), "{long}");
        let kept = "the guest's console is kept in /a/b/6-1--hogs.log: it: hangs";
        assert_eq!(shortened(kept), "it: hangs");
    }
}
