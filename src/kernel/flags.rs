// SPDX-License-Identifier: MIT OR Apache-2.0

//! clang's options for C code of a kernel: they come from its release, not from the user.

use super::Kernel;

/// Options for every release, as in the kernel's Makefile and arch/x86/Makefile.
///
/// Options that only steer x86 code generation (`-mcmodel=kernel`, `-mno-red-zone`, return thunks) are left out: the code
/// is generated for something else.
const ALWAYS: &[&str] = &[
    "-D__KERNEL__",
    "-DCC_USING_FENTRY",
    "-fshort-wchar",
    "-fno-common",
    "-fno-PIE",
    "-fno-strict-aliasing",
    "-fno-strict-overflow",
    "-fno-delete-null-pointer-checks",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-m64",
    "-mno-sse",
    "-mno-mmx",
    "-mno-sse2",
    "-mno-avx",
    "-mno-80387",
    "-Wno-address-of-packed-member",
    "-Wno-gnu",
    "-Wno-pointer-sign",
    "-Wno-unused-const-variable",
];

impl Kernel {
    /// Major and minor number of the release.
    pub(super) fn number(&self) -> (u32, u32) {
        let mut numbers = self
            .identity
            .release
            .split(|letter: char| !letter.is_ascii_digit())
            .map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// clang's options for C code of this kernel, in the order of the kernel's own Makefile.
    pub fn clang_options(&self) -> Vec<String> {
        let (source, generated) = (self.source.display(), self.generated.display());
        // Kernels before 5.16 take <stdarg.h> from the compiler (commit 39f75da7bcc8).
        let no_libraries = if self.number() >= (5, 16) { "-nostdinc" } else { "-nostdlibinc" };
        let mut options: Vec<String> = ["--target=x86_64-linux-gnu", no_libraries].map(str::to_owned).into();
        for folder in [
            format!("{source}/arch/x86/include"),
            format!("{generated}/arch/x86/include/generated"),
            format!("{source}/include"),
            format!("{generated}/include"),
            format!("{source}/arch/x86/include/uapi"),
            format!("{generated}/arch/x86/include/generated/uapi"),
            format!("{source}/include/uapi"),
            format!("{generated}/include/generated/uapi"),
        ] {
            // As system folders, so that warnings are about the user's code.
            options.extend(["-isystem".to_owned(), folder]);
        }
        // Older kernels have no compiler-version.h.
        for header in ["compiler-version.h", "kconfig.h"] {
            let header = self.source.join("include/linux").join(header);
            if header.is_file() {
                options.extend(["-include".to_owned(), header.display().to_string()]);
            }
        }
        for header in ["gpufas/kernel_config.h", "gpufas/layout.h"] {
            options.extend(["-include".to_owned(), header.to_owned()]);
        }
        options.extend(["-include".to_owned(), format!("{source}/include/linux/compiler_types.h")]);
        options.extend(ALWAYS.iter().map(|&option| option.to_owned()));
        // __FILE__ is what it is in the kernel, wherever its headers lie.
        for folder in self.folders() {
            options.push(format!("-fmacro-prefix-map={}/=", folder.display()));
        }
        // Kernels before 5.18 are written in the GNU dialect of C89 (commit e8c07082a810).
        options.push(if self.number() >= (5, 18) { "-std=gnu11" } else { "-std=gnu89" }.into());
        // char is signed on x86 before 6.2 (commit 3bc753c06dd0).
        options.push(if self.number() >= (6, 2) { "-funsigned-char" } else { "-fsigned-char" }.into());
        // Structures of 6.19 and later embed others by their tag alone.
        if self.number() >= (6, 19) {
            options.push("-fms-extensions".into());
            options.push("-Wno-microsoft-anon-tag".into());
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpufas_abi::manifest::Kernel as ManifestKernel;

    fn options(release: &str) -> Vec<String> {
        let identity = ManifestKernel { release: release.into(), version: None, build_id: None };
        let label = release.to_owned();
        Kernel { identity, label, generated: "/generated".into(), source: "/source".into(), sources: None }
            .clang_options()
    }

    #[test]
    fn options_follow_the_release() {
        for (release, option, wanted) in [
            ("5.10.0-1-amd64", "-std=gnu89", true),
            ("5.10.0-1-amd64", "-nostdinc", false),
            ("6.1.0-56-amd64", "-std=gnu11", true),
            ("6.1.0-56-amd64", "-nostdinc", true),
            ("6.1.0-56-amd64", "-fsigned-char", true),
            ("6.12.1", "-funsigned-char", true),
            ("6.12.1", "-fms-extensions", false),
            ("7.2.0-1-amd64", "-fms-extensions", true),
        ] {
            assert_eq!(options(release).iter().any(|found| found == option), wanted, "{release}: {option}");
        }
    }
}
