// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every template of inline assembly in the kernel's headers is executed by a case of [`super::semantics`], or it is said why
//! not ([`gpufas_coverage::templates`]).
//!
//! Nearly all of those that are not executed are refused, so that there is no translation to compare with: that they are, and for
//! the reason that is listed, is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Result, ensure};
use gpufas_coverage::assembly::{self, defined};
use gpufas_coverage::{Compiler, templates};
use gpufas_guest::kernels::KernelSpec;
use gpufas_tests::releases;
use tempfile::TempDir;

use super::{semantics, tools};

/// What to do about a template that nobody knows.
const REMEDY: &str = "a newer build of the kernel may have brought it: a case in tests/passes/semantics executes what has a meaning, \
                      a line in not-executed.txt says why what has none is refused";

/// How many templates the headers of any kernel have at least.
const FEWEST: usize = 100;

/// Checks the templates of a kernel's headers.
pub fn check(spec: &KernelSpec) -> Result<()> {
    let (folder, compiler) = compiler()?;
    let kernel = spec.fetch(&|_| {})?;
    let headers = templates::headers(&compiler, &kernel)?;
    let refused = refusals(&folder, &headers)?;
    let found = templates::templates(&compiler, &kernel, &headers)?;
    ensure!(found.count() > FEWEST, "the headers have {} templates only", found.count());
    let mut wrong = Vec::new();
    for (template, not_executed) in &found.not_executed {
        let (reason, function) = (not_executed.reason, &not_executed.function);
        if let Some(class) = reason.refusal
            && !refused.get(function).is_some_and(|classes| classes.contains(class))
        {
            wrong.push(format!("`{template}` of {function} is not refused as `{}` says", reason.name));
        }
    }
    for (template, function) in &found.unknown {
        wrong.push(format!("no case executes `{template}` of {function}; {REMEDY}"));
    }
    for template in &found.contradictory {
        wrong.push(format!("`{template}` is executed, and listed as not executed"));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Checks that each line of the list can be read and, where all kernels are looked at, is there for one of them.
pub fn check_list() -> Result<()> {
    let listed = templates::listed()?;
    if releases::is_matrix() {
        let (_folder, compiler) = compiler()?;
        let mut found = BTreeSet::new();
        for spec in releases::kernels() {
            let kernel = spec.fetch(&|_| {})?;
            found.extend(assembly::templates(&templates::headers(&compiler, &kernel)?).into_keys());
        }
        let stale: Vec<_> = listed.keys().filter(|template| !found.contains(*template)).collect();
        ensure!(stale.is_empty(), "listed, and in no kernel's headers: {stale:?}");
    }
    Ok(())
}

/// The compiler under test, with a folder for what it makes.
fn compiler() -> Result<(TempDir, Compiler)> {
    let folder = tempfile::tempdir()?;
    let compiler = Compiler { path: tools::gpufas_cc()?, folder: folder.path().to_owned() };
    Ok((folder, compiler))
}

/// The classes of refusals in each function of IR, as kernel-asm leaves them: calls with the address of a text that begins with the
/// class.
fn refusals(folder: &TempDir, ir: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
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
