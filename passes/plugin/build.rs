// SPDX-License-Identifier: MIT OR Apache-2.0

//! Compiles the registration, which LLVM's interface wants in C++.

use std::path::Path;

/// Where Debian's LLVM is; .cargo/config.toml says it too.
const LLVM: &str = "/usr/lib/llvm-22";

/// The sources and what they include.
const SOURCES: [&str; 3] = ["src/registration.cpp", "src/diagnostic.cpp", "src/plugin.h"];

fn main() {
    for variable in ["LLVM_SYS_221_PREFIX", "CXX"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let prefix = std::env::var_os("LLVM_SYS_221_PREFIX").unwrap_or_else(|| LLVM.into());
    let prefix = Path::new(&prefix);
    if !prefix.join("include/llvm/Plugins/PassPlugin.h").is_file() {
        println!(
            "cargo::error=the headers of LLVM 22 are not in {}; install Debian's package llvm-22-dev, or name LLVM's \
             folder in LLVM_SYS_221_PREFIX",
            prefix.display()
        );
        std::process::exit(1);
    }
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .files(SOURCES.iter().filter(|source| source.ends_with(".cpp")))
        // LLVM's headers are not written for the warnings of others.
        .flag(format!("-isystem{}", prefix.join("include").display()))
        // As LLVM itself: nothing is thrown through it, and its classes have no type information.
        .flags(["-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-fvisibility-inlines-hidden"])
        .define("NDEBUG", None)
        .warnings(true)
        .extra_warnings(true);
    // The compiler that is there in any case, for the sake of recovery programs.
    if std::env::var_os("CXX").is_none() {
        build.compiler(prefix.join("bin/clang++"));
    }
    build.compile("gpufas_registration");
}
