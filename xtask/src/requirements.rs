// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the machine must have, and how to see whether it has it. Looking costs next to nothing: files are looked
//! for, and programs are run only for their versions.

use std::env;
use std::path::{Path, PathBuf};

use crate::cuda;
use crate::output::{capture, find_program, is_program};

/// LLVM's folder, unless `LLVM_SYS_221_PREFIX` names another; cargo's configuration sets that for all of the
/// workspace.
const LLVM: &str = "/usr/lib/llvm-22";

/// The newest LLVM whose bitcode the compiler reads: its own.
const LLVM_MAJOR: u32 = 22;

/// Something that the machine must have.
pub struct Requirement {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// How to get it.
    pub source: Source,
    look: fn() -> Option<PathBuf>,
    /// How to ask it for its version; empty: it has none that matters.
    version: &'static [&'static str],
}

/// How something is got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Debian package.
    Package(&'static str),
    /// A component of rustup.
    Component(&'static str),
    /// A Python wheel with one of NVIDIA's tools.
    Wheel,
}

/// Everything, in the order in which it is shown.
pub const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "cc",
        purpose: "links everything",
        source: Source::Package("gcc"),
        look: || find_program("cc"),
        version: &["-dumpfullversion"],
    },
    Requirement {
        name: "libc.a",
        purpose: "the guests' first process is static",
        source: Source::Package("libc6-dev"),
        look: || file("/usr/lib/x86_64-linux-gnu/libc.a"),
        version: &[],
    },
    Requirement {
        name: "clang-22",
        purpose: "reads recovery programs",
        source: Source::Package("clang-22"),
        look: || find_program("clang-22"),
        version: &["--version"],
    },
    Requirement {
        name: "llvm-config",
        purpose: "LLVM, which the compiler is built with",
        source: Source::Package("llvm-22-dev"),
        look: || program(&llvm().join("bin/llvm-config")),
        version: &["--version"],
    },
    Requirement {
        name: "FileCheck",
        purpose: "tests of the passes",
        source: Source::Package("llvm-22-tools"),
        look: || program(&llvm().join("bin/FileCheck")),
        version: &["--version"],
    },
    Requirement {
        name: "ld.lld-22",
        purpose: "links recovery programs for the host",
        source: Source::Package("lld-22"),
        look: || find_program("ld.lld-22").or_else(|| program(&llvm().join("bin/ld.lld"))),
        version: &["--version"],
    },
    Requirement {
        name: "rustc, LLVM 22",
        purpose: "builds the device runtime",
        source: Source::Package("rustc-web"),
        look: device_rustc,
        version: &["--version"],
    },
    Requirement {
        name: "Rust's sources",
        purpose: "the device runtime's `core`",
        source: Source::Package("rust-web-src"),
        look: || rust_sources(&device_rustc()?),
        version: &[],
    },
    Requirement {
        name: "qemu-system-x86_64",
        purpose: "runs guests",
        source: Source::Package("qemu-system-x86"),
        look: || find_program("qemu-system-x86_64"),
        version: &["--version"],
    },
    Requirement {
        name: "xz",
        purpose: "unpacks the kernels' sources",
        source: Source::Package("xz-utils"),
        look: || find_program("xz"),
        version: &["--version"],
    },
    Requirement {
        name: "make",
        purpose: "builds kernel modules",
        source: Source::Package("make"),
        look: || find_program("make"),
        version: &["--version"],
    },
    Requirement {
        name: "mke2fs",
        purpose: "makes disks for guests",
        source: Source::Package("e2fsprogs"),
        look: || program(Path::new("/sbin/mke2fs")),
        version: &[],
    },
    Requirement {
        name: "perl",
        purpose: "makes a table that one of the kernels' sources includes",
        source: Source::Package("perl"),
        look: || find_program("perl"),
        version: &[],
    },
    Requirement {
        name: "rustfmt",
        purpose: "`cargo xtask test`",
        source: Source::Component("rustfmt"),
        look: || toolchain_program("rustfmt"),
        version: &["--version"],
    },
    Requirement {
        name: "cargo-clippy",
        purpose: "`cargo xtask test`",
        source: Source::Component("clippy"),
        look: || toolchain_program("cargo-clippy"),
        version: &["--version"],
    },
    Requirement {
        name: "ptxas",
        purpose: "assembles programs for GPUs",
        source: Source::Wheel,
        look: || cuda::find("ptxas"),
        version: &["--version"],
    },
    Requirement {
        name: "fatbinary",
        purpose: "packs programs for GPUs",
        source: Source::Wheel,
        look: || cuda::find("fatbinary"),
        version: &["--version"],
    },
    Requirement {
        name: "cuobjdump",
        purpose: "reads programs for GPUs, in tests",
        source: Source::Wheel,
        look: || cuda::find("cuobjdump"),
        version: &["--version"],
    },
    Requirement {
        name: "nvdisasm",
        purpose: "reads programs for GPUs, in tests",
        source: Source::Wheel,
        look: || cuda::find("nvdisasm"),
        version: &["--version"],
    },
];

