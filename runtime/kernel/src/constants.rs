// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether constants of enumerations have in a kernel the values that somebody was compiled with.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::btf::kind;
use crate::error::Result;
use crate::types::Types;

/// A constant of an enumeration as somebody expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// The tag of the enumeration; empty if it has none.
    pub enumeration: String,
    /// Its name.
    pub name: String,
    /// Its value; what is larger than an `i64` has the same 64 bits.
    pub value: i64,
}

impl fmt::Display for Constant {
    /// As messages have it: `` `PIDTYPE_PID` of `enum pid_type` ``.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.name)?;
        if self.enumeration.is_empty() {
            Ok(())
        } else {
            write!(formatter, " of `enum {}`", self.enumeration)
        }
    }
}

/// A constant that is something else in a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantDifference {
    /// The constant as expected.
    pub expected: Constant,
    /// The kernel's value; none if its enumeration of that name has no such constant.
    pub found: Option<i64>,
}

/// What became of a comparison of constants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConstantComparison {
    /// Those that are in the kernel as expected.
    pub same: usize,
    /// Those that the kernel's type information says nothing of.
    pub absent: Vec<Constant>,
    /// Those that differ.
    pub different: Vec<ConstantDifference>,
}

impl ConstantComparison {
    /// The names of those that differ, as messages have them.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.different.iter().map(|difference| difference.expected.to_string()).collect();
        names.join(", ")
    }

    /// A table with both values of each that differs; each line begins with an end of line.
    pub fn table(&self) -> String {
        let title = |constant: &Constant| match constant.enumeration.as_str() {
            "" => constant.name.clone(),
            enumeration => format!("enum {enumeration} {}", constant.name),
        };
        let heading = "constant".len();
        let widths = self.different.iter().map(|difference| title(&difference.expected).chars().count());
        let width = widths.chain([heading]).max().unwrap_or(heading);
        let mut text = format!("\n  {:width$}  as compiled | in the kernel", "constant");
        for ConstantDifference { expected, found } in &self.different {
            let found = found.map_or_else(|| "no such constant".into(), |value| value.to_string());
            text.push_str(&format!("\n* {:width$}  {:>11} | {found}", title(expected), expected.value));
        }
        text
    }
}

/// A constant as it is in the kernel.
struct Found<'a> {
    enumeration: &'a str,
    value: i64,
    is_wide: bool,
}

impl Found<'_> {
    /// Whether it has a value. Of constants of 32 bits, old type information does not say whether they are signed; and of wider ones
    /// it has only these bits.
    fn has(&self, value: i64) -> bool {
        self.value == value || !self.is_wide && self.value as u32 == value as u32
    }
}

impl Types {
    /// Compares constants, each of which is given as enumeration, name and value as [`Constant`] has them, with the kernel's of that
    /// name: in the enumeration of that tag if the kernel has one, else in all.
    ///
    /// # Errors
    /// [`Error::MalformedTypes`](crate::Error::MalformedTypes).
    pub fn compare_constants<'a>(
        &self,
        expected: impl Iterator<Item = (&'a str, &'a str, i64)> + Clone,
    ) -> Result<ConstantComparison> {
        let names: HashSet<&str> = expected.clone().map(|(_, name, _)| name).collect();
        let mut found: HashMap<&str, Vec<Found<'_>>> = HashMap::new();
        let mut tags = HashSet::new();
        for (enumeration, record) in self.enumerations() {
            let enumeration = enumeration?;
            tags.insert(enumeration);
            for constant in self.constants(record) {
                let constant = constant?;
                if names.contains(constant.name) {
                    let is_wide = record.kind == kind::ENUM64;
                    let one = Found { enumeration, value: constant.value, is_wide };
                    found.entry(constant.name).or_default().push(one);
                }
            }
        }
        let mut comparison = ConstantComparison::default();
        for (enumeration, name, value) in expected {
            let all = found.get(name).map(Vec::as_slice).unwrap_or_default();
            let own: Vec<_> = all.iter().filter(|one| one.enumeration == enumeration).collect();
            let candidates = if own.is_empty() { all.iter().collect() } else { own };
            let constant = || Constant { enumeration: enumeration.into(), name: name.into(), value };
            let found = match candidates.first() {
                _ if candidates.iter().any(|one| one.has(value)) => {
                    comparison.same += 1;
                    continue;
                }
                Some(first) => Some(first.value),
                None if !enumeration.is_empty() && tags.contains(enumeration) => None,
                None => {
                    comparison.absent.push(constant());
                    continue;
                }
            };
            comparison.different.push(ConstantDifference { expected: constant(), found });
        }
        Ok(comparison)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::btf::BtfBuilder;

    fn types() -> Types {
        let mut builder = BtfBuilder::new();
        builder.enumeration("pid_type", false, &[("PIDTYPE_PID", 0), ("PIDTYPE_TGID", 1)]);
        builder.enumeration("", false, &[("FLAG", 4), ("MINUS", -1)]);
        builder.enumeration("other", true, &[("FLAG", 5), ("PIDTYPE_PID", 7), ("MOVED", 3)]);
        builder.raw("wide", kind::ENUM64 << 24 | 1, 8, &[1, 0, 1]);
        Types::parse(builder.finish(None)).unwrap()
    }

    #[test]
    fn constants_are_those_of_their_enumeration_or_of_any() {
        let of = |constant| {
            let comparison = types().compare_constants([constant].into_iter()).unwrap();
            match comparison.different.as_slice() {
                [difference] => Err(difference.found),
                _ => Ok((comparison.same, comparison.absent.len())),
            }
        };
        let (same, absent) = (Ok((1, 0)), Ok((0, 1)));
        for (enumeration, name, value, expected) in [
            ("pid_type", "PIDTYPE_TGID", 1, same),
            ("pid_type", "PIDTYPE_TGID", 2, Err(Some(1))),
            // Another enumeration's does not count where this one has it.
            ("pid_type", "PIDTYPE_PID", 7, Err(Some(0))),
            ("", "FLAG", 4, same),
            ("", "FLAG", 5, Err(Some(4))),
            // 32 bits without a sign.
            ("", "MINUS", -1, same),
            ("", "MINUS", 0xffff_ffff, same),
            ("", "MINUS", 1, Err(Some(0xffff_ffff))),
            // It has moved to another enumeration.
            ("pid_type", "MOVED", 3, same),
            ("pid_type", "MOVED", 4, Err(Some(3))),
            ("gone", "MOVED", 3, same),
            ("pid_type", "PIDTYPE_NONE", 3, Err(None)),
            ("gone", "PIDTYPE_NONE", 3, absent),
            ("", "NONE", 0, absent),
            ("wide", "PIDTYPE_PID", 1 << 32, same),
            ("wide", "PIDTYPE_PID", 0, Err(Some(1 << 32))),
        ] {
            assert_eq!(of((enumeration, name, value)), expected, "{enumeration} {name} {value}");
        }
    }

    #[test]
    fn differences_show_both_values() {
        let expected = [("pid_type", "PIDTYPE_TGID", 2), ("", "FLAG", 4), ("pid_type", "X", -1)];
        let comparison = types().compare_constants(expected.into_iter()).unwrap();
        assert_eq!(comparison.names(), "`PIDTYPE_TGID` of `enum pid_type`, `X` of `enum pid_type`");
        assert_eq!(
            comparison.table(),
            "\n  constant                    as compiled | in the kernel\
             \n* enum pid_type PIDTYPE_TGID            2 | 1\
             \n* enum pid_type X                      -1 | no such constant"
        );
    }
}
