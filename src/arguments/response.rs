// SPDX-License-Identifier: MIT OR Apache-2.0

//! Response files: `@file` on the command line stands for the arguments in the file.

use std::collections::VecDeque;

use crate::error::{Error, Result};

/// Deepest nesting of `@file`.
const DEEPEST: usize = 16;

/// Adds an argument, or the arguments of a response file.
///
/// # Errors
///
/// [`Error::Read`] for a file that is not there, [`Error::Usage`] for one that makes no sense.
pub fn expand(argument: String, queue: &mut VecDeque<String>) -> Result<()> {
    nested(argument, queue, 0)
}

fn nested(argument: String, queue: &mut VecDeque<String>, depth: usize) -> Result<()> {
    let Some(file) = argument.strip_prefix('@').filter(|file| !file.is_empty()) else {
        queue.push_back(argument);
        return Ok(());
    };
    if depth >= DEEPEST {
        return Err(Error::Usage(format!("response files are nested too deeply at @{file}")));
    }
    let text = std::fs::read_to_string(file).map_err(Error::read(file))?;
    let words = split_words(&text).ok_or_else(|| {
        Error::Usage(format!("@{file}: a quote is not closed, or the file ends with a backslash"))
    })?;
    words.into_iter().try_for_each(|word| nested(word, queue, depth + 1))
}

/// Words as a shell without expansions would see them: quotes and backslashes group.
fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (_, '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_like_a_shell_does() {
        assert_eq!(
            split_words("a 'b c' \"d \\\" e\" f\\ g\n\th").unwrap(),
            ["a", "b c", "d \" e", "f g", "h"]
        );
        assert_eq!(split_words("'open"), None);
        assert_eq!(split_words("open\\"), None);
        assert_eq!(split_words("''").unwrap(), [""]);
    }

    #[test]
    fn files_may_name_files_but_not_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, outer, endless) =
            (folder.path().join("inner"), folder.path().join("outer"), folder.path().join("endless"));
        std::fs::write(&inner, "-O3 'a b.c'").unwrap();
        std::fs::write(&outer, format!("-g @{} -v", inner.display())).unwrap();
        std::fs::write(&endless, format!("@{}", endless.display())).unwrap();
        let mut queue = VecDeque::new();
        expand(format!("@{}", outer.display()), &mut queue).unwrap();
        assert_eq!(queue, ["-g", "-O3", "a b.c", "-v"]);
        let error = expand(format!("@{}", endless.display()), &mut queue).unwrap_err().to_string();
        assert!(error.contains("nested"), "{error}");
        let error = expand("@/nonexistent/response".into(), &mut queue).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error}");
    }
}
