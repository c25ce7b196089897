// SPDX-License-Identifier: MIT OR Apache-2.0

//! Classes of warnings, as `-W` options name them.

/// A class of warnings: something that compiles, but that the user should act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Warning {
    /// A fixed address that is no address of the kernel's.
    InvalidAddress,
    /// An access that is known to be beyond an object of the program's own.
    OutOfBounds,
    /// A format of `printk()` or `gpufas_log()` that the program's log does not know.
    LogFormat,
    /// An input that does not say which kernel it was compiled for.
    UnmarkedInput,
    /// Structures of the kernel whose layout cannot be compared with the kernel's own.
    UncheckedLayout,
    /// A file without an entry point, where a whole program is needed.
    NoEntryPoint,
}

impl Warning {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::InvalidAddress,
        Self::OutOfBounds,
        Self::LogFormat,
        Self::UnmarkedInput,
        Self::UncheckedLayout,
        Self::NoEntryPoint,
    ];

    /// What is before the name of each class, so that none is one of clang's; alone it means all of them.
    pub const PREFIX: &'static str = "gpufas";

    /// Its name in options, which does not change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidAddress => "gpufas-invalid-address",
            Self::OutOfBounds => "gpufas-out-of-bounds",
            Self::LogFormat => "gpufas-log-format",
            Self::UnmarkedInput => "gpufas-unmarked-input",
            Self::UncheckedLayout => "gpufas-unchecked-layout",
            Self::NoEntryPoint => "gpufas-no-entry-point",
        }
    }

    /// What it warns of, for `--help-warnings`.
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidAddress => {
                "an access at a fixed address that no kernel has; the program ends in a fault there"
            }
            Self::OutOfBounds => {
                "an access beyond a variable of the program's own; the program ends in a fault there"
            }
            Self::LogFormat => {
                "printk(), gpufas_log() or snprintf() with a format that prints something else in a recovery program"
            }
            Self::UnmarkedInput => "an input that does not say which kernel it was compiled for",
            Self::UncheckedLayout => {
                "structures of the kernel whose layout cannot be compared with the kernel's own, or not completely"
            }
            Self::NoEntryPoint => "a file without GPUFAS_ENTRY() given to clang with the plugin",
        }
    }

    /// Whether it is about the text of a source rather than about what happens there, so that nobody but its author can act.
    pub const fn is_about_text(self) -> bool {
        matches!(self, Self::LogFormat)
    }

    /// The class of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_prefix_and_lead_back() {
        for class in Warning::ALL {
            assert!(class.name().starts_with(&format!("{}-", Warning::PREFIX)));
            assert_eq!(Warning::named(class.name()), Some(class));
        }
        assert_eq!(Warning::named(Warning::PREFIX), None);
    }
}
