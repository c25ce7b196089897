// SPDX-License-Identifier: MIT OR Apache-2.0

//! What passes say about a program, with source positions.

use std::fmt;

use gpufas_abi::manifest::Site;

use crate::warning::Warning;

/// What a remark is about, in the terms of clang's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remark {
    /// What a pass did: `-Rpass=`.
    Passed,
    /// What a pass did not do, and a reader of the source may expect: `-Rpass-missed=`.
    Missed,
    /// What a pass found out: `-Rpass-analysis=`.
    Analysis,
}

impl Remark {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Missed, Self::Analysis];

    /// The option that shows it, without the pass.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Passed => "-Rpass",
            Self::Missed => "-Rpass-missed",
            Self::Analysis => "-Rpass-analysis",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What a pass did; shown on request.
    Remark(Remark),
    /// The program compiles, but may not mean what its author thinks.
    Warning(Warning),
    /// The program cannot be compiled.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Remark(_) => "remark",
            Self::Warning(_) => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that a pass has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Name of the pass, for `-Rpass=`.
    pub pass: &'static str,
    /// For an error: what kind of reason it is, as a name that does not change; may be empty.
    pub reason: &'static str,
    /// What it is, in one line.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// The function that the program calls and nothing defines, if that is what is wrong.
    pub undefined: Option<String>,
    /// Where it is; the inlining chain says how it is reached.
    pub site: Site,
}

impl Diagnostic {
    /// An error.
    pub fn error(pass: &'static str, site: Site, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, pass, site, message.into())
    }

    /// A warning.
    pub fn warning(class: Warning, pass: &'static str, site: Site, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning(class), pass, site, message.into())
    }

    /// A remark; [`crate::program::Program::remark`] makes those that are wanted.
    pub fn remark(kind: Remark, pass: &'static str, site: Site, message: impl Into<String>) -> Self {
        Self::new(Severity::Remark(kind), pass, site, message.into())
    }

    fn new(severity: Severity, pass: &'static str, site: Site, message: String) -> Self {
        Self { severity, pass, reason: "", message, help: String::new(), undefined: None, site }
    }

    /// The same with the kind of reason of an error.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// The same about a function that nothing defines.
    #[must_use]
    pub fn about_undefined(mut self, name: &str) -> Self {
        self.undefined = Some(name.to_owned());
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}