impl Requirement {
    /// Where it is, if the machine has it.
    pub fn find(&self) -> Option<PathBuf> {
        (self.look)()
    }

    /// Its version, where it has one.
    pub fn version(&self, path: &Path) -> Option<String> {
        if self.version.is_empty() {
            return None;
        }
        version_in(&capture(path, self.version)?)
    }

    /// How to get it, for people.
    pub fn how(&self) -> String {
        match self.source {
            Source::Package(package) => format!("apt-get install {package}"),
            Source::Component(component) => format!("rustup component add {component}"),
            Source::Wheel => "a CUDA toolkit of 12.9 or newer, or cargo xtask setup".to_owned(),
        }
    }
}

/// The first word that looks like a version. NVIDIA's tools name theirs last, after one of the release.
fn version_in(text: &str) -> Option<String> {
    let trim = |word: &str| word.trim_matches([',', '(', ')']).trim_start_matches('V').to_owned();
    let is_version = |word: &String| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.') && !word.contains("://")
    };
    let mut words = text.split_whitespace().map(trim).filter(is_version);
    if text.contains("NVIDIA") { words.next_back() } else { words.next() }
}

fn llvm() -> PathBuf {
    env::var_os("LLVM_SYS_221_PREFIX").map_or_else(|| LLVM.into(), PathBuf::from)
}

fn file(path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(path)).filter(|path| path.is_file())
}

fn program(path: &Path) -> Option<PathBuf> {
    is_program(path).then(|| path.to_owned())
}

/// A program of the toolchain that this was started with. rustup's stand-ins in PATH are there whether the
/// component is or not.
fn toolchain_program(name: &str) -> Option<PathBuf> {
    if let Some(cargo) = env::var_os("CARGO") {
        return program(&Path::new(&cargo).with_file_name(name));
    }
    match find_program("rustup") {
        Some(_) => program(Path::new(capture("rustup", &["which", name])?.trim_end())),
        None => find_program(name),
    }
}

/// A Rust compiler that serves the device runtime: no newer LLVM than the passes'. The compiler's build script
/// looks in the same order.
fn device_rustc() -> Option<PathBuf> {
    if let Some(named) = env::var_os("GPUFAS_RUSTC") {
        return Some(PathBuf::from(named)).filter(|path| serves(path));
    }
    [Some(PathBuf::from("/usr/bin/rustc")), toolchain_program("rustc")].into_iter().flatten().find(|path| {
        // Debian's need not have its sources yet; rustup's counts only with them, as nobody else adds them.
        serves(path) && (path.starts_with("/usr") || rust_sources(path).is_some())
    })
}

fn serves(rustc: &Path) -> bool {
    let version = capture(rustc, &["-vV"]).unwrap_or_default();
    llvm_major(&version).is_some_and(|major| (OLDEST_LLVM_MAJOR..=LLVM_MAJOR).contains(&major))
}

/// Older compilers than those of this LLVM do not know the edition.
const OLDEST_LLVM_MAJOR: u32 = 19;

fn llvm_major(version: &str) -> Option<u32> {
    version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next()?.parse().ok())
}

fn rust_sources(rustc: &Path) -> Option<PathBuf> {
    let sysroot = capture(rustc, &["--print", "sysroot"])?;
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    sources.join("core/src/lib.rs").is_file().then_some(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        let version = |text| version_in(text).unwrap();
        assert_eq!(
            version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg)\nCopyright (c) 2003-2022"),
            "7.2.22"
        );
        assert_eq!(version("Debian clang version 22.1.8 (1~deb12u1)"), "22.1.8");
        assert_eq!(version("rustfmt 1.8.0-stable (59807616e1 2026-04-14)"), "1.8.0-stable");
        assert_eq!(
            version(
                "ptxas: NVIDIA (R) Ptx optimizing assembler\nCuda compilation tools, release 13.0, V13.0.88\nBuild cuda_13.0.r13.0/compiler.36424714_0"
            ),
            "13.0.88"
        );
        assert_eq!(version_in("no version"), None);
    }

    #[test]
    fn the_compilers_llvm_is_read() {
        assert_eq!(llvm_major("rustc 1.96.0\nrelease: 1.96.0\nLLVM version: 22.1.8\n"), Some(22));
        assert_eq!(llvm_major("rustc 1.96.0"), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = REQUIREMENTS.iter().map(|requirement| requirement.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REQUIREMENTS.len());
    }
}
