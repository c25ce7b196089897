// SPDX-License-Identifier: MIT OR Apache-2.0

//! The figures as a document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::configuration::Part;
use crate::kernel::{Measured, Sources};
use crate::reasons::Reasons;

/// A part of a whole with its size, as people read it.
fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "none".into();
    }
    // Rounded down, so that it is never said to be more than it is.
    let thousandths = 1000 * part / whole;
    format!("{}.{} % ({part} of {whole})", thousandths / 10, thousandths % 10)
}

impl Measured {
    /// How many functions of the headers compile for both targets: none without code of their module.
    fn compiled(&self) -> usize {
        if self.headers.failed.is_none() { self.headers.total.compiled } else { 0 }
    }

    fn refused(&self) -> usize {
        self.headers.total.functions - self.headers.total.compiled
    }

    /// How many of the refused functions are refused for documented reasons only.
    fn explained(&self, reasons: &Reasons) -> usize {
        self.refused() - self.headers.total.refused_for_any(&|class| !reasons.has(class))
    }
}

impl Sources {
    /// How many clang takes.
    fn taken(&self) -> usize {
        self.listed - self.rejected.len()
    }
}

/// What is asked for, for all kernels in one Markdown table.
pub fn overview(measured: &[Measured], reasons: &Reasons) -> String {
    type Cell<'a> = &'a dyn Fn(&Measured) -> String;
    let rows: [(&str, Cell); 6] = [
        (
            "functions of the headers that compile to PTX that `ptxas -c` takes, and for the host, with no assembly left",
            &|one| share(one.compiled(), one.headers.total.functions),
        ),
        ("refused functions that are refused for documented reasons", &|one| {
            format!("{} of {}", one.explained(reasons), one.refused())
        }),
        ("functions that are complete with the runtime and `lib/`", &|one| {
            share(one.headers.total.complete_with_library, one.headers.total.functions)
        }),
        ("kernel sources that clang takes; of these to a cubin; to an x86-64 object", &|one| {
            let sources = &one.sources;
            let taken = sources.taken();
            let (cubins, objects) =
                (taken - sources.without_cubin.len(), taken - sources.without_object.len());
            format!("{taken}; {cubins}; {objects}")
        }),
        ("named types compared with the kernel's BTF; different", &|one| {
            format!("{}; {}", one.types.compared, one.types.different.len())
        }),
        (
            "templates of assembly; executed natively and as translated; not executed for a reason; unknown",
            &|one| {
                let templates = &one.templates;
                let (executed, not) = (templates.executed.len(), templates.not_executed.len());
                format!("{}; {executed}; {not}; {}", templates.count(), templates.unknown.len())
            },
        ),
    ];
    let mut text = String::from("| |");
    // Writing to a String cannot fail, here and below.
    measured.iter().for_each(|one| _ = write!(text, " {} |", one.release));
    text.push_str("\n| --- |");
    measured.iter().for_each(|_| text.push_str(" --- |"));
    text.push('\n');
    for (name, cell) in rows {
        let _ = write!(text, "| {name} |");
        measured.iter().for_each(|one| _ = write!(text, " {} |", cell(one)));
        text.push('\n');
    }
    text
}

