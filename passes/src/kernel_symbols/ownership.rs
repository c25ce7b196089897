// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whose a name is, where the user says it.

use glob::{Pattern, PatternError};

/// Whose a variable or a function's address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The program has its own.
    Program,
    /// It is the running kernel's.
    Kernel,
}

/// What the user says of names, against the rule that a kernel source's are the kernel's, and all others the program's. Of
/// several rules for a name the last counts.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    file: Option<Pattern>,
    name: Pattern,
    owner: Owner,
}

impl Ownership {
    /// Adds a rule: `NAME`, or `FILE:NAME` for the names of one kernel source. Both may have the wildcards of a shell.
    ///
    /// # Errors
    ///
    /// What is wrong with the pattern.
    pub fn add(&mut self, pattern: &str, owner: Owner) -> Result<(), PatternError> {
        let (file, name) = match pattern.rsplit_once(':') {
            Some((file, name)) => (Some(Pattern::new(file)?), name),
            None => (None, pattern),
        };
        self.rules.push(Rule { file, name: Pattern::new(name)?, owner });
        Ok(())
    }

    /// What is said of a name of a kernel source, or of the program's own source.
    pub fn of(&self, file: Option<&str>, name: &str) -> Option<Owner> {
        let applies = |rule: &&Rule| {
            let in_file = match (&rule.file, file) {
                (Some(pattern), Some(file)) => pattern.matches(file),
                (Some(_), None) => false,
                (None, _) => true,
            };
            // A static variable of a function is `function.variable`.
            let local = name.split_once('.').map(|(_, variable)| variable);
            in_file && (rule.name.matches(name) || local.is_some_and(|name| rule.name.matches(name)))
        };
        self.rules.iter().rev().find(applies).map(|rule| rule.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_for_a_name_counts() {
        let mut ownership = Ownership::default();
        for (pattern, owner) in [
            ("sysctl_*", Owner::Program),
            ("sysctl_sched*", Owner::Kernel),
            ("lib/test_*.c:*", Owner::Program),
        ] {
            ownership.add(pattern, owner).unwrap();
        }
        let of = |file, name| ownership.of(file, name);
        assert_eq!(of(Some("kernel/a.c"), "sysctl_x"), Some(Owner::Program));
        assert_eq!(of(None, "sysctl_sched_x"), Some(Owner::Kernel));
        assert_eq!(of(Some("lib/test_xarray.c"), "tests_run"), Some(Owner::Program));
        assert_eq!(of(Some("lib/xarray.c"), "tests_run"), None);
        assert_eq!(of(None, "tests_run"), None);
        assert_eq!(of(Some("mm/a.c"), "read.sysctl_local"), Some(Owner::Program));
        assert!(ownership.add("a[", Owner::Program).is_err());
    }
}
