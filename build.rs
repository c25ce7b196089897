// SPDX-License-Identifier: MIT OR Apache-2.0

//! Builds the device runtime as LLVM bitcode for both targets, and lists the C headers, so that the compiler carries all
//! that it links into programs.
//!
//! The bitcode must be made by a Rust compiler whose LLVM is not newer than the one that the passes use (22), and for the
//! GPU it must compile `core`, so it needs Rust's sources: Debian's rustc-web and rust-web-src, or a toolchain named in
//! `GPUFAS_RUSTC`.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// Newest major version of LLVM whose bitcode the passes can read.
const LLVM_MAJOR: u32 = 22;

/// Targets of the device runtime: the file that is made, the Rust target, and what cargo needs for it.
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

fn main() {
    println!("cargo::rerun-if-env-changed=GPUFAS_RUSTC");
    for watched in
        ["build.rs", "runtime/device/src", "runtime/device/Cargo.toml", "runtime/abi/src", "runtime/include"]
    {
        println!("cargo::rerun-if-changed={watched}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let rustc = find_rustc();
    for (file, target, cargo_options, rustc_options) in TARGETS {
        build(&rustc, &out, file, target, cargo_options, rustc_options);
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

/// A Rust compiler that serves.
fn find_rustc() -> PathBuf {
    if let Some(named) = std::env::var_os("GPUFAS_RUSTC") {
        let named = PathBuf::from(named);
        match unsuitable(&named) {
            None => return named,
            Some(reason) => fail(&format!("GPUFAS_RUSTC={} does not serve: {reason}", named.display())),
        }
    }
    let mut candidates = vec![PathBuf::from("/usr/bin/rustc")];
    candidates.extend(std::env::var_os("RUSTC").map(PathBuf::from));
    let mut reasons = String::new();
    for candidate in candidates {
        match unsuitable(&candidate) {
            None => return candidate,
            Some(reason) => reasons.push_str(&format!("\n{}: {reason}", candidate.display())),
        }
    }
    fail(&format!(
        "no Rust compiler that can build the device runtime; install Debian's packages rustc-web and rust-web-src \
         (`cargo xtask doctor` says how), or name one in GPUFAS_RUSTC{reasons}"
    ))
}

/// Why a compiler does not serve, if it does not.
fn unsuitable(rustc: &Path) -> Option<String> {
    let ask = |arguments: &[&str]| {
        let output = Command::new(rustc).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(version) = ask(&["-vV"]) else { return Some("it is not there or does not run".into()) };
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or("0");
    let major: u32 = llvm.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major == 0 || major > LLVM_MAJOR {
        return Some(format!("its LLVM is {llvm}, and {LLVM_MAJOR} or older is needed"));
    }
    let sysroot = ask(&["--print", "sysroot"]).unwrap_or_default();
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    (!sources.is_file()).then(|| format!("the sources of `core` are missing ({})", sources.display()))
}

fn build(rustc: &Path, out: &Path, file: &str, target: &str, cargo_options: &[&str], rustc_options: &[&str]) {
    let target_folder = out.join("device");
    let mut path = vec![rustc.parent().unwrap_or(Path::new("/usr/bin")).to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir("runtime/device")
        .args(["rustc", "--locked", "--lib", "--release", "--target", target, "--target-dir"])
        .arg(&target_folder)
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
    let Some(newest) = newest else {
        fail(&format!("no bitcode of the device runtime in {}", folder.display()))
    };
    if let Err(error) = std::fs::copy(&newest, out.join(file)) {
        fail(&format!("cannot copy {}: {error}", newest.display()));
    }
}

/// Writes a table of all headers and their contents, for the compiler to include.
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
        } else if path.extension().is_some_and(|extension| extension == "h") {
            files.push(path);
        }
    }
}
