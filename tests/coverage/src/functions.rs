// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the compiler says of each function (`gpufas-cc -c --emit summary`), added up over what a function reaches.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;

/// A file's functions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Functions {
    functions: HashMap<String, Function>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Function {
    visible: bool,
    calls: BTreeSet<String>,
    undefined: BTreeSet<String>,
    refused: BTreeMap<String, String>,
}

/// Functions of a file, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// All that other files can call.
    pub functions: usize,
    /// Those of which nothing that they reach in the file is refused.
    pub compiled: usize,
    /// How many reach what is refused for these kinds of reasons, and no other.
    pub refused: BTreeMap<BTreeSet<String>, usize>,
    /// Those that compile, and reach no function that neither the file nor the runtime defines.
    pub complete: usize,
    /// The same where a file of the library may define it.
    pub complete_with_library: usize,
}

impl Total {
    /// How many reach something that is refused for a kind of reason; a function may have several.
    pub fn by_kind(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for (reasons, count) in &self.refused {
            for kind in reasons {
                *kinds.entry(kind.as_str()).or_default() += count;
            }
        }
        kinds
    }

    /// How many reach something that is refused for a kind of reason that is one of these.
    pub fn refused_for_any(&self, is_one: &dyn Fn(&str) -> bool) -> usize {
        let has_one = |kinds: &BTreeSet<String>| kinds.iter().any(|kind| is_one(kind));
        self.refused.iter().filter(|(kinds, _)| has_one(kinds)).map(|(_, count)| count).sum()
    }
}

impl Functions {
    /// Reads a summary.
    ///
    /// # Errors
    ///
    /// What is wrong with it as JSON.
    pub fn parse(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    /// The same functions under their names without this beginning. Those that do not begin with it are left out of what other
    /// files can call.
    #[must_use]
    pub fn without_prefix(self, prefix: &str) -> Self {
        let rename = |name: String| name.strip_prefix(prefix).map_or(name.clone(), str::to_owned);
        let functions = self.functions.into_iter().map(|(name, mut function)| {
            function.visible &= name.starts_with(prefix);
            function.calls = function.calls.into_iter().map(rename).collect();
            function.undefined = function.undefined.into_iter().map(rename).collect();
            (rename(name), function)
        });
        Self { functions: functions.collect() }
    }

    /// Counts the functions. `runtime` are the files of the runtime, `library` those of the kernel that are compiled along.
    pub fn total(&self, runtime: &[Self], library: &[Self]) -> Total {
        let mut files = vec![self];
        files.extend(runtime.iter().chain(library));
        let without_library = &files[..=runtime.len()];
        let (with_runtime, with_all) = (defined(without_library), defined(&files));
        let replaced = defined(&without_library[1..]);
        let replaced = replaced.into_iter().map(|(name, number)| (name, number + 1)).collect();
        let mut total = Total::default();
        for (name, _) in self.functions.iter().filter(|(_, function)| function.visible) {
            total.functions += 1;
            let alone = Reached::from(&files[..1], &HashMap::new(), &HashMap::new(), name);
            if !alone.refused.is_empty() {
                let kinds = alone.refused.iter().map(|kind| (*kind).to_owned()).collect();
                *total.refused.entry(kinds).or_default() += 1;
                continue;
            }
            total.compiled += 1;
            let is_complete = |files: &[&Self], defined| {
                let linked = Reached::from(files, defined, &replaced, name);
                linked.undefined.is_empty() && linked.refused.is_empty()
            };
            total.complete += usize::from(is_complete(without_library, &with_runtime));
            total.complete_with_library += usize::from(is_complete(&files, &with_all));
        }
        total
    }
}

/// Where functions are defined that other files can call: the first file that does.
fn defined<'a>(files: &[&'a Functions]) -> HashMap<&'a str, usize> {
    let mut defined = HashMap::new();
    for (number, file) in files.iter().enumerate() {
        for (name, _) in file.functions.iter().filter(|(_, function)| function.visible) {
            defined.entry(name.as_str()).or_insert(number);
        }
    }
    defined
}

/// What a function reaches, itself included.
#[derive(Default)]
struct Reached<'a> {
    refused: BTreeSet<&'a str>,
    undefined: BTreeSet<&'a str>,
}

