// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of the kernel's sources its configuration has a part for: what a folder's Makefile says of an object.

use std::fs;
use std::path::Path;

/// What becomes of a source in the kernel's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is compiled: into the image or a module.
    Built,
    /// It is left out, since this option is not set.
    LeftOut(String),
    /// No object is made of it: another source includes it, or it is a program of the build.
    NoObject,
}

/// What becomes of `file`, a path in the source tree, in a kernel with the configuration `config`, the text of its `.config`.
pub fn part(tree: &Path, file: &str, config: &str) -> Part {
    let path = Path::new(file);
    let folder = path.parent().unwrap_or(Path::new(""));
    let object = format!("{}.o", path.file_stem().unwrap_or_default().to_string_lossy());
    let makefile = fs::read_to_string(tree.join(folder).join("Makefile")).unwrap_or_default();
    let mut option = None;
    for line in makefile.replace("\\\n", " ").lines() {
        let Some((variable, value)) = line.split_once('=') else { continue };
        let variable = variable.trim_end_matches([' ', '\t', ':', '+']).trim();
        // `CFLAGS_sort.o` and the like are variables of other kinds.
        if variable.contains(".o") || !value.split_whitespace().any(|word| word == object) {
            continue;
        }
        let Some((_, condition)) = variable.split_once("$(") else { return Part::Built };
        let name = condition.trim_end_matches(')');
        if is_set(config, name) {
            return Part::Built;
        }
        option.get_or_insert_with(|| name.to_owned());
    }
    option.map_or(Part::NoObject, Part::LeftOut)
}

fn is_set(config: &str, option: &str) -> bool {
    let value = config.lines().find_map(|line| line.strip_prefix(option)?.strip_prefix('='));
    matches!(value, Some("y" | "m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makefiles_say_what_is_built() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("lib")).unwrap();
        let text = "lib-y := ctype.o string.o \\\n\t sort.o\nobj-$(CONFIG_A) += a.o\nobj-$(CONFIG_A_B) += ab.o\n\
                    CFLAGS_gen.o = -O2\nobj-$(CONFIG_C) += c.o\nobj-$(CONFIG_D) += c.o\n";
        fs::write(tree.path().join("lib/Makefile"), text).unwrap();
        let config = "CONFIG_A_B=m\n# CONFIG_A is not set\nCONFIG_D=y\n";
        let part = |file: &str| part(tree.path(), file, config);
        assert_eq!(
            (part("lib/sort.c"), part("lib/ab.c"), part("lib/c.c")),
            (Part::Built, Part::Built, Part::Built)
        );
        assert_eq!(part("lib/a.c"), Part::LeftOut("CONFIG_A".into()));
        assert_eq!(part("lib/gen.c"), Part::NoObject);
    }
}
