// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a program fits the kernel that runs, asked before anything is written.

use crate::error::{Error, Result};
use crate::program::Program;
use crate::relocate;
use gpufas_abi::manifest::{Enumerator, Kernel as ManifestKernel, Structure, Variant};
use gpufas_abi::relocation::{self, Relocatable, RelocationKind};
use gpufas_kernel::{Error as KernelError, Kernel, PhysicalMemory, Types};
use std::cmp::Reverse;

mod symbols;

pub use symbols::{Unresolved, symbols, table};

/// What of a running kernel is compared.
#[derive(Clone, Copy, Debug)]
struct Running<'a> {
    release: &'a str,
    version: &'a str,
    build_id: Option<&'a str>,
}

/// The variant of a program for a kernel.
#[derive(Debug)]
pub struct Fitting {
    /// Its number.
    pub number: usize,
    /// Its relocation table.
    pub relocations: Vec<u64>,
    /// Whether it was compiled for this kernel, so that layouts must be what they were then.
    pub is_compiled_for: bool,
}

/// Chooses the variant of a program for a kernel: the one that was compiled for it, else one that is relocatable and fits.
///
/// # Errors
/// [`Error::OtherKernel`] if the program is for one kernel and it is another, [`Error::OtherKernels`] if it is for several,
/// [`Error::NotRelocatable`]; those of reading the kernel's types.
pub fn select(program: &Program, kernel: &Kernel, memory: &dyn PhysicalMemory) -> Result<Fitting> {
    let running =
        Running { release: kernel.release(), version: kernel.version(), build_id: kernel.build_id() };
    let variants = &program.manifest().variants;
    if let Some(number) = exact(variants, running) {
        let relocations = match &variants[number].relocatable {
            Some(relocatable) if !relocatable.table.is_empty() => {
                known(relocatable, kernel.types(memory), kernel.release(), &variants[number])?
            }
            _ => Vec::new(),
        };
        return Ok(Fitting { number, relocations, is_compiled_for: true });
    }
    let (major, minor) = kernel.version_numbers();
    let series = format!("{major}.{minor}");
    let candidates = relocatable(variants, running.release, &series);
    if candidates.is_empty() {
        return Err(none_fits(program, running, &series));
    }
    let types = kernel.types(memory)?;
    let mut refused = None;
    for number in candidates {
        let variant = &variants[number];
        let Some(relocatable) = &variant.relocatable else { continue };
        match relocate::resolve(relocatable, &variant.enumerators, &types, false) {
            Ok(relocations) => return Ok(Fitting { number, relocations, is_compiled_for: false }),
            Err(problems) => {
                refused.get_or_insert(not_relocatable(variant, kernel.release(), problems));
            }
        }
    }
    Err(refused.unwrap_or_else(|| none_fits(program, running, &series)))
}

/// The table on the kernel that a variant was compiled for: from its types, or what it was then.
fn known(
    relocatable: &Relocatable,
    types: Result<Types, KernelError>,
    release: &str,
    variant: &Variant,
) -> Result<Vec<u64>> {
    // Whether there is a member that the program itself has declared, and how large it is, is not known without types.
    let is_of_a_declared = |kind| matches!(kind, RelocationKind::Exists | RelocationKind::MemberSize);
    let needs_types = relocatable.table.iter().any(|relocation| is_of_a_declared(relocation.kind));
    match types {
        Ok(types) => relocate::resolve(relocatable, &[], &types, true)
            .map_err(|problems| not_relocatable(variant, release, problems)),
        Err(KernelError::NoTypes { .. }) if !needs_types => {
            Ok(relocatable.table.iter().map(|relocation| relocation.compiled).collect())
        }
        Err(error) => Err(error.into()),
    }
}

fn not_relocatable(variant: &Variant, release: &str, problems: Vec<String>) -> Error {
    let (compiled, release) = (variant.kernel.release.clone(), release.into());
    Error::NotRelocatable { compiled, release, problems }
}

