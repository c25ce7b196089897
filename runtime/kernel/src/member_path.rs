// SPDX-License-Identifier: MIT OR Apache-2.0

//! Paths to members, as in `rss_stat.count[1]`.

use std::fmt;

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A member of a structure or union.
    Member(&'a str),
    /// An element of an array.
    Element(u32),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(formatter, ".{name}"),
            Self::Element(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// The steps of `path`. An error is the part that is not a step.
pub(crate) fn parse(path: &str) -> impl Iterator<Item = Result<Step<'_>, &str>> {
    path.split('.').flat_map(|part| {
        let (name, indices) = part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
        let member = if name.is_empty() { Err(part) } else { Ok(Step::Member(name)) };
        let elements = indices.into_iter().flat_map(|rest| rest.split('[')).map(move |index| {
            let index = index.strip_suffix(']').and_then(|index| index.parse().ok());
            index.map(Step::Element).ok_or(part)
        });
        std::iter::once(member).chain(elements)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_members_and_elements() {
        let steps: Result<Vec<_>, _> = parse("a.b[1][20].c").collect();
        let expected =
            [Step::Member("a"), Step::Member("b"), Step::Element(1), Step::Element(20), Step::Member("c")];
        assert_eq!(steps.unwrap(), expected);
    }

    #[test]
    fn what_is_no_path_is_named() {
        for (path, wrong) in
            [("", ""), ("a..b", ""), ("a[", "a["), ("a[x].b", "a[x]"), ("a[1]]", "a[1]]"), ("[1]", "[1]")]
        {
            let error = parse(path).find_map(Result::err);
            assert_eq!(error, Some(wrong), "{path}");
        }
    }
}