impl<'a> Reached<'a> {
    /// Follows the calls from a function of the first file; those of what it does not define into the files that do, and those of
    /// what is replaced in it into the files of the runtime.
    fn from(
        files: &[&'a Functions],
        defined: &HashMap<&'a str, usize>,
        replaced: &HashMap<&'a str, usize>,
        name: &'a str,
    ) -> Self {
        let place = |file: usize, name: &'a str| match replaced.get(name) {
            Some(&other) if file == 0 => (other, name),
            _ => (file, name),
        };
        let mut reached = Self::default();
        let mut pending = vec![place(0, name)];
        let mut seen: HashSet<(usize, &str)> = pending.iter().copied().collect();
        while let Some((file, name)) = pending.pop() {
            let Some(function) = files[file].functions.get(name) else { continue };
            reached.refused.extend(function.refused.keys().map(String::as_str));
            let mut go = |place: (usize, &'a str)| {
                if seen.insert(place) {
                    pending.push(place);
                }
            };
            function.calls.iter().for_each(|callee| go(place(file, callee)));
            for callee in &function.undefined {
                match defined.get(callee.as_str()) {
                    Some(&other) => go((other, callee)),
                    None => _ = reached.undefined.insert(callee),
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Functions {
        Functions::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_function_counts_with_all_that_it_reaches() {
        let headers = functions(
            r#"{"functions": {
                "fine": {"visible": true, "calls": ["deep"], "undefined": [], "refused": {}},
                "deep": {"visible": false, "calls": ["fine"], "undefined": [], "refused": {}},
                "bad": {"visible": true, "calls": ["worse"], "undefined": [], "refused": {}},
                "worse": {"visible": true, "calls": [], "undefined": [], "refused": {"this-cpu": "why"}},
                "open": {"visible": true, "calls": [], "undefined": ["sort"], "refused": {}},
                "lost": {"visible": true, "calls": [], "undefined": ["schedule"], "refused": {}},
                "poor": {"visible": true, "calls": [], "undefined": ["halt"], "refused": {}}
            }}"#,
        );
        let library = functions(
            r#"{"functions": {
                "sort": {"visible": true, "calls": ["deep"], "undefined": [], "refused": {}},
                "deep": {"visible": false, "calls": [], "undefined": [], "refused": {}},
                "halt": {"visible": true, "calls": [], "undefined": [], "refused": {"privileged-instruction": "hlt"}},
                "schedule": {"visible": false, "calls": [], "undefined": [], "refused": {}}
            }}"#,
        );
        let total = headers.total(&[], std::slice::from_ref(&library));
        assert_eq!((total.functions, total.compiled), (6, 4));
        assert_eq!(total.refused, BTreeMap::from([(BTreeSet::from(["this-cpu".to_owned()]), 2)]));
        assert_eq!(total.by_kind(), BTreeMap::from([("this-cpu", 2)]));
        assert_eq!(
            (total.refused_for_any(&|kind| kind == "this-cpu"), total.refused_for_any(&|_| false)),
            (2, 0)
        );
        assert_eq!((total.complete, total.complete_with_library), (1, 2));
        // What the runtime has under names of its own.
        let runtime = functions(
            r#"{"functions": {
                "own_schedule": {"visible": true, "calls": [], "undefined": ["own_sort"], "refused": {}},
                "halt": {"visible": true, "calls": [], "undefined": [], "refused": {}}
            }}"#,
        );
        let total = headers.total(&[runtime.without_prefix("own_")], std::slice::from_ref(&library));
        assert_eq!((total.complete, total.complete_with_library), (1, 3));
    }

    #[test]
    fn inline_functions_of_which_the_runtime_has_a_version_are_that_version() {
        let headers = functions(
            r#"{"functions": {
                "take": {"visible": true, "calls": [], "undefined": ["wait"], "refused": {}},
                "both": {"visible": true, "calls": ["take"], "undefined": [], "refused": {}}
            }}"#,
        );
        let runtime = functions(
            r#"{"functions": {"own_take": {"visible": true, "calls": [], "undefined": [], "refused": {}}}}"#,
        );
        assert_eq!(headers.total(&[], &[]).complete, 0);
        assert_eq!(headers.total(&[runtime.without_prefix("own_")], &[]).complete, 2);
    }
}
