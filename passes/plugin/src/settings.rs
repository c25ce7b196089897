// SPDX-License-Identifier: MIT OR Apache-2.0

//! Parameters of passes: `retarget<cuda>`, `gpufas<host;O3>`.

use gpufas_abi::manifest::Target;
use passes::pipeline::{OPTIMIZE, TARGETED};
use passes::relocate;

use crate::state::name_of;

/// What a pass was asked for: `GpufasSettings` of plugin.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    target: u32,
    optimization: u32,
    default_pipeline: u32,
    relocatable: u32,
}

/// What `target` is for [`Target::Host`].
const HOST: u32 = 1;

impl Default for Settings {
    fn default() -> Self {
        Self { target: 0, optimization: 2, default_pipeline: 0, relocatable: 0 }
    }
}

impl Settings {
    /// Those of steps in the default pipeline of clang and opt, which make code for the host.
    pub fn default_pipeline(optimization: u32) -> Self {
        Self { target: HOST, optimization, default_pipeline: 1, relocatable: 0 }
    }

    /// Reads parameters, as they stand between `<` and `>`, of a step by its number, or of the whole pipeline.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn parse(step: usize, parameters: &str) -> Result<Self, String> {
        let name = name_of(step);
        let takes_target = name.is_none_or(|name| TARGETED.contains(&name));
        let takes_level = name.is_none_or(|name| name == OPTIMIZE);
        let relocates = name.is_none_or(|name| name == relocate::NAME);
        let mut settings = Self::default();
        let mut target = None;
        for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
            match parameter {
                "cuda" if takes_target => target = Some(0),
                "host" if takes_target => target = Some(HOST),
                "O1" if takes_level => settings.optimization = 1,
                "O2" if takes_level => settings.optimization = 2,
                "O3" if takes_level => settings.optimization = 3,
                "relocatable" if relocates => settings.relocatable = 1,
                _ if !takes_target && !takes_level && !relocates => {
                    return Err(format!("the pass has no parameters, `{parameter}` is given"));
                }
                _ => {
                    let targets = takes_target.then_some("cuda or host");
                    let levels = takes_level.then_some("O1, O2 or O3");
                    let others = relocates.then_some("relocatable");
                    let known: Vec<_> = targets.into_iter().chain(levels).chain(others).collect();
                    return Err(format!("`{parameter}` is not known; it is {}", known.join(", or ")));
                }
            }
        }
        match target {
            Some(target) => settings.target = target,
            None if takes_target => return Err("the target is missing: <cuda> or <host>".into()),
            None => {}
        }
        Ok(settings)
    }

    /// The parameters of a step as they are written behind its name.
    pub fn parameters(&self, step: usize) -> &'static str {
        match name_of(step) {
            Some(name) if TARGETED.contains(&name) => match self.target() {
                Target::Cuda => "<cuda>",
                Target::Host => "<host>",
            },
            Some(OPTIMIZE) => match self.optimization {
                0 | 1 => "<O1>",
                2 => "<O2>",
                _ => "<O3>",
            },
            Some(relocate::NAME) if self.is_relocatable() => "<relocatable>",
            _ => "",
        }
    }

    /// The target.
    pub fn target(&self) -> Target {
        if self.target == HOST { Target::Host } else { Target::Cuda }
    }

    /// How much LLVM optimises.
    pub fn optimization(&self) -> u8 {
        u8::try_from(self.optimization).unwrap_or(u8::MAX)
    }

    /// Whether the module is made relocatable.
    pub fn is_relocatable(&self) -> bool {
        self.relocatable != 0
    }

    /// Whether LLVM's own pipeline takes the place of the step that optimises.
    pub fn is_default_pipeline(&self) -> bool {
        self.default_pipeline != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passes::pipeline::STEPS;

    fn number(name: &str) -> usize {
        STEPS.iter().position(|step| *step == name).unwrap_or(STEPS.len())
    }

    #[test]
    fn parameters_are_those_that_a_pass_has() {
        let parse = |name: &str, text: &str| Settings::parse(number(name), text);
        assert_eq!(parse("gpufas", "host;O3").unwrap().target(), Target::Host);
        assert_eq!(parse("gpufas", "O1;cuda").unwrap().optimization(), 1);
        assert_eq!(parse("retarget", "cuda").unwrap().target(), Target::Cuda);
        assert_eq!(parse("optimize", "").unwrap().optimization(), 2);
        assert_eq!(parse("llview", ""), Ok(Settings::default()));
        assert!(parse("gpufas", "host;relocatable").unwrap().is_relocatable());
        for (name, parameters) in [
            ("retarget", "<host>"),
            ("retarget", "<cuda>"),
            ("optimize", "<O3>"),
            ("relocate", "<relocatable>"),
            ("relocate", ""),
            ("budget", ""),
        ] {
            let settings = parse(name, parameters.trim_matches(['<', '>'])).unwrap();
            assert_eq!(settings.parameters(number(name)), parameters);
        }
        for (name, text, reason) in [
            ("gpufas", "", "missing"),
            ("gpufas", "O2", "missing"),
            ("gpufas", "opencl", "cuda or host, or O1, O2 or O3, or relocatable"),
            ("retarget", "cuda;O2", "`O2` is not known; it is cuda or host"),
            ("optimize", "O0", "O1, O2 or O3"),
            ("llview", "host", "no parameters"),
            ("relocate", "host", "`host` is not known; it is relocatable"),
            ("relocation-table", "relocatable", "no parameters"),
        ] {
            let message = parse(name, text).unwrap_err();
            assert!(message.contains(reason), "{name}<{text}>: {message}");
        }
    }
}