/// The relocatable variants that accept a release, those that were compiled for another build of it first.
fn relocatable(variants: &[Variant], release: &str, series: &str) -> Vec<usize> {
    let of_release = relocation::pattern(release);
    let accepts = |variant: &Variant, kernels: &str| {
        variant
            .relocatable
            .as_ref()
            .is_some_and(|relocatable| relocatable.accepts.iter().any(|accepted| accepted == kernels))
    };
    let mut found: Vec<usize> = (0..variants.len())
        .filter(|&number| accepts(&variants[number], &of_release) || accepts(&variants[number], series))
        .collect();
    found.sort_by_key(|&number| !accepts(&variants[number], &of_release));
    found
}

/// The variant that was compiled for a kernel: of those that fit by release, version where the program knows it and build id where
/// both know it, the one that knows most.
fn exact(variants: &[Variant], running: Running<'_>) -> Option<usize> {
    let fitting =
        variants.iter().enumerate().filter(|(_, variant)| difference(&variant.kernel, running).is_none());
    // What is known of both and does not differ is the same.
    let knowledge = |kernel: &ManifestKernel| {
        (kernel.build_id.is_some() && running.build_id.is_some(), kernel.version.is_some())
    };
    let best = fitting.max_by_key(|(number, variant)| (knowledge(&variant.kernel), Reverse(*number)));
    best.map(|(number, _)| number)
}

/// Why no variant is for a kernel.
fn none_fits(program: &Program, running: Running<'_>, series: &str) -> Error {
    let release = running.release.to_owned();
    let variants = &program.manifest().variants;
    match variants.as_slice() {
        [only] if only.relocatable.is_some() => {
            let accepts = only.relocatable.iter().flat_map(|relocatable| relocatable.accepts.iter().cloned());
            Error::NotRelocatable {
                compiled: only.kernel.release.clone(),
                release,
                problems: vec![format!(
                    "it is for {} only, unless gpufas-cc --accept {series} says that its constants hold there, too",
                    accepts.collect::<Vec<_>>().join(" and ")
                )],
            }
        }
        [only] => {
            let (what, expected, found) = difference(&only.kernel, running).unwrap_or_default();
            Error::OtherKernel { what, expected, found, release }
        }
        _ => Error::OtherKernels {
            path: program.path().into(),
            kernels: variants.iter().map(|variant| in_words(&variant.kernel)).collect(),
            running: in_words(&ManifestKernel {
                release: running.release.into(),
                version: Some(running.version.into()),
                build_id: running.build_id.map(Into::into),
            }),
            release,
        },
    }
}

/// Checks that the structures that the program uses are laid out in the guest's kernel as they were when it was compiled, and that
/// constants of enumerations have the values that they had, by the type information in the guest's memory.
///
/// A kernel without type information passes if its build id is known to be that of the kernel that the program was compiled for:
/// then headers and kernel are of one build.
///
/// # Errors
/// [`Error::OtherLayout`], [`Error::OtherConstants`], [`Error::UncheckedLayout`]; [`Error::Kernel`] if the type information cannot be understood.
pub fn layout(variant: &Variant, kernel: &Kernel, memory: &dyn PhysicalMemory) -> Result<()> {
    if variant.structures.is_empty() && variant.enumerators.is_empty() {
        return Ok(());
    }
    match kernel.types(memory) {
        Ok(types) => {
            compare(&variant.structures, &types, kernel.release())?;
            compare_constants(&variant.enumerators, &types, kernel.release())
        }
        Err(gpufas_kernel::Error::NoTypes { release }) => {
            let expected = variant.kernel.build_id.as_deref();
            let is_known =
                expected.zip(kernel.build_id()).is_some_and(|(one, two)| one.eq_ignore_ascii_case(two));
            if is_known { Ok(()) } else { Err(Error::UncheckedLayout { release }) }
        }
        Err(error) => Err(error.into()),
    }
}

