// SPDX-License-Identifier: MIT OR Apache-2.0

//! Dependency files for make and its like.
//!
//! clang writes one for each source; several sources of one output make one file together, in which the rules of each
//! stand one after the other.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::{Arguments, Stage};
use crate::error::{Error, Result};
use crate::{headers, input, output};

/// What was found out about dependencies.
#[derive(Debug, Default)]
pub struct Collected {
    files: Vec<(PathBuf, String)>,
}

/// Whether rules are collected beside what is made (`-MD`), instead of printed in its place (`-M`).
fn beside(arguments: &Arguments) -> bool {
    matches!(arguments.dependencies.mode.as_deref(), Some("-MD" | "-MMD"))
}

/// Adds clang's options for one source; the rules go to `file`.
pub fn clang_options(command: &mut Command, arguments: &Arguments, file: &Path, made: &Path) {
    let dependencies = &arguments.dependencies;
    let Some(mode) = &dependencies.mode else { return };
    command.arg(mode).args(&dependencies.options);
    if beside(arguments) {
        command.arg("-MF").arg(file);
        if !dependencies.names_target() && arguments.stage != Stage::Preprocess {
            command.arg("-MQ").arg(made);
        }
    }
}

/// Finds out before anything is compiled what would keep dependency files from being written.
///
/// # Errors
///
/// [`Error::Usage`] if there is no name for one, and those of [`output::check`].
pub fn check(arguments: &Arguments, made: &Path) -> Result<()> {
    if arguments.dependencies.mode.is_none() {
        return Ok(());
    }
    if let Some(file) = &arguments.dependencies.file {
        if file == made {
            return Err(Error::Usage(format!(
                "{} is the output, and cannot be the dependency file too",
                file.display()
            )));
        }
        return output::check(file, &arguments.inputs);
    }
    if beside(arguments) && output::is_standard_output(made) {
        return Err(Error::Usage(
            "the output has no name that a dependency file could be named after; name it with -MF".into(),
        ));
    }
    Ok(())
}

impl Collected {
    /// Adds the rules for one input: those that clang wrote to `rules` for a source, or one for an object.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if clang wrote none.
    pub fn add(&mut self, arguments: &Arguments, name: &str, rules: &Path, made: &Path) -> Result<()> {
        if !beside(arguments) {
            return Ok(());
        }
        let mut text = if input::is_source(name) {
            std::fs::read_to_string(rules).map_err(Error::read(rules))?
        } else {
            format!("{}: {}\n", targets(arguments, made), quoted(name))
        };
        // Another version of this compiler has its headers elsewhere, and make must not miss these.
        if let Some(folder) = headers::own_folder() {
            let folder = format!("{}/", quoted(&folder.display().to_string()));
            let ours: Vec<_> = text.split_whitespace().filter(|word| word.starts_with(&folder)).collect();
            let already = arguments.dependencies.options.iter().any(|option| option == "-MP");
            if !already {
                let phony: String = ours.iter().map(|header| format!("\n{header}:\n")).collect();
                text.push_str(&phony);
            }
        }
        let file = arguments.dependencies.file.clone().unwrap_or_else(|| made.with_extension("d"));
        match self.files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, known)) => known.push_str(&text),
            None => self.files.push((file, text)),
        }
        Ok(())
    }

    /// Writes the files, once what they are about is made.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn write(&self) -> Result<()> {
        self.files.iter().try_for_each(|(file, text)| output::write(file, text.as_bytes()))
    }
}

/// What rules are for.
fn targets(arguments: &Arguments, made: &Path) -> String {
    let options = &arguments.dependencies.options;
    let named: Vec<String> = options
        .windows(2)
        .filter_map(|pair| match pair[0].as_str() {
            "-MT" => Some(pair[1].clone()),
            "-MQ" => Some(quoted(&pair[1])),
            _ => None,
        })
        .collect();
    if named.is_empty() { quoted(&made.display().to_string()) } else { named.join(" ") }
}

/// A file name as make reads it.
fn quoted(name: &str) -> String {
    name.replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#")
}
