// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which templates of inline assembly in the kernel's headers are executed by tests, natively and as translated, and why others
//! are not.
//!
//! The templates are those of the headers themselves, compiled with all of their inline functions, without labels, tables and
//! the numbers of operands. Cases are the functions of `tests/passes/semantics/*.c` ([`CASES`]);
//! `tests/passes/semantics/not-executed.txt` lists the templates that no case has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gpufas_guest::Kernel;

use crate::assembly;
use crate::compiler::Compiler;
use crate::error::{Error, Result};
use crate::kernel::HEADERS;

/// A file of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cases {
    /// Its name without the extension.
    pub name: &'static str,
    /// Whether it includes kernel headers; else it is compiled like any program of the machine.
    pub with_headers: bool,
}

/// All files of cases.
pub const CASES: &[Cases] = &[
    Cases { name: "templates", with_headers: false },
    Cases { name: "products", with_headers: false },
    Cases { name: "flow", with_headers: false },
    Cases { name: "registers", with_headers: false },
    Cases { name: "arguments", with_headers: false },
    Cases { name: "kernel", with_headers: true },
    Cases { name: "exceptions", with_headers: true },
    Cases { name: "percpu", with_headers: true },
    Cases { name: "system", with_headers: true },
];

/// Why a template may not be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its name in the list.
    pub name: &'static str,
    /// The class of refusals, if it is that kernel-asm refuses the template: so there is no translation to compare with.
    pub refusal: Option<&'static str>,
}

/// All reasons.
pub const REASONS: &[Reason] = &[
    Reason { name: "privileged", refusal: Some("privileged-instruction") },
    Reason { name: "device", refusal: Some("device-io") },
    Reason { name: "cpu-state", refusal: Some("cpu-state") },
    Reason { name: "no-assembly", refusal: Some("this-cpu") },
    Reason { name: "position", refusal: None },
];

/// A template that the list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotExecuted {
    /// Why no case executes it.
    pub reason: &'static Reason,
    /// A function of the headers that has it.
    pub function: String,
}

/// The list of templates that are not executed.
const LIST: &str = "not-executed.txt";

/// The templates of a kernel's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Those that a case executes.
    pub executed: BTreeSet<String>,
    /// Those of which the list says why none does.
    pub not_executed: BTreeMap<String, NotExecuted>,
    /// Those that neither has, each with a function that has it.
    pub unknown: BTreeMap<String, String>,
    /// Those that are executed and listed as not executed.
    pub contradictory: Vec<String>,
}

impl Templates {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.executed.len() + self.not_executed.len() + self.unknown.len()
    }

    /// How many are not executed for each reason.
    pub fn by_reason(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for template in self.not_executed.values() {
            *reasons.entry(template.reason.name).or_default() += 1;
        }
        reasons
    }
}

/// The folder of the cases.
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../passes/semantics"))
}

impl Cases {
    /// The source.
    pub fn path(&self) -> PathBuf {
        folder().join(self.name).with_extension("c")
    }
}

/// Looks at all templates of a kernel's headers, whose IR [`headers`] makes.
///
/// # Errors
///
/// [`Error::Start`], [`Error::Compile`], [`Error::List`].
pub fn templates(compiler: &Compiler, kernel: &Kernel, ir: &str) -> Result<Templates> {
    let mut executed = BTreeSet::new();
    for cases in CASES {
        let headers = cases.with_headers.then_some(kernel);
        let ir = compiler.ir(headers, &cases.path(), &["-DPREFIX=native_"])?;
        executed.extend(assembly::templates(&ir).into_keys());
    }
    let listed = listed()?;
    let mut templates = Templates::default();
    for (template, function) in assembly::templates(ir) {
        let is_executed = executed.contains(&template);
        match listed.get(&template) {
            Some(_) if is_executed => templates.contradictory.push(template.clone()),
            Some(&reason) => {
                templates.not_executed.insert(template.clone(), NotExecuted { reason, function });
            }
            None if !is_executed => _ = templates.unknown.insert(template.clone(), function),
            None => {}
        }
        if is_executed {
            templates.executed.insert(template);
        }
    }
    Ok(templates)
}

/// IR of a kernel's headers with all of their inline functions, as clang makes it.
///
/// # Errors
///
/// [`Error::Start`], [`Error::Compile`].
pub fn headers(compiler: &Compiler, kernel: &Kernel) -> Result<String> {
    compiler.ir(Some(kernel), Path::new(HEADERS), &["-w", "-femit-all-decls"])
}

/// The templates that are not executed, each with the reason.
///
/// # Errors
///
/// [`Error::List`] if a line has no reason that is one, or a template is there twice.
pub fn listed() -> Result<BTreeMap<String, &'static Reason>> {
    let path = folder().join(LIST);
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let wrong = |line: &str, what: &str| Error::List {
        path: path.clone(),
        line: line.to_owned(),
        what: what.to_owned(),
    };
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (reason, template) = line.split_once(' ').ok_or_else(|| wrong(line, "has no template"))?;
        let reason = REASONS.iter().find(|known| known.name == reason);
        let reason = reason.ok_or_else(|| wrong(line, "does not begin with a reason"))?;
        if listed.insert(template.trim().to_owned(), reason).is_some() {
            return Err(wrong(line, "is there twice"));
        }
    }
    Ok(listed)
}
