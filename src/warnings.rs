// SPDX-License-Identifier: MIT OR Apache-2.0

//! What becomes of warnings of the passes, as `-W` options say. clang's own are clang's business.

use gpufas_passes::warning::Warning;

use crate::error::{Error, Result};

/// What becomes of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It is not shown.
    Ignored,
    /// It is shown.
    Shown,
    /// It is an error because of `-Werror`, or of `-Werror=` its class.
    Error,
}

/// What options have said so far. The last one that is about a class counts.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    /// `-w`.
    none: bool,
    /// `-Werror`.
    all_are_errors: bool,
    /// What was said of single classes, in order.
    said: Vec<(Warning, Said)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Enabled,
    Disabled,
    IsError,
    IsNoError,
}

impl Warnings {
    /// Reads an option of warnings. Says whether clang is to have it, too.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if it names a class with our prefix that there is not.
    pub fn read(&mut self, option: &str) -> Result<bool> {
        match option {
            "-w" => self.none = true,
            "-Werror" => self.all_are_errors = true,
            "-Wno-error" => self.all_are_errors = false,
            _ => {
                let text = option.strip_prefix("-W").unwrap_or_default();
                let (said, name) = if let Some(name) = text.strip_prefix("error=") {
                    (Said::IsError, name)
                } else if let Some(name) = text.strip_prefix("no-error=") {
                    (Said::IsNoError, name)
                } else if let Some(name) = text.strip_prefix("no-") {
                    (Said::Disabled, name)
                } else {
                    (Said::Enabled, text)
                };
                if name == Warning::PREFIX {
                    self.said.extend(Warning::ALL.map(|class| (class, said)));
                    return Ok(false);
                }
                if let Some(class) = Warning::named(name) {
                    self.said.push((class, said));
                    return Ok(false);
                }
                if name.strip_prefix(Warning::PREFIX).is_some_and(|rest| rest.starts_with('-')) {
                    return Err(Error::Usage(format!(
                        "{option}: there is no such class of warnings; gpufas-cc --help-warnings lists them"
                    )));
                }
            }
        }
        Ok(true)
    }

    /// What becomes of warnings of a class.
    pub fn level(&self, class: Warning) -> Level {
        let (mut shown, mut is_error) = (true, self.all_are_errors);
        for (_, said) in self.said.iter().filter(|(about, _)| *about == class) {
            match said {
                Said::Enabled => shown = true,
                Said::Disabled => shown = false,
                Said::IsError => (shown, is_error) = (true, true),
                Said::IsNoError => is_error = false,
            }
        }
        match (self.none || !shown, is_error) {
            (true, _) => Level::Ignored,
            (false, true) => Level::Error,
            (false, false) => Level::Shown,
        }
    }
}

/// The text of `--help-warnings`.
pub fn help() -> String {
    let mut text = format!(
        "Warnings of the passes. -Wno-CLASS hides a class, -Werror=CLASS makes it an error, -Wno-error=CLASS leaves it a\n\
         warning under -Werror; -Wno-{} and so on are about all of them. Other classes are clang's.\n\n",
        Warning::PREFIX
    );
    for class in Warning::ALL {
        text.push_str(&format!("  {}\n      {}\n", class.name(), class.description()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(options: &str) -> Level {
        let mut warnings = Warnings::default();
        for option in options.split_whitespace() {
            warnings.read(option).unwrap();
        }
        warnings.level(Warning::LogFormat)
    }

    #[test]
    fn options_work_as_clangs_do() {
        for (options, expected) in [
            ("", Level::Shown),
            ("-w", Level::Ignored),
            ("-Werror", Level::Error),
            ("-Werror -Wno-error", Level::Shown),
            ("-Wno-gpufas-log-format", Level::Ignored),
            ("-Wno-gpufas-log-format -Werror", Level::Ignored),
            ("-Wno-gpufas-log-format -Wgpufas-log-format", Level::Shown),
            ("-Werror=gpufas-log-format", Level::Error),
            ("-Werror=gpufas-log-format -Wno-gpufas-log-format", Level::Ignored),
            ("-Wno-gpufas-log-format -Werror=gpufas-log-format", Level::Error),
            ("-Wno-error=gpufas-log-format -Werror", Level::Shown),
            ("-Werror=gpufas-out-of-bounds", Level::Shown),
            ("-Wno-gpufas", Level::Ignored),
            ("-Wno-gpufas -Wgpufas-log-format", Level::Shown),
            ("-Werror=gpufas -Wno-error=gpufas-log-format", Level::Shown),
            ("-Wall -Wformat -Wno-format", Level::Shown),
        ] {
            assert_eq!(level(options), expected, "{options}");
        }
    }

    #[test]
    fn clang_gets_its_own_and_no_others() {
        let mut warnings = Warnings::default();
        for (option, is_clangs) in [
            ("-w", true),
            ("-Werror", true),
            ("-Wall", true),
            ("-Wno-error=format", true),
            ("-Wgpufas", false),
            ("-Wno-gpufas-log-format", false),
            ("-Werror=gpufas-log-format", false),
        ] {
            assert_eq!(warnings.read(option).unwrap(), is_clangs, "{option}");
        }
        for option in ["-Wgpufas-none", "-Wno-gpufas-none", "-Werror=gpufas-", "-Wno-error=gpufas-none"] {
            assert!(warnings.read(option).unwrap_err().to_string().contains("--help-warnings"), "{option}");
        }
    }

    #[test]
    fn help_names_every_class() {
        let text = help();
        assert!(Warning::ALL.iter().all(|class| text.contains(class.name())));
    }
}
