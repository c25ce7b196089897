// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every bundled recovery program for every GPU architecture that the installed ptxas and LLVM both know.
//!
//! The tools are those that the compiler uses; `cargo xtask test` sees to it that they are there, and without them these
//! tests fail.

#[path = "compiler/scratch.rs"]
#[expect(dead_code, reason = "shared with the tests of the compiler, which use more of it")]
mod scratch;

use std::path::{Path, PathBuf};
use std::process::Command;

use gpufas::program::Program;
use gpufas_guest::kernels::KERNELS;
use scratch::{Scratch, finish};

/// The bundled programs.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "c")).collect();
    sources.sort();
    assert!(sources.len() >= 3, "{sources:?}");
    sources
}

/// The ptxas that the compiler runs, as it shows it.
fn ptxas(scratch: &Scratch) -> PathBuf {
    let shown = scratch.compile(&["a.c", "-###", "--emit", "cubin", "--gpu-arch", "sm_90"]);
    assert_eq!(shown.status, Some(0), "{}", shown.messages);
    let mut words = shown.messages.split_whitespace();
    words.find(|word| word.ends_with("/ptxas")).unwrap_or_else(|| panic!("{}", shown.messages)).into()
}

/// A tool of the same toolkit.
fn beside(ptxas: &Path, tool: &str) -> PathBuf {
    let path = ptxas.with_file_name(tool);
    assert!(path.is_file(), "{} is missing: run cargo xtask setup", path.display());
    path
}

/// The architectures that ptxas lists and LLVM knows.
fn architectures(scratch: &Scratch, ptxas: &Path) -> Vec<String> {
    let help = finish(Command::new(ptxas).arg("--help"), b"").text();
    let words = help
        .split('\'')
        .filter(|word| word.strip_prefix("sm_").is_some_and(|number| number.parse::<u32>().is_ok()));
    let mut listed: Vec<String> = words.map(str::to_owned).collect();
    listed.sort();
    listed.dedup();
    let (known, unknown): (Vec<String>, Vec<String>) = listed.into_iter().partition(|architecture| {
        let outcome = scratch.compile(&["a.c", "-###", "--emit", "ptx", "--gpu-arch", architecture]);
        outcome.status == Some(0)
    });
    println!("left out, as LLVM does not know them: {unknown:?}");
    for architecture in ["sm_80", "sm_90"] {
        assert!(known.iter().any(|name| name == architecture), "{known:?}");
    }
    known
}

/// What cuobjdump lists: kinds and architectures of the parts.
fn parts(cuobjdump: &Path, program: &Path) -> Vec<String> {
    let listed = finish(Command::new(cuobjdump).args(["-lelf", "-lptx"]).arg(program), b"").succeeds().text();
    listed
        .lines()
        .map(|line| {
            let name = line.rsplit(' ').next().unwrap();
            let mut fields = name.rsplit('.');
            let kind = fields.next().unwrap();
            format!("{kind} {}", fields.next().unwrap())
        })
        .collect()
}

#[test]
fn every_program_is_assembled_for_every_architecture() {
    let scratch = Scratch::with_program();
    let ptxas = ptxas(&scratch);
    let cuobjdump = beside(&ptxas, "cuobjdump");
    let mut known = architectures(&scratch, &ptxas);
    known.sort_by_key(|name| name[3..].parse::<u32>().unwrap());
    for source in examples() {
        let name = source.file_stem().unwrap().to_str().unwrap();
        let output = scratch.path().join(name).with_extension("fatbin");
        let mut command = scratch.command(&["--gpu-arch", &known.join(","), "--save-temps"]);
        finish(command.arg(&source).arg("-o").arg(&output), b"").succeeds();

        for architecture in &known {
            let ptx = String::from_utf8(scratch.read(&format!("{name}.{architecture}.ptx"))).unwrap();
            assert!(!ptx.contains(".extern"), "{name} for {architecture} has unresolved symbols");
            assert!(ptx.contains(&format!(".target {architecture}\n")), "{name} for {architecture}");
        }
        let (oldest, newest) = (known.first().unwrap(), known.last().unwrap());
        let mut expected: Vec<_> = known.iter().map(|architecture| format!("cubin {architecture}")).collect();
        expected.extend([format!("ptx {oldest}"), format!("ptx {newest}")]);
        assert_eq!(parts(&cuobjdump, &output), expected, "{name}");

        let program = Program::read(&output).unwrap();
        let mut named = known.clone();
        named.extend([oldest, newest].map(|architecture| architecture.replace("sm_", "compute_")));
        assert_eq!(program.manifest().architectures, named, "{name}");
        let container = std::fs::read(scratch.path().join(format!("{name}.container.fatbin"))).unwrap();
        assert!(program.code(0) == container, "{name}: what is handed to the driver is what fatbinary made");
        // What is extracted is what went in: the manifest is in nobody's way.
        for entry in &program.manifest().entries {
            let cubin = std::fs::read(scratch.path().join(format!("{name}.{newest}.cubin"))).unwrap();
            let section = format!(".text.gpufas_entry_{}", entry.name);
            let file = object::File::parse(cubin.as_slice()).unwrap();
            assert!(object::Object::section_by_name(&file, &section).is_some(), "{name}: {section}");
        }
    }
}

#[test]
fn every_program_becomes_ptx_for_every_kernel() {
    let scratch = Scratch::new();
    // Those of 6.1 are assembled above.
    for spec in KERNELS.iter().filter(|spec| spec.often && spec.name != "6.1") {
        let kernel = spec.fetch(&|_| {}).unwrap();
        for source in examples() {
            let name = format!("{}, {}", source.file_stem().unwrap().display(), spec.name);
            let output = scratch.path().join(&name);
            let mut command = Command::new(scratch::compiler());
            command.args(["--emit", "ptx", "--gpu-arch", "sm_90", "--kernel-headers"]).arg(&kernel.headers);
            finish(command.arg(&source).arg("-o").arg(&output), b"").succeeds();
            let ptx = std::fs::read_to_string(&output).unwrap();
            assert!(!ptx.contains(".extern"), "{name}: unresolved symbols");
            assert!(ptx.contains(".entry gpufas_entry_"), "{name}: no entry point");
        }
    }
}

#[test]
fn code_for_a_default_set_of_architectures_is_made_unless_told() {
    let scratch = Scratch::with_program();
    let cuobjdump = beside(&ptxas(&scratch), "cuobjdump");
    scratch.compile(&["a.c", "b.c", "-o", "p.fatbin"]).succeeds();
    let parts = parts(&cuobjdump, &scratch.path().join("p.fatbin"));
    for part in ["cubin sm_80", "cubin sm_90"] {
        assert!(parts.iter().any(|found| found == part), "{parts:?}");
    }
    assert_eq!(parts.iter().filter(|part| part.starts_with("ptx ")).count(), 2, "{parts:?}");
    scratch.compile(&["a.c", "b.c", "--gpu-arch", "sm_89", "-o", "one.fatbin"]).succeeds();
    assert_eq!(self::parts(&cuobjdump, &scratch.path().join("one.fatbin")), ["cubin sm_89", "ptx sm_89"]);
}
