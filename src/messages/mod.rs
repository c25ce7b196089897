// SPDX-License-Identifier: MIT OR Apache-2.0

//! Messages on standard error: in the form in which clang writes its own ([`text`]), or for programs ([`json`]).

mod clang;
mod json;
mod text;

use std::collections::HashSet;
use std::io::{IsTerminal, Write};

use gpufas_abi::manifest::Frame;
use gpufas_passes::chain::Chain;
use gpufas_passes::diagnostic::{Diagnostic, Severity};

use crate::source_names::SourceNames;
use crate::warnings::{Level, Warnings};
use text::Sources;

/// For whom messages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// People.
    #[default]
    Text,
    /// Programs: one JSON object a line.
    Json,
}

/// Writes messages to standard error. Nobody can be told if that is closed.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    form: Form,
    colours: bool,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Remark,
    Note,
}

/// A message as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    kind: Kind,
    /// Without a file if it has no place.
    place: Frame,
    text: String,
    /// The class of a warning, as `-W` names it; the kind of reason of an error; may be empty.
    class: String,
    /// What stands in brackets behind the text: the option that it depends on, or the kind of reason. May be empty.
    option: String,
    /// Who says it: the name of a pass, or `clang`. May be empty.
    pass: String,
    /// What to do about it; may be empty.
    help: String,
    notes: Vec<(Frame, String)>,
}

impl Message {
    /// A message that has nothing but a text.
    fn plain(kind: Kind, text: &str) -> Self {
        Self {
            kind,
            place: Frame::default(),
            text: text.to_owned(),
            class: String::new(),
            option: String::new(),
            pass: String::new(),
            help: String::new(),
            notes: Vec::new(),
        }
    }

    /// A diagnostic as the user's options have it; none if they hide it.
    fn of(diagnostic: &Diagnostic, names: &SourceNames, warnings: &Warnings) -> Option<Self> {
        let (kind, class, option) = match diagnostic.severity {
            Severity::Error => (Kind::Error, diagnostic.reason, diagnostic.reason.to_owned()),
            Severity::Warning(class) if class.is_about_text() && !names.is_users(&diagnostic.site.file) => {
                return None;
            }
            // The kernel's own sources are compiled without warnings, and nobody here can change them.
            Severity::Warning(_) if names.are_kernels(&diagnostic.site) => return None,
            Severity::Warning(class) => match warnings.level(class) {
                Level::Ignored => return None,
                Level::Shown => (Kind::Warning, class.name(), format!("-W{}", class.name())),
                Level::Error => (Kind::Error, class.name(), format!("-Werror,-W{}", class.name())),
            },
            Severity::Remark(kind) => (Kind::Remark, "", format!("{}={}", kind.option(), diagnostic.pass)),
        };
        let chain = Chain::new(&diagnostic.site, |file| names.is_users(file));
        Some(Self {
            kind,
            place: chain.place().clone(),
            text: diagnostic.message.clone(),
            class: class.to_owned(),
            option,
            pass: diagnostic.pass.to_owned(),
            help: diagnostic.help.clone(),
            notes: chain.notes().map(|(frame, text)| (frame.clone(), text)).collect(),
        })
    }
}

impl Messages {
    /// Colours follow clang's options, else whether standard error is a terminal that has them.
    pub fn new(form: Form, clang_options: &[String]) -> Self {
        let asked = clang_options.iter().rev().find_map(|option| match option.as_str() {
            "-fdiagnostics-color" | "-fcolor-diagnostics" | "-fdiagnostics-color=always" => Some(true),
            "-fno-diagnostics-color" | "-fno-color-diagnostics" | "-fdiagnostics-color=never" => Some(false),
            _ => None,
        });
        let terminal = || {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none()
                && std::env::var_os("TERM").is_some_and(|terminal| !terminal.is_empty() && terminal != "dumb")
        };
        Self { form, colours: asked.unwrap_or_else(terminal) }
    }

