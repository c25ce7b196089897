// SPDX-License-Identifier: MIT OR Apache-2.0

//! The figures as a document.

use std::fmt::Write as _;

use crate::kernel::Measured;

/// How large a part is, as people read it.
fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "none".into();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// A kernel's table in Markdown. `is_documented` says of a kind of reason whether it is in the documented table.
pub fn table(measured: &Measured, is_documented: &dyn Fn(&str) -> bool) -> String {
    let Measured { release, headers, sources } = measured;
    let total = &headers.total;
    let refused = total.functions - total.compiled;
    let taken = sources.listed - sources.rejected.len();
    let undocumented = total.refused_for_any(&|kind| !is_documented(kind));
    let code = match &headers.failed {
        None => "accepted by `ptxas -c` and by the host's code generator".to_owned(),
        Some(reason) => format!("no code: {reason}"),
    };
    let mut text = format!("## {release}\n\n| | |\n| --- | --- |\n");
    let mut row = |name: &str, value: String| {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "| {name} | {value} |");
    };
    row("functions of headers.c", total.functions.to_string());
    row("the module that holds them", code);
    row(
        "compiled, nothing refused in all that they reach",
        format!("{} ({})", total.compiled, percent(total.compiled, total.functions)),
    );
    row(
        "refused",
        format!("{refused}, {undocumented} of them for a reason that is not in the documented table"),
    );
    row("compiled and complete: nothing undefined left", {
        format!("{} ({})", total.complete, percent(total.complete, total.functions))
    });
    row("the same with lib/ compiled along", {
        format!("{} ({})", total.complete_with_others, percent(total.complete_with_others, total.functions))
    });
    row("kernel sources, of which clang takes", format!("{}, {taken}", sources.listed));
    row("of these to an x86-64 object", (taken - sources.without_object.len()).to_string());
    row("and to a cubin", (taken - sources.without_cubin.len()).to_string());
    let _ = writeln!(text, "\nRefused, by kind of reason (a function may have several):\n");
    for (kind, count) in total.by_kind() {
        let _ = writeln!(text, "* `{kind}`: {count}");
    }
    let failed = [("object", &sources.without_object), ("cubin", &sources.without_cubin)];
    for (what, files) in failed {
        for (file, reason) in files {
            let _ = writeln!(text, "* no {what} of {file}: {reason}");
        }
    }
    if !sources.rejected.is_empty() {
        let names: Vec<&str> = sources.rejected.iter().map(|(name, _)| name.as_str()).collect();
        let _ =
            writeln!(text, "\nNot taken by clang with this kernel's configuration: {}.", names.join(", "));
    }
    text
}