fn compare(structures: &[Structure], types: &Types, release: &str) -> Result<()> {
    let comparison = types.compare_structures(structures.iter().map(Structure::parts))?;
    // What the kernel's image does not use is not described there.
    if comparison.different.is_empty() {
        return Ok(());
    }
    let (names, tables) = (comparison.names(), comparison.tables());
    Err(Error::OtherLayout { release: release.to_owned(), names, tables })
}

fn compare_constants(enumerators: &[Enumerator], types: &Types, release: &str) -> Result<()> {
    let comparison = types.compare_constants(enumerators.iter().map(Enumerator::parts))?;
    if comparison.different.is_empty() {
        return Ok(());
    }
    let (names, table) = (comparison.names(), comparison.table());
    Err(Error::OtherConstants { release: release.to_owned(), names, table })
}

/// What of a kernel differs first, as the program has it and as it runs.
fn difference(expected: &ManifestKernel, running: Running<'_>) -> Option<(&'static str, String, String)> {
    let differs = |what, expected: &str, found: &str| Some((what, expected.to_owned(), found.to_owned()));
    if expected.release != running.release {
        return differs("release", &expected.release, running.release);
    }
    if let Some(version) = expected.version.as_deref().filter(|version| *version != running.version) {
        return differs("version", version, running.version);
    }
    if let (Some(expected), Some(found)) = (expected.build_id.as_deref(), running.build_id)
        && !expected.eq_ignore_ascii_case(found)
    {
        return differs("build id", expected, found);
    }
    None
}

