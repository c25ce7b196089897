// SPDX-License-Identifier: MIT OR Apache-2.0

//! Executes inline assembly natively and as kernel-asm translates it, and compares results, conditions and memory.
//!
//! The cases are the functions of `tests/passes/semantics/*.c`. Each file is compiled twice and linked with a driver, which
//! runs one case on edge values and on random numbers. Those with kernel headers are run with the headers of each kernel.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, OnceLock};

use anyhow::{Context, Result, bail, ensure};
use gpufas_coverage::templates::{self, CASES, Cases};
use gpufas_tests::releases;
use tempfile::TempDir;

use super::{generated, tools};

/// Where the random numbers begin.
const SEED: u64 = 0x6770_7566_6173;

/// What makes IR as clang emits it run without a kernel.
const STEPS: &str = "kernel-asm,labels,variadic,aliases,optimize,retarget";

/// A file of cases.
pub struct Source {
    /// Its name without the extension.
    pub name: &'static str,
    /// The kernel whose headers it includes.
    pub kernel: Option<&'static str>,
    /// Its text, if it is no file.
    text: Option<String>,
    driver: OnceLock<std::result::Result<(TempDir, PathBuf), String>>,
}

/// Those of a test of their own for each case.
pub static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let kernel = |cases: &Cases| cases.with_headers.then_some(tools::KERNEL);
    CASES.iter().map(|cases| Source::new(cases.name, kernel(cases))).collect()
});

/// Instructions at random, all in one test; more of them where every kernel is tested.
pub fn generated() -> Vec<Source> {
    let count = if releases::is_matrix() { 6 } else { 1 };
    let text = |number| Some(generated::text(SEED + number));
    (0..count).map(|number| Source { text: text(number), ..Source::new("generated", None) }).collect()
}

/// Those that include kernel headers, with those of one kernel.
pub fn with_kernel(kernel: &'static str) -> Vec<Source> {
    let with_headers = CASES.iter().filter(|cases| cases.with_headers);
    with_headers.map(|cases| Source::new(cases.name, Some(kernel))).collect()
}

impl Source {
    const fn new(name: &'static str, kernel: Option<&'static str>) -> Self {
        Self { name, kernel, text: None, driver: OnceLock::new() }
    }

    /// The file, which is written to a folder if it is none yet.
    fn file(&self, folder: &Path) -> Result<PathBuf> {
        let Some(text) = &self.text else {
            return Ok(templates::folder().join(self.name).with_extension("c"));
        };
        let path = folder.join(self.name).with_extension("c");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Names of its cases.
    pub fn cases(&self) -> Result<Vec<String>> {
        // Nothing else in a source begins with this.
        let before = "listed_case_";
        let mut command = match self.kernel {
            Some(kernel) => kernel_compiler(kernel)?,
            None => clang()?,
        };
        let folder = tempfile::tempdir()?;
        command.arg("-I").arg(templates::folder());
        command.arg("-E").arg(format!("-DPREFIX={before}")).arg(self.file(folder.path())?);
        let text = String::from_utf8(run(command)?)?;
        let name = |rest: &str| -> String {
            rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
        };
        let mut names: Vec<String> = text.split(before).skip(1).map(name).collect();
        // Each is declared before it is defined.
        names.sort();
        names.dedup();
        ensure!(names.len() > 10, "no cases in {}", self.name);
        Ok(names)
    }

    /// Runs one case.
    pub fn check(&self, case: &str) -> Result<()> {
        let driver = self.driver.get_or_init(|| self.build().map_err(|error| format!("{error:#}")));
        let (_, driver) = driver.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        let output = Command::new(driver).arg(case).arg(SEED.to_string()).output()?;
        if !output.status.success() {
            bail!(
                "the translation of {case} differs (seed {SEED}, {}):\n{}",
                output.status,
                String::from_utf8_lossy(&output.stdout)
            );
        }
        Ok(())
    }

    /// Runs all cases.
    pub fn check_all(&self) -> Result<()> {
        let wrong: Vec<_> =
            self.cases()?.iter().filter_map(|case| Some(format!("{:#}", self.check(case).err()?))).collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    /// Compiles the driver with both versions of the cases.
    fn build(&self) -> Result<(TempDir, PathBuf)> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let list: String = self.cases()?.iter().map(|name| format!("LISTED({name})\n")).collect();
        std::fs::write(at("cases.inc"), list)?;

        for (prefix, ir) in [("native_", "native.ll"), ("gpufas_entry_", "translated.ll")] {
            self.front_end(prefix, &at(ir))?;
        }
        let mut passes = Command::new(tools::gpufas_cc()?);
        passes.args(["--passes", STEPS, "--target", "host", "--emit", "llvm-ir"]);
        passes.arg(at("translated.ll")).arg("-o").arg(at("passed.ll"));
        run(passes)?;
        let passed = std::fs::read_to_string(at("passed.ll"))?;
        let left = passed
            .lines()
            .find(|line| line.contains(" asm ") && !line.contains("\"rep ") && !line.contains("\"std;"));
        ensure!(left.is_none(), "kernel-asm left inline assembly: {left:?}");

        let mut link = clang()?;
        link.args(["-O2", "-mcx16", "-Wno-override-module", "-no-pie", "-I"])
            .arg(folder.path())
            .arg("-I")
            .arg(templates::folder());
        link.arg(templates::folder().join("driver.c")).arg(at("native.ll")).arg(at("passed.ll"));
        link.arg("-o").arg(at("driver"));
        run(link)?;
        let driver = at("driver");
        Ok((folder, driver))
    }

    /// C to IR as clang emits it, before any optimisation.
    fn front_end(&self, prefix: &str, output: &Path) -> Result<()> {
        let mut command = match self.kernel {
            Some(kernel) => {
                let mut command = kernel_compiler(kernel)?;
                command.args(["-c", "--emit", "llvm-ir"]);
                command
            }
            None => {
                let mut command = clang()?;
                command.args(["-O2", "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-S"]);
                command
            }
        };
        let folder = output.parent().context("a file in no folder")?;
        command.arg("-I").arg(templates::folder()).arg(format!("-DPREFIX={prefix}"));
        command.arg(self.file(folder)?).arg("-o").arg(output);
        run(command).map(drop)
    }
}

/// The compiler under test with the headers of a kernel.
pub fn kernel_compiler(kernel: &str) -> Result<Command> {
    let mut command = Command::new(tools::gpufas_cc()?);
    command.arg("--kernel-headers").arg(tools::headers_of(kernel)?);
    Ok(command)
}

fn clang() -> Result<Command> {
    tools::llvm("clang").map(Command::new)
}

/// What a command writes to its standard output.
pub fn run(mut command: Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}