/// What is behind a kernel's figures, in Markdown.
pub fn table(measured: &Measured, reasons: &Reasons) -> String {
    let Measured { release, headers, types, templates, sources } = measured;
    let total = &headers.total;
    let mut text = format!("## {release}\n\n");
    let mut line = |what: String| _ = writeln!(text, "* {what}");
    if let Some(reason) = &headers.failed {
        line(format!("the module of all functions of the headers is refused: {reason}"));
    }
    line(format!("complete without `lib/`: {}", share(total.complete, total.functions)));
    let classes = total.by_kind().into_iter().map(|(class, count)| {
        let mark = if reasons.has(class) { "" } else { " (not in the documented table)" };
        format!("`{class}` {count}{mark}")
    });
    line(format!("refused functions by class, of which one may have several: {}", list(classes)));
    line(format!(
        "types that the headers declare and no code of the kernel's image uses, so that BTF has none: {}",
        types.absent.len()
    ));
    types.different.iter().for_each(|name| line(format!("`{name}` differs")));
    let not_executed = templates.by_reason().into_iter().map(|(reason, count)| format!("{reason} {count}"));
    line(format!("templates that are not executed, by reason: {}", list(not_executed)));
    for (template, function) in &templates.unknown {
        line(format!("no case executes `{template}` of `{function}`, and no reason is listed"));
    }
    for (what, files) in [("cubin", &sources.without_cubin), ("object", &sources.without_object)] {
        files.iter().for_each(|(file, reason)| line(format!("no {what} of `{file}`: {reason}")));
    }
    line(format!("sources that clang does not take: {} of {}", sources.rejected.len(), sources.listed));
    for rejected in rejected(sources) {
        let _ = writeln!(text, "  * {rejected}");
    }
    text
}

/// Sources that clang does not take, by cause.
fn rejected(sources: &Sources) -> Vec<String> {
    let mut left_out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut no_object, mut others) = (Vec::new(), Vec::new());
    for (file, reason, part) in &sources.rejected {
        match part {
            Part::LeftOut(option) => left_out.entry(option).or_default().push(file),
            Part::NoObject => no_object.push(file.as_str()),
            Part::Built => others.push(format!("although the kernel has it: `{file}`: {reason}")),
        }
    }
    let names = |files: &[&str]| list(files.iter().map(|file| format!("`{file}`")));
    let mut lines = others;
    if !left_out.is_empty() {
        let options = left_out.iter().map(|(option, files)| format!("`{option}` {}", names(files)));
        lines.push(format!(
            "left out by options that this kernel's configuration does not set: {}",
            list(options)
        ));
    }
    if !no_object.is_empty() {
        lines.push(format!(
            "included by other files, or programs of the kernel's build: {}",
            names(&no_object)
        ));
    }
    lines
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::Templates;
    use crate::{Headers, Total, Types};

    fn measured() -> Measured {
        let refused = BTreeMap::from([
            (["privileged-instruction".to_owned()].into(), 2),
            (["unknown-assembly".to_owned()].into(), 1),
        ]);
        let total =
            Total { functions: 1000, compiled: 997, refused, complete: 700, complete_with_library: 800 };
        Measured {
            release: "6.1.0".into(),
            headers: Headers { total, failed: None },
            types: Types { compared: 5, absent: vec!["struct a".into()], different: vec!["struct b".into()] },
            templates: Templates::default(),
            sources: Sources {
                listed: 4,
                rejected: vec![
                    ("lib/a.c".into(), "why".into(), Part::LeftOut("CONFIG_A".into())),
                    ("lib/b.c".into(), "lib/b.c:1:1: error: so".into(), Part::Built),
                ],
                without_object: Vec::new(),
                without_cubin: vec![("lib/c.c".into(), "too large".into())],
            },
        }
    }

    #[test]
    fn the_overview_has_all_figures() {
        let text = overview(&[measured()], &Reasons::read().unwrap());
        for cell in
            ["| 99.7 % (997 of 1000) |", "| 2 of 3 |", "| 80.0 % (800 of 1000) |", "| 2; 1; 2 |", "| 5; 1 |"]
        {
            assert!(text.contains(cell), "{cell}: {text}");
        }
        let mut failed = measured();
        failed.headers.failed = Some("ptxas".into());
        assert!(overview(&[failed], &Reasons::read().unwrap()).contains("| 0.0 % (0 of 1000) |"));
    }

    #[test]
    fn details_name_what_is_wrong() {
        let text = table(&measured(), &Reasons::read().unwrap());
        for part in [
            "`unknown-assembly` 1 (not in the documented table)",
            "* `struct b` differs",
            "* no cubin of `lib/c.c`: too large",
            "  * although the kernel has it: `lib/b.c`: lib/b.c:1:1: error: so",
            "`CONFIG_A` `lib/a.c`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
