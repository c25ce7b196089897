// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use gpufas_abi::manifest::{Argument, ArgumentType, Kernel, Site, Tool, Variant};

/// A manifest of the host target with one entry point `kill(pid)` and one variant, with one symbol.
pub(crate) fn manifest() -> Manifest {
    Manifest {
        abi: gpufas_abi::ABI_VERSION,
        target: Target::Host,
        architectures: Vec::new(),
        entries: vec![Entry {
            name: "kill".into(),
            description: "Kills a process".into(),
            arguments: vec![Argument { name: "pid".into(), kind: ArgumentType::I32 }],
        }],
        variants: vec![Variant {
            kernel: Kernel { release: "6.1.0-56-amd64".into(), version: None, build_id: Some("ab01".into()) },
            suffix: String::new(),
            symbols: vec!["init_task".into()],
            functions: Vec::new(),
            weak: Vec::new(),
            speculative: Vec::new(),
            contents: Vec::new(),
            structures: Vec::new(),
            enumerators: Vec::new(),
            relocatable: None,
            writes: true,
            checks_locks: false,
            all_or_nothing: false,
            interrupts: false,
            this_cpu: false,
            sites: vec![
                Site::default(),
                Site {
                    file: "kill.c".into(),
                    line: 7,
                    column: 3,
                    function: "send".into(),
                    ..Site::default()
                },
            ],
        }],
        toolchain: vec![Tool { name: "clang".into(), version: "22.1.8".into() }],
    }
}

/// A fatbinary whose containers hold the code `ptx`, `ptx1` and so on, one for each variant.
pub(crate) fn fatbinary(manifest: &Manifest) -> Vec<u8> {
    let text = serde_json::to_vec(manifest).unwrap();
    let mut file = Vec::new();
    for number in 0..manifest.variants.len() {
        let code = if number == 0 { "ptx".to_owned() } else { format!("ptx{number}") };
        file.extend(0xba55_ed50_u32.to_le_bytes());
        file.extend([1, 0, 16, 0]);
        file.extend((code.len() as u64).to_le_bytes());
        file.extend(code.as_bytes());
    }
    file.extend(&text);
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(gpufas_abi::symbols::MANIFEST_MAGIC);
    file
}

fn parse(file: &[u8]) -> Result<Program> {
    Program::parse(Path::new("x"), file.to_vec())
}

#[test]
fn a_fatbinary_is_taken_apart() {
    let manifest = Manifest { target: Target::Cuda, ..manifest() };
    let program = parse(&fatbinary(&manifest)).unwrap();
    assert_eq!(program.manifest(), &manifest);
    assert_eq!(program.code(0).len(), 19);
    assert!(program.entry("kill").is_some() && program.entry("Kill").is_none());
}

#[test]
fn each_variant_of_a_fatbinary_has_a_container() {
    let mut manifest = Manifest { target: Target::Cuda, ..manifest() };
    let mut other = manifest.variants[0].clone();
    other.kernel = Kernel { release: "6.12.1".into(), version: None, build_id: None };
    manifest.variants.push(other);
    let file = fatbinary(&manifest);
    let program = parse(&file).unwrap();
    assert!(program.code(0).ends_with(b"ptx") && program.code(1).ends_with(b"ptx1"));
    assert_eq!(program.code(1).len(), 20);
    // A container for each, and no more than that.
    manifest.variants.pop();
    let text = serde_json::to_vec(&manifest).unwrap();
    let mut file = file[..39].to_vec();
    file.extend(&text);
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(gpufas_abi::symbols::MANIFEST_MAGIC);
    assert!(parse(&file).unwrap_err().to_string().contains("2 containers"));
}

#[test]
fn a_manifest_of_the_other_target_is_refused() {
    let error = parse(&fatbinary(&manifest())).unwrap_err();
    assert!(matches!(error, Error::NotAProgram { .. }), "{error}");
}

#[test]
fn another_version_is_named() {
    let other = gpufas_abi::ABI_VERSION + 1;
    let file = fatbinary(&Manifest { abi: other, target: Target::Cuda, ..manifest() });
    assert!(
        matches!(parse(&file).unwrap_err(), Error::AbiVersion { found, .. } if found == u64::from(other))
    );
}

#[test]
fn what_is_no_program_is_refused() {
    for file in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x02\x01\x01"] {
        let error = parse(file).unwrap_err();
        assert!(matches!(error, Error::NotAProgram { .. }), "{error}");
    }
    let own = std::fs::read("/proc/self/exe").unwrap();
    let error = parse(&own).unwrap_err();
    assert!(error.to_string().contains("no manifest"), "{error}");
    for path in ["/dev/null", "/tmp", "/dev/zero"] {
        assert!(matches!(Program::read(path.as_ref()).unwrap_err(), Error::NotAProgram { .. }), "{path}");
    }
    assert!(matches!(Program::read("/does/not/exist".as_ref()).unwrap_err(), Error::File { .. }));
}