/// A kernel, as far as it is known, for messages.
pub fn in_words(kernel: &ManifestKernel) -> String {
    let mut text = kernel.release.clone();
    if let Some(version) = &kernel.version {
        text.push(' ');
        text.push_str(version);
    }
    if let Some(build_id) = &kernel.build_id {
        text.push_str(&format!(" (build id {build_id})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpufas_abi::manifest::{Keyword, Target};
    use gpufas_abi::relocation::{Place, Relocation};

    const RUNNING: Running<'static> =
        Running { release: "6.1.0-56-amd64", version: "#1 SMP Debian 6.1.192-2", build_id: Some("ab01") };

    /// A program for these kernels: release, version and build id of each, where it is not empty.
    fn program(kernels: &[(&str, &str, &str)]) -> Program {
        let mut manifest = crate::program::tests::manifest();
        manifest.target = Target::Cuda;
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        manifest.variants = kernels
            .iter()
            .map(|&(release, version, build_id)| {
                let mut variant = manifest.variants[0].clone();
                variant.kernel = ManifestKernel {
                    release: release.into(),
                    version: known(version),
                    build_id: known(build_id),
                };
                variant
            })
            .collect();
        Program::parse("x".as_ref(), crate::program::tests::fatbinary(&manifest)).unwrap()
    }

    fn differing(release: &str, version: &str, build_id: &str) -> Option<&'static str> {
        let program = program(&[(release, version, build_id)]);
        if exact(&program.manifest().variants, RUNNING) == Some(0) {
            return None;
        }
        match none_fits(&program, RUNNING, "6.1") {
            Error::OtherKernel { what, release, .. } if release == RUNNING.release => Some(what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_known_is_compared() {
        let release = RUNNING.release;
        assert_eq!(differing(release, "", ""), None);
        assert_eq!(differing("6.1.0-56-amd64x", "", ""), Some("release"));
        assert_eq!(differing(release, "#2 SMP", ""), Some("version"));
        assert_eq!(differing(release, RUNNING.version, ""), None);
        assert_eq!(differing(release, "", "ab02"), Some("build id"));
        assert_eq!(differing(release, "", "AB01"), None);
    }

    #[test]
    fn of_several_variants_the_one_that_is_known_best_is_taken() {
        let (release, version) = (RUNNING.release, RUNNING.version);
        let chosen =
            |kernels: &[(&str, &str, &str)]| exact(&program(kernels).manifest().variants, RUNNING).unwrap();
        assert_eq!(chosen(&[("6.12.1", "", ""), (release, "", "")]), 1);
        assert_eq!(chosen(&[(release, version, "ab02"), (release, version, "ab01")]), 1);
        assert_eq!(chosen(&[(release, "", ""), (release, version, ""), (release, "", "ab01")]), 2);
        assert_eq!(chosen(&[(release, "", ""), (release, version, "")]), 1);
        assert_eq!(chosen(&[(release, "#2 SMP", ""), (release, "", "")]), 1);
        // Without a build id of the running kernel, the version decides.
        let running = Running { build_id: None, ..RUNNING };
        let program = program(&[(release, "#2 SMP", "ab01"), (release, version, "ab02")]);
        assert_eq!(exact(&program.manifest().variants, running), Some(1));
    }

    #[test]
    fn relocatable_variants_serve_the_kernels_that_they_accept() {
        let compiled = [("6.1.0-50-amd64", "", ""), ("6.12.1", "", ""), ("6.1.0-51-amd64", "", "")];
        let mut variants = program(&compiled).manifest().variants.clone();
        assert_eq!(relocatable(&variants, "6.1.0-56-amd64", "6.1"), [0; 0]);
        let accepts = |kernels: &[&str]| {
            let accepts = kernels.iter().map(|kernels| (*kernels).to_owned()).collect();
            Some(Relocatable { accepts, ..Relocatable::default() })
        };
        variants[1].relocatable = accepts(&["6.12.#", "6.1"]);
        variants[2].relocatable = accepts(&["6.1.#-#-amd#", "5.10"]);
        assert_eq!(relocatable(&variants, "6.1.0-56-amd64", "6.1"), [2, 1]);
        assert_eq!(relocatable(&variants, "6.1.0-56-rt-amd64", "6.1"), [1]);
        assert_eq!(relocatable(&variants, "6.12.3", "6.12"), [1]);
        assert_eq!(relocatable(&variants, "6.12.3-x", "6.12"), [0; 0]);
        assert_eq!(relocatable(&variants, "5.10.0-1-amd64", "5.10"), [2]);
        assert_eq!(relocatable(&variants, "6.10.1", "6.10"), [0; 0]);
    }

    #[test]
    fn what_is_not_known_without_types_is_not_taken_from_the_compiler() {
        let variant = &program(&[(RUNNING.release, "", "")]).manifest().variants[0].clone();
        let without_types = |kind| {
            let place = Place { keyword: Keyword::Struct, structure: "task".into(), members: Vec::new() };
            let relocation = Relocation { kind, place, compiled: 24, guarded: false, sized: false };
            let relocatable = Relocatable { table: vec![relocation], ..Relocatable::default() };
            let types = Err(KernelError::NoTypes { release: RUNNING.release.into() });
            known(&relocatable, types, RUNNING.release, variant)
        };
        for kind in [RelocationKind::Offset, RelocationKind::Size, RelocationKind::Enumerator] {
            assert_eq!(without_types(kind).unwrap(), [24], "{kind:?}");
        }
        for kind in [RelocationKind::Exists, RelocationKind::MemberSize] {
            let refused = without_types(kind);
            assert!(
                matches!(refused, Err(Error::Kernel(KernelError::NoTypes { .. }))),
                "{kind:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn the_kernels_that_a_program_serves_are_named() {
        let program = program(&[("6.12.1", "#3 SMP", ""), (RUNNING.release, "", "ab02")]);
        assert_eq!(exact(&program.manifest().variants, RUNNING), None);
        let error = none_fits(&program, RUNNING, "6.1");
        let message = error.to_string();
        for part in ["6.12.1 #3 SMP", "6.1.0-56-amd64 (build id ab02)", RUNNING.version, "--kernel"] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(error.fault(), crate::error::Fault::Input);
    }
}
