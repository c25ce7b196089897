// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which constants of the kernel's enumerations a function has in it.
//!
//! In IR they are numbers. What is left is the text that clang read: after its preprocessor, whatever a function uses by name
//! stands in its definition. So the front end says which names each definition mentions ([`Mentions`]), and those that debug
//! information knows as constants of the kernel's enumerations count. A name that means something else there (a member, a
//! variable) counts, too: never too few.

use std::collections::{BTreeSet, HashMap, HashSet};

use gpufas_abi::manifest::Enumerator;

use super::types::{Shape, Types};
use crate::llvm::{Module, Value};

/// The names that the definitions of a source mention, after its preprocessor.
#[derive(Debug, Default)]
pub struct Mentions {
    definitions: Vec<HashSet<String>>,
    /// Where a function or variable of this name may be defined.
    by_name: HashMap<String, Vec<usize>>,
}

impl Mentions {
    /// Adds a definition that may be of one of `names` and mentions `mentioned`.
    pub fn add<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a str>,
        mentioned: impl IntoIterator<Item = &'a str>,
    ) {
        let number = self.definitions.len();
        self.definitions.push(mentioned.into_iter().map(str::to_owned).collect());
        for name in names {
            let numbers = self.by_name.entry(name.to_owned()).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }

    /// All names that definitions of `name` mention; none if there is no such definition.
    pub fn of(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        let numbers = self.by_name.get(name)?;
        Some(numbers.iter().flat_map(|&number| &self.definitions[number]).map(String::as_str))
    }
}

/// The constants of the kernel's enumerations, by name.
pub(super) struct Constants(HashMap<String, Vec<Enumerator>>);

impl Constants {
    /// Those that a module's types have.
    pub(super) fn of(types: &Types<'_>) -> Self {
        let mut found: HashMap<String, Vec<Enumerator>> = HashMap::new();
        for (_, ty) in types.all() {
            let Shape::Enumeration(enumeration) = &ty.shape else { continue };
            for (name, value) in enumeration.constants.iter().filter(|_| enumeration.is_kernels) {
                let constant = Enumerator {
                    enumeration: ty.name.clone(),
                    name: name.clone(),
                    // The low 64 bits, as documented.
                    value: *value as i64,
                };
                let all = found.entry(name.clone()).or_default();
                if !all.contains(&constant) {
                    all.push(constant);
                }
            }
        }
        Self(found)
    }

    /// All of them, sorted.
    pub(super) fn all(self) -> Vec<Enumerator> {
        let all: BTreeSet<_> = self.0.into_values().flatten().collect();
        all.into_iter().collect()
    }

    /// Those that a function or variable of a module mentions, sorted; none if its definition is not known.
    pub(super) fn mentioned<'c>(
        &self,
        module: &Module<'c>,
        user: Value<'c>,
        mentions: &Mentions,
    ) -> Option<Vec<Enumerator>> {
        let name = user.name();
        // What is static in a function has its name before a dot.
        let outer = name.split('.').next().filter(|_| !user.is_function());
        let source_name = user.debug_function_name(module.context());
        let names: HashSet<&str> =
            source_name.as_deref().into_iter().chain([name.as_str()]).chain(outer).collect();
        let definitions: Vec<_> = names.into_iter().filter_map(|name| mentions.of(name)).collect();
        if definitions.is_empty() {
            return None;
        }
        let mentioned = definitions.into_iter().flatten().filter_map(|name| self.0.get(name));
        let sorted: BTreeSet<_> = mentioned.flatten().cloned().collect();
        Some(sorted.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_of_one_name_count_together() {
        let mut mentions = Mentions::default();
        mentions.add(["int", "f"], ["int", "f", "A"]);
        mentions.add(["f", "x", "f"], ["f", "B"]);
        let of = |name| {
            let mut found: Vec<_> = mentions.of(name)?.collect();
            found.sort_unstable();
            found.dedup();
            Some(found)
        };
        assert_eq!(of("f"), Some(vec!["A", "B", "f", "int"]));
        assert_eq!(of("x"), Some(vec!["B", "f"]));
        assert_eq!(of("A"), None);
    }
}
