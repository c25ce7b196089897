// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which source file of the kernel defines a function, for whoever has to compile it along.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Folders of the tree that are looked through, those of the kernel proper first.
const FOLDERS: &[&str] = &[
    "kernel", "lib", "mm", "arch/x86", "fs", "block", "ipc", "security", "init", "crypto", "io_uring", "net",
    "virt",
];

/// Finds the files that define functions of these names, as paths from the top of the tree on.
///
/// What is looked for is a definition as kernel style writes it: it begins in the first column, and a brace follows its
/// parameters. Where a macro makes the function, its export names the file.
pub fn find(tree: &Path, names: &[&str]) -> HashMap<String, PathBuf> {
    let mut found: HashMap<String, PathBuf> = HashMap::new();
    let mut exported: HashMap<String, PathBuf> = HashMap::new();
    for folder in FOLDERS {
        if names.iter().all(|name| found.contains_key(*name)) {
            break;
        }
        let mut pending = vec![tree.join(folder)];
        while let Some(path) = pending.pop() {
            let Ok(entries) = std::fs::read_dir(&path) else { continue };
            let mut entries: Vec<_> = entries.flatten().collect();
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
            for entry in entries {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => pending.push(path),
                    Ok(kind)
                        if kind.is_file() && path.extension().is_some_and(|extension| extension == "c") =>
                    {
                        look(tree, &path, names, &mut found, &mut exported);
                    }
                    _ => {}
                }
            }
        }
    }
    for (name, path) in exported {
        found.entry(name).or_insert(path);
    }
    found
}

fn look(
    tree: &Path,
    path: &Path,
    names: &[&str],
    found: &mut HashMap<String, PathBuf>,
    exported: &mut HashMap<String, PathBuf>,
) {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let inside = path.strip_prefix(tree).unwrap_or(path);
    for &name in names {
        if !found.contains_key(name) && defines(&text, name) {
            found.insert(name.to_owned(), inside.to_owned());
        }
        let export = |end: &str| text.contains(&format!("EXPORT_SYMBOL{end}({name})"));
        if !exported.contains_key(name) && text.contains(name) && (export("") || export("_GPL")) {
            exported.insert(name.to_owned(), inside.to_owned());
        }
    }
}

/// Whether a C source defines the function `name`.
fn defines(text: &str, name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(start, _)| {
        let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let before = &text[line..start];
        let begins = before.chars().next().unwrap_or('_');
        let after = text[start + name.len()..].trim_start_matches(['\n', '\t', ' ']);
        let is_declarator = (begins.is_ascii_alphabetic() || begins == '_')
            && !before.ends_with(is_letter)
            && before.chars().all(|letter| is_letter(letter) || " \t*".contains(letter))
            && after.starts_with('(');
        is_declarator && parameters_end(after).is_some_and(|rest| rest.trim_start().starts_with('{'))
    })
}

/// What follows the parentheses with which a text begins.
fn parameters_end(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ';' | '{' => return None,
            _ => {}
        }
        if depth == 0 {
            return text.get(index + 1..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_told_from_declarations_and_calls() {
        for text in [
            "void list_sort(void *priv, int x)\n{\n}\n",
            "__attribute__\nvoid *\nlist_sort(int (*cmp)(int), int x)\n{",
            "static inline struct a *list_sort(void) {",
        ] {
            assert!(defines(text, "list_sort"), "{text}");
        }
        for text in [
            "void list_sort(void *priv, int x);\n",
            "\tlist_sort(a, b);\n",
            "int my_list_sort(void)\n{",
            "int list_sorted(void)\n{",
            "/* list_sort() { */",
            "int x = list_sort(1); int f(void) {",
            "",
        ] {
            assert!(!defines(text, "list_sort"), "{text}");
        }
    }

    #[test]
    fn files_are_found_by_definition_or_by_export() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("lib/sub")).unwrap();
        std::fs::write(tree.path().join("lib/a.c"), "int used(void)\n{\n\treturn wanted();\n}\n").unwrap();
        std::fs::write(tree.path().join("lib/sub/b.c"), "int wanted(void)\n{\n}\nEXPORT_SYMBOL_GPL(made);\n")
            .unwrap();
        let found = find(tree.path(), &["wanted", "made", "absent"]);
        assert_eq!(found["wanted"], Path::new("lib/sub/b.c"));
        assert_eq!(found["made"], Path::new("lib/sub/b.c"));
        assert!(!found.contains_key("absent"));
    }
}
