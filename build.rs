// SPDX-License-Identifier: MIT OR Apache-2.0

//! Builds the device runtime as LLVM bitcode for both targets, and lists the C headers, so that the compiler carries all
//! that it links into programs.
//!
//! The bitcode must be made by a Rust compiler whose LLVM is not newer than the one that the passes use (22), and for the
//! GPU it must compile `core`, so it needs Rust's sources: Debian's rustc-web and rust-web-src, or a toolchain named in
//! `GPUFAS_RUSTC`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// Newest major version of LLVM whose bitcode the passes can read.
const LLVM_MAJOR: u32 = 22;

/// Where Debian's LLVM is; .cargo/config.toml says it too.
const LLVM: &str = "/usr/lib/llvm-22";

/// Targets of the device runtime: the file that is made, the Rust target, and what cargo and rustc need for it.
const TARGETS: &[(&str, &str, &[&str], &[&str])] = &[
    ("device-cuda.bc", "nvptx64-nvidia-cuda", &["-Zbuild-std=core"], &[]),
    (
        "device-host.bc",
        "x86_64-unknown-linux-gnu",
        // Built along, so that nothing that is inlined from it unwinds.
        &["-Zbuild-std=core"],
        &["-Crelocation-model=pic", "-Cforce-unwind-tables=no"],
    ),
];

/// What the results depend on.
const WATCHED: &[&str] = &[
    "build.rs",
    "runtime/device/src",
    "runtime/device/Cargo.toml",
    "runtime/device/Cargo.lock",
    "runtime/abi/src",
    "runtime/abi/Cargo.toml",
    "runtime/include",
];

/// What the compiler defines and the device runtime uses: `symbols::runtime` of runtime/abi.
const DEFINED_BY_THE_COMPILER: &[&str] =
    &["gpufas_own_variables", "gpufas_own_variable_count", "gpufas_translate_every"];

/// Functions of the device runtime that must become part of the program's own: one of them is in every loop.
const INLINED: &[&str] = &["gpufas_stored", "gpufas_count"];

