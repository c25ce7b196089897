// SPDX-License-Identifier: MIT OR Apache-2.0

//! What passes say about a program, with source positions.

use std::fmt;

use gpufas_abi::manifest::Site;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What a pass did; shown on request.
    Remark,
    /// The program compiles, but may not mean what its author thinks.
    Warning,
    /// The program cannot be compiled.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Remark => "remark",
            Self::Warning => "warning",
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
    pub fn warning(pass: &'static str, site: Site, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, pass, site, message.into())
    }

    fn new(severity: Severity, pass: &'static str, site: Site, message: String) -> Self {
        Self { severity, pass, message, help: String::new(), undefined: None, site }
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
