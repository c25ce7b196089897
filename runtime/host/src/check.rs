// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a program fits the kernel that runs, asked before anything is written.

use crate::error::{Error, Result};
use gpufas_abi::manifest::Manifest;
use gpufas_kernel::{Kernel, Symbol, Symbols};

/// What of a running kernel is compared.
#[derive(Clone, Copy, Debug)]
struct Running<'a> {
    release: &'a str,
    version: &'a str,
    build_id: Option<&'a str>,
}

/// Checks that the kernel is the one that the program was compiled for: release, version where the program
/// knows it, build id where both know it.
///
/// # Errors
/// [`Error::OtherKernel`].
pub fn kernel(manifest: &Manifest, kernel: &Kernel) -> Result<()> {
    let running =
        Running { release: kernel.release(), version: kernel.version(), build_id: kernel.build_id() };
    compare(manifest, running)
}

fn compare(manifest: &Manifest, running: Running<'_>) -> Result<()> {
    let expected = &manifest.kernel;
    let other = |what, expected: &str, found: &str| {
        let release = running.release.into();
        Err(Error::OtherKernel { what, expected: expected.into(), found: found.into(), release })
    };
    if expected.release != running.release {
        return other("release", &expected.release, running.release);
    }
    if let Some(version) = expected.version.as_deref().filter(|version| *version != running.version) {
        return other("version", version, running.version);
    }
    if let (Some(expected), Some(found)) = (expected.build_id.as_deref(), running.build_id)
        && !expected.eq_ignore_ascii_case(found)
    {
        return other("build id", expected, found);
    }
    Ok(())
}

/// The addresses of the symbols that the program needs, in its order.
///
/// # Errors
/// [`Error::MissingSymbols`] with all that are missing.
pub fn symbols(manifest: &Manifest, kernel: &Kernel) -> Result<Vec<u64>> {
    let mut missing = Vec::new();
    let mut addresses = Vec::new();
    for name in &manifest.symbols {
        match address(kernel.symbols(), name) {
            Some(address) => addresses.push(address),
            None => missing.push(name.clone()),
        }
    }
    if missing.is_empty() {
        return Ok(addresses);
    }
    Err(Error::MissingSymbols { release: kernel.release().into(), names: missing })
}

/// A program refers to a symbol as another file of the kernel would: to the global one, if a static one of
/// the same name is there too.
fn address(symbols: &Symbols, name: &str) -> Option<u64> {
    let global = |symbol: &Symbol<'_>| symbol.kind.is_ascii_uppercase();
    let mut all = symbols.all(name);
    let found = all.find(global).or_else(|| symbols.all(name).next());
    found.map(|symbol| symbol.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Running<'static> =
        Running { release: "6.1.0-56-amd64", version: "#1 SMP Debian 6.1.192-2", build_id: Some("ab01") };

    fn differing(change: impl FnOnce(&mut gpufas_abi::manifest::Kernel)) -> Option<&'static str> {
        let mut manifest = crate::program::tests::manifest();
        manifest.kernel.release = RUNNING.release.into();
        manifest.kernel.version = None;
        manifest.kernel.build_id = None;
        change(&mut manifest.kernel);
        match compare(&manifest, RUNNING) {
            Ok(()) => None,
            Err(Error::OtherKernel { what, release, .. }) if release == RUNNING.release => Some(what),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_known_is_compared() {
        assert_eq!(differing(|_| {}), None);
        assert_eq!(differing(|kernel| kernel.release.push('x')), Some("release"));
        assert_eq!(differing(|kernel| kernel.version = Some("#2 SMP".into())), Some("version"));
        assert_eq!(differing(|kernel| kernel.version = Some(RUNNING.version.into())), None);
        assert_eq!(differing(|kernel| kernel.build_id = Some("ab02".into())), Some("build id"));
        assert_eq!(differing(|kernel| kernel.build_id = Some("AB01".into())), None);
    }
}