fn main() {
    for variable in ["GPUFAS_RUSTC", "RUSTC", "LLVM_SYS_221_PREFIX"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    for watched in WATCHED {
        println!("cargo::rerun-if-changed={watched}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let (rustc, version) = find_rustc();
    println!("cargo::rerun-if-changed={}", rustc.display());
    println!("cargo::rustc-env=GPUFAS_DEVICE_RUSTC={}", description(&version));
    // A folder for each compiler: what one has built says nothing about the other.
    let mut hasher = DefaultHasher::new();
    (&rustc, &version).hash(&mut hasher);
    let target_folder = out.join(format!("device-{:016x}", hasher.finish()));
    for (file, target, cargo_options, rustc_options) in TARGETS {
        let bitcode = build(&rustc, &target_folder, target, cargo_options, rustc_options);
        check(&bitcode);
        if let Err(error) = std::fs::copy(&bitcode, out.join(file)) {
            fail(&format!("cannot copy {}: {error}", bitcode.display()));
        }
    }
    list_headers(Path::new("runtime/include"), &out.join("headers.rs"));
}

/// Ends the build with one message.
fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}

/// The first line of what a compiler says of itself, without its name.
fn description(version: &str) -> &str {
    let line = version.lines().next().unwrap_or_default();
    line.strip_prefix("rustc ").unwrap_or(line)
}

/// A Rust compiler that serves, and what it says of itself.
fn find_rustc() -> (PathBuf, String) {
    if let Some(named) = std::env::var_os("GPUFAS_RUSTC") {
        let named = PathBuf::from(named);
        match examine(&named) {
            Ok(version) => return (named, version),
            Err(reason) => fail(&format!("GPUFAS_RUSTC={} does not serve: {reason}", named.display())),
        }
    }
    let mut candidates = vec![PathBuf::from("/usr/bin/rustc")];
    candidates.extend(std::env::var_os("RUSTC").map(PathBuf::from));
    let mut reasons = String::new();
    for candidate in candidates {
        match examine(&candidate) {
            Ok(version) => return (candidate, version),
            Err(reason) => reasons.push_str(&format!("\n{}: {reason}", candidate.display())),
        }
    }
    fail(&format!(
        "no Rust compiler that can build the device runtime; run `cargo xtask setup`, or install Debian's packages \
         rustc-web and rust-web-src, or name a compiler in GPUFAS_RUSTC{reasons}"
    ))
}

/// What a tool says on standard output.
fn ask(tool: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(tool).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A compiler's description of itself, or why it does not serve.
fn examine(rustc: &Path) -> Result<String, String> {
    let Some(version) = ask(rustc, &["-vV"]) else { return Err("it is not there or does not run".into()) };
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or("0");
    let major: u32 = llvm.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major == 0 || major > LLVM_MAJOR {
        return Err(format!("its LLVM is {llvm}, and {LLVM_MAJOR} or older is needed"));
    }
    let sysroot = ask(rustc, &["--print", "sysroot"]).unwrap_or_default();
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    if sources.is_file() {
        Ok(version)
    } else {
        Err(format!("the sources of `core` are missing ({})", sources.display()))
    }
}

/// Builds the device runtime for a target and says where the bitcode is.
fn build(
    rustc: &Path,
    target_folder: &Path,
    target: &str,
    cargo_options: &[&str],
    rustc_options: &[&str],
) -> PathBuf {
    let mut path = vec![rustc.parent().unwrap_or(Path::new("/usr/bin")).to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir("runtime/device")
        .args(["rustc", "--locked", "--lib", "--release", "--target", target, "--target-dir"])
        .arg(target_folder)
        .args(cargo_options)
        .args(["--", "--emit=llvm-bc"])
        .args(rustc_options)
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("PATH", std::env::join_paths(path).unwrap_or_default());
    // What the outer cargo set for its own compiler.
    for variable in [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "RUSTUP_TOOLCHAIN",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
    ] {
        command.env_remove(variable);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => fail(&format!("cannot run cargo for the device runtime: {error}")),
    };
    if !output.status.success() {
        fail(&format!(
            "the device runtime does not build for {target}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let folder = target_folder.join(target).join("release/deps");
    let newest = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "bc")
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gpufas_device-"))
        })
        .max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok());
    newest.unwrap_or_else(|| fail(&format!("no bitcode of the device runtime in {}", folder.display())))
}

/// Checks what the compiler relies on: nothing else is missing from the bitcode, and what is to be inlined can be.
fn check(bitcode: &Path) {
    let prefix = std::env::var_os("LLVM_SYS_221_PREFIX").unwrap_or_else(|| LLVM.into());
    let tools = Path::new(&prefix).join("bin");
    let file = bitcode.display().to_string();
    let run = |tool: &str, arguments: &[&str]| {
        let tool = tools.join(tool);
        ask(&tool, arguments)
            .unwrap_or_else(|| fail(&format!("{} does not read {file}; is LLVM 22 whole?", tool.display())))
    };
    let undefined = run("llvm-nm", &["--undefined-only", "--format=just-symbols", &file]);
    let unexpected: Vec<_> = undefined
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty() && !DEFINED_BY_THE_COMPILER.contains(name))
        .collect();
    if !unexpected.is_empty() {
        fail(&format!("the device runtime uses what nothing defines: {}", unexpected.join(", ")));
    }
    let text = run("llvm-dis", &["-o", "-", &file]);
    for function in INLINED {
        if !is_always_inlined(&text, function) {
            fail(&format!(
                "the device runtime's {function} has lost its attribute alwaysinline, or is not there"
            ));
        }
    }
}

/// Whether a function of a module in text is defined with the attribute `alwaysinline`.
fn is_always_inlined(module: &str, function: &str) -> bool {
    let name = format!("@{function}(");
    let definition = module.lines().find(|line| line.starts_with("define ") && line.contains(&name));
    let group = definition.and_then(|line| line.split_whitespace().find(|word| word.starts_with('#')));
    let attributes = group
        .and_then(|group| module.lines().find(|line| line.starts_with(&format!("attributes {group} = "))));
    attributes.is_some_and(|attributes| attributes.contains(" alwaysinline "))
}

/// Writes a table of all headers, and of the C sources beside them, and their contents, for the compiler to include.
fn list_headers(folder: &Path, table: &Path) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        let whole = root.join(&file).display().to_string();
        text.push_str(&format!("    ({name:?}, include_str!({whole:?})),\n"));
    }
    text.push_str("]\n");
    if let Err(error) = std::fs::write(table, text) {
        fail(&format!("cannot write {}: {error}", table.display()));
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "h" || extension == "c") {
            files.push(path);
        }
    }
}