    /// Whether they are for programs.
    pub fn are_for_programs(self) -> bool {
        self.form == Form::Json
    }

    /// Writes diagnostics and how many there were, and says whether one is an error. What is said of one place is said once,
    /// whichever of a function's copies it was found in.
    pub fn show(self, diagnostics: &[Diagnostic], names: &SourceNames, warnings: &Warnings) -> bool {
        let mut said = HashSet::new();
        let mut messages: Vec<_> =
            diagnostics.iter().filter_map(|diagnostic| Message::of(diagnostic, names, warnings)).collect();
        messages.retain(|message| {
            let place = &message.place;
            said.insert((place.file.clone(), place.line, place.column, message.text.clone()))
        });
        self.write(&messages);
        let count =
            |kind: Kind, what: &str| match messages.iter().filter(|message| message.kind == kind).count() {
                0 => None,
                1 => Some(format!("1 {what}")),
                number => Some(format!("{number} {what}s")),
            };
        let counts: Vec<_> =
            [count(Kind::Warning, "warning"), count(Kind::Error, "error")].into_iter().flatten().collect();
        if !counts.is_empty() && self.form == Form::Text {
            let _ = writeln!(std::io::stderr(), "{} generated.", counts.join(" and "));
        }
        messages.iter().any(|message| message.kind == Kind::Error)
    }

    /// Writes what clang has said on standard error.
    pub fn of_clang(self, said: &str) {
        match self.form {
            Form::Text => {
                let _ = std::io::stderr().write_all(said.as_bytes());
            }
            Form::Json => self.write_lines(
                clang::read(said).iter().map(|(message, rendered)| json::line(message, rendered)).collect(),
            ),
        }
    }

    /// Writes an error that has no place in a source.
    pub fn plain_error(self, message: &str) {
        self.write(&[Message::plain(Kind::Error, message)]);
    }

    /// Writes a message that is in clang's form already.
    pub fn verbatim(self, message: &str) {
        self.of_clang(&format!("{}\n", message.trim_end()));
    }

    /// Writes a note that has no place in a source.
    pub fn plain_note(self, message: &str) {
        self.write(&[Message::plain(Kind::Note, message)]);
    }

    fn write(self, messages: &[Message]) {
        let mut sources = Sources::default();
        let lines = messages.iter().map(|message| match self.form {
            Form::Text => text::render(message, &mut sources, self.colours),
            Form::Json => json::line(message, &text::render(message, &mut sources, false)),
        });
        self.write_lines(lines.collect());
    }

    fn write_lines(self, lines: String) {
        // At once, so that what other processes write does not come between.
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpufas_abi::manifest::Site;
    use gpufas_passes::warning::Warning;

    /// Whether a warning about code in the first file, inlined into that of the others, is shown.
    fn is_shown(files: &[&str]) -> bool {
        let mut names = SourceNames::new(&["kill.c".to_owned(), "/linux/lib/maple_tree.c".to_owned()]);
        names.add(std::path::Path::new("/linux"));
        let frame = |file: &&str| Frame { file: (*file).to_owned(), ..Frame::default() };
        let (file, inlined_at) = match files.split_first() {
            Some((first, outer)) => ((*first).to_owned(), outer.iter().map(frame).collect()),
            None => Default::default(),
        };
        let site = Site { file, inlined_at, ..Site::default() };
        let warning = Diagnostic::warning(Warning::InvalidAddress, "llview", site, "a load");
        Message::of(&warning, &names, &Warnings::default()).is_some()
    }

    #[test]
    fn nobody_is_warned_of_what_is_the_kernels_alone() {
        assert!(
            is_shown(&["kill.c"]) && is_shown(&["/linux/include/linux/list.h", "kill.c"]) && is_shown(&[])
        );
        assert!(!is_shown(&["/linux/lib/maple_tree.c"]));
        assert!(!is_shown(&["/linux/include/linux/list.h", "/linux/lib/maple_tree.c"]));
    }
}
