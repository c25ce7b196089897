// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why assembly has no meaning in a recovery program.

/// What kind of reason it is. docs/compiler.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// An instruction that only the kernel may execute: control registers, MSRs, the TLB, interrupts.
    Privileged,
    /// Ports, and instructions that are made for devices.
    Device,
    /// What the CPU that executes it is, or has in registers of its own: `cpuid`, `rdtsc`, segment registers.
    CpuState,
    /// What "this CPU" of the failing system is doing.
    ThisCpu,
    /// A call or jump into code of the running kernel.
    KernelCode,
    /// Code that the running kernel has replaced by other code, according to the CPU that it runs on or the hypervisor below.
    Patched,
    /// The stack pointer and return addresses.
    Stack,
    /// What gpufas-cc does not know.
    Unknown,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Privileged,
        Self::Device,
        Self::CpuState,
        Self::ThisCpu,
        Self::KernelCode,
        Self::Patched,
        Self::Stack,
        Self::Unknown,
    ];

    /// Its name, which does not change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged-instruction",
            Self::Device => "device-io",
            Self::CpuState => "cpu-state",
            Self::ThisCpu => "this-cpu",
            Self::KernelCode => "kernel-code",
            Self::Patched => "patched-code",
            Self::Stack => "kernel-stack",
            Self::Unknown => "unknown-assembly",
        }
    }

    /// The class of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// Why a template has no meaning in a recovery program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason.
    pub class: Class,
    /// The reason, in words.
    pub reason: String,
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }

    /// A refusal of what gpufas-cc does not know.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Class::Unknown, reason)
    }

    /// The text in the program that stands for it until it is known whether the place can be reached.
    pub fn text(&self) -> String {
        format!("{}: {}", self.class.name(), self.reason)
    }

    /// Reads that text.
    pub fn parse(text: &str) -> Self {
        let known = text.split_once(": ").and_then(|(name, reason)| Some((Class::named(name)?, reason)));
        match known {
            Some((class, reason)) => Self::new(class, reason),
            None => Self::unknown(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_documented() {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compiler.md"));
        for class in Class::ALL {
            assert!(text.contains(&format!("| `{}` |", class.name())), "{}", class.name());
        }
    }

    #[test]
    fn a_refusal_comes_through_the_program_as_it_is() {
        for class in Class::ALL {
            let refusal = Refusal::new(class, "a reason: with a colon");
            assert_eq!(Refusal::parse(&refusal.text()), refusal);
        }
        assert_eq!(Refusal::parse("no class"), Refusal::unknown("no class"));
    }
}
